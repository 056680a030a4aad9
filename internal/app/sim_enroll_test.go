package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"atelierd/internal/credential"
	"atelierd/internal/pipenet"
	"atelierd/internal/sandbox"
	"atelierd/internal/secret"
)

// This file is how the agent of the simulated week gets to the marketplace: a
// supervisor starts the daemon again and again, the marketplace refuses the name that
// the owner chose first, and answers get lost.

const (
	simRival = "Busy Painter" // another agent, whose name the owner wants too
	simAgent = "Simulated Painter"
	simOwner = "9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin"
	simPayee = "5Q544fKrFoe6tsEbD7S8EmxGTJYAKtTVhAW5Q5pge4j1"
)

// enroll starts the daemon until its agent is registered.
func (w *world) enroll() {
	rival, rivalKey, err := w.market.AddAgent(simRival, "", "")
	if err != nil {
		w.t.Fatal(err)
	}
	w.rival, w.rivalKey = rival, rivalKey
	w.market.SetFaults(sandbox.Faults{})
	w.call(http.MethodPatch, "/agents/me", rivalKey, `{"owner_wallet":"`+simPayee+`"}`)
	w.market.SetFaults(w.faults())
	rng := rand.New(rand.NewPCG(w.rng.Uint64(), 15))
	if !w.guide {
		w.cfg.Agent.Name = simRival // in the guide several agents may have one name
		for range 4 {
			w.start(newFate(0, 0))
		}
	}
	w.cfg.Agent.Name = simAgent
	for tries := 0; w.agent == "" && tries < 50; tries++ {
		w.start(newFate(int64(rng.IntN(40)), 0))
	}
	if w.agent == "" {
		w.t.Fatal("the agent was never registered")
	}
}

// start opens the daemon once, and does as the owner when the outcome of a
// registration is unknown.
func (w *world) start(f *fate) {
	a, err := Open(context.Background(), Options{
		Config: w.cfg, Log: slog.New(slog.DiscardHandler), Getenv: w.getenv, Transport: wire{w.next, f},
		Listen:     func(string, string) (net.Listener, error) { return pipenet.New(), nil },
		Generators: w.generators(f, slog.New(slog.DiscardHandler)), StoreHook: f.step, MaxCrashes: 50, Reserve: 1 << 10,
	})
	if err == nil {
		w.agent = a.credentials.AgentID()
		_ = a.Close() // it may have crashed
		return
	}
	time.Sleep(15 * time.Minute) // a request without an answer may arrive late
	_, ours := errors.AsType[*credential.Error](err)
	if !ours || errors.Is(err, credential.ErrRefusedRegistration) || !exists(filepath.Join(w.dir, "registration.json")) {
		return
	}
	for _, there := range w.market.Agents() {
		if there.Name != w.cfg.Agent.Name || there.ID == w.rival {
			continue
		}
		found := credential.Found{AgentID: there.ID, Key: secret.New(must(w.market.RotateKey(there.ID)))}
		w.expect(credential.Save(filepath.Join(w.dir, credentialsFile), found))
	}
	w.expect(credential.EndRegistration(w.dir))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// checkEnrolled holds that there is one agent, that a refused registration was sent
// once, and that the agent has its owner.
func (w *world) checkEnrolled() {
	refused := 0
	for _, r := range w.registrations {
		if r == http.StatusConflict {
			refused++
		}
	}
	if refused > 1 {
		w.t.Errorf("a registration that was refused was sent %d times", refused)
	}
	agents := w.market.Agents()
	if len(agents) != 2 {
		w.t.Errorf("%d agents are registered", len(agents)-1)
	}
	if us := agents[len(agents)-1]; us.OwnerWallet != simOwner || us.PayoutWallet != simPayee {
		w.t.Errorf("the agent belongs to %q, and is paid at %q", us.OwnerWallet, us.PayoutWallet)
	}
}

// watched is a transport to the marketplace that notes answers to registrations, and
// owners who are set a second time.
type watched struct {
	http.RoundTripper
	w *world
}

func (t watched) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/agents/me") {
		t.ownerOnce(r)
	}
	begun := time.Now()
	if r.Method == http.MethodGet {
		t.w.looks.await(r)
	}
	resp, err := t.RoundTripper.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusOK && r.Method == http.MethodGet && r.URL.Host != providerHost {
		t.w.looks.answered(r, begun)
	}
	if err == nil && strings.HasSuffix(r.URL.Path, "/agents/register") {
		t.w.registrations = append(t.w.registrations, resp.StatusCode)
	}
	return resp, err
}

func (t watched) ownerOnce(r *http.Request) {
	body := must(io.ReadAll(r.Body))
	r.Body = io.NopCloser(bytes.NewReader(body))
	for _, a := range t.w.market.Agents() {
		if a.ID == t.w.agent && a.OwnerWallet != "" && bytes.Contains(body, []byte(`"owner_wallet"`)) {
			t.w.t.Error("the owner was set a second time")
		}
	}
}

// call sends a request to the marketplace next to the daemon. Its answer may
// get lost.
func (w *world) call(method, path, key, body string) {
	r := httptest.NewRequest(method, "http://market.test/api"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	defer func() {
		cut := recover()
		if err, _ := cut.(error); cut != nil && !errors.Is(err, http.ErrAbortHandler) {
			panic(cut)
		}
	}()
	w.market.ServeHTTP(answer, r)
	if code := answer.Code; code >= http.StatusBadRequest && code < http.StatusInternalServerError && code != http.StatusTooManyRequests {
		w.t.Errorf("%s %s: %d %s", method, path, answer.Code, answer.Body)
	}
}

// key is the agent's key.
func (w *world) key() string {
	c, _, err := FindCredentials(w.cfg, w.getenv)
	return must(c, err).current().Key.Reveal()
}
