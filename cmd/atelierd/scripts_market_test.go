package main_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"atelierd/internal/sandbox"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptConfig is the atelierd.toml of a script that brings none of its own.
const scriptConfig = `base_url = "MARKET/api"
blob_url = "MARKET/blob/"
data_dir = "data"
[agent]
name = "Script"
description = "an agent that paints what the scripts ask for"
endpoint_url = "https://agent.test"
payout_wallet = "So11111111111111111111111111111111111111112"
[work]
backoff = "10ms"
deliver_timeout = "2s"
[[service]]
title = "Pictures"
description = "Patterns painted by an algorithm, with your own words as a caption."
category = "image_gen"
price_usd = "5.00"
deliverables = ["one picture"]
generator = "studio"
[generator.studio]
type = "canvas"
`

// testMarket is a sandbox marketplace that reports each of its answers. Its
// Server is nil until the script runs the command market.
type testMarket struct {
	*sandbox.Server
	mu       sync.Mutex
	answered chan struct{} // closed after each answer, and each answer to a webhook
	hooks    []string      // the webhooks that were answered: event and status
}

// ServeHTTP answers a request and then wakes whoever waits for an answer.
func (m *testMarket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.Server.ServeHTTP(w, r)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wake()
}

// wake wakes whoever waits for an answer. The caller holds mu.
func (m *testMarket) wake() {
	close(m.answered)
	m.answered = make(chan struct{})
}

// hooked records the answer to a webhook.
func (m *testMarket) hooked(event string, status int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hooks = append(m.hooks, fmt.Sprint(event, " ", status))
	m.wake()
}

// heard reports whether a webhook of the event was answered with the status.
func (m *testMarket) heard(event, status string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Contains(m.hooks, event+" "+status)
}

// next is closed after the next answer.
func (m *testMarket) next() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.answered
}

// polls counts the listings of orders that were answered.
func (m *testMarket) polls() (n int) {
	for _, r := range m.Requests() {
		if r.Call == sandbox.CallOrders && r.Handled {
			n++
		}
	}
	return n
}

// marketKey is where a script keeps its marketplace.
type marketKey struct{}

func marketOf(ts *testscript.TestScript) *testMarket {
	m, ok := ts.Value(marketKey{}).(*testMarket)
	if !ok || m.Server == nil {
		ts.Fatalf("there is no market")
	}
	return m
}

// scriptMarket starts a marketplace with one agent: market [moved|owned|hooks|brief].
// It sets MARKET, ATELIER_AGENT_ID and ATELIER_API_KEY. It writes atelierd.toml
// unless the script has one, and replaces MARKET, HOOK, PROVIDER and FILES in it.
//
// moved redirects every request to another host. owned gives the agent a wallet
// and a picture. hooks sends webhooks to HOOK, a free port, with a signature of
// somebody else in front. brief makes the window of a subscription 20 seconds.
func scriptMarket(ts *testscript.TestScript, _ bool, args []string) {
	m, ok := ts.Value(marketKey{}).(*testMarket)
	if !ok || m.Server != nil {
		ts.Fatalf("there is a market already")
	}
	variant := ""
	if len(args) == 1 {
		variant = args[0]
	}
	o := sandbox.Options{Seed: 1, Webhooks: variant == "hooks"}
	if variant == "brief" {
		o.Subscription = 20 * time.Second
	}
	m.Server = sandbox.New(o)
	handler := http.Handler(m)
	if variant == "moved" {
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.test"+r.URL.Path, http.StatusPermanentRedirect)
		})
	}
	server := httptest.NewServer(handler)
	ts.Defer(server.Close)
	id, key, err := m.AddAgent("Script", "", "")
	ts.Check(err)
	ts.Setenv("MARKET", server.URL)
	ts.Setenv("ATELIER_AGENT_ID", id)
	ts.Setenv("ATELIER_API_KEY", key)
	switch variant {
	case "hooks":
		startHooks(ts, m)
		patchProfile(ts, `{"endpoint_url":"http://`+ts.Getenv("HOOK")+`/atelier"}`)
	case "owned":
		ts.Check(errors.Join(m.LinkX(id), m.FundAgent(id, 1_000_000_000)))
		patchProfile(ts,
			`{"owner_wallet":"11111111111111111111111111111111","avatar_url":"https://agent.test/me.png"}`)
	}
	writeConfig(ts)
}

// startHooks has the marketplace send webhooks, and sets HOOK to a free port.
func startHooks(ts *testscript.TestScript, m *testMarket) {
	ts.Setenv("HOOK", freeAddress(ts))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan bool)
	go func() { m.Webhooks(ctx, &http.Client{Transport: foreignSignature{m}}); close(ended) }()
	ts.Defer(func() { stop(); <-ended })
}

// foreignSignature puts a signature that is not the marketplace's before the
// marketplace's own, on a line of its own, as a proxy may do. It records the answers.
type foreignSignature struct{ market *testMarket }

func (f foreignSignature) RoundTrip(r *http.Request) (*http.Response, error) {
	const name = "X-Atelier-Signature"
	r = r.Clone(r.Context())
	r.Header[name] = append([]string{"t=1,v1=" + strings.Repeat("ab", 32)}, r.Header[name]...)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		f.market.hooked(r.Header.Get("X-Atelier-Event"), resp.StatusCode)
	}
	return resp, err
}

// scriptHook sends the daemon a signed webhook about an order whose id has that many
// bytes, all x: hook EVENT BYTES. It must be accepted.
func scriptHook(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: hook event bytes")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	body := fmt.Sprintf(`{"event":%q,"order_id":%q,"data":{"content":"hello"}}`, args[0], strings.Repeat("x", n))
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(marketOf(ts).WebhookSecret(ts.Getenv("ATELIER_AGENT_ID"))))
	mac.Write([]byte(stamp + "." + body))
	r, err := http.NewRequest(http.MethodPost, "http://"+ts.Getenv("HOOK")+"/atelier", strings.NewReader(body))
	ts.Check(err)
	r.Header.Set("X-Atelier-Signature", "t="+stamp+",v1="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(r)
	ts.Check(err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		ts.Fatalf("the webhook was answered %s", resp.Status)
	}
}

// scriptProfile changes the agent's profile next to the daemon: profile JSON.
func scriptProfile(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: profile json")
	}
	patchProfile(ts, args[0])
}

func patchProfile(ts *testscript.TestScript, profile string) {
	scriptAPI{ts, ts.Getenv("ATELIER_API_KEY")}.send(http.MethodPatch, "/api/agents/me", profile)
}

// scriptAPI sends requests of an agent to the marketplace.
type scriptAPI struct {
	ts  *testscript.TestScript
	key string
}

// send sends a request, which must succeed.
func (a scriptAPI) send(method, path, body string) {
	r, err := http.NewRequest(method, a.ts.Getenv("MARKET")+path, strings.NewReader(body))
	a.ts.Check(err)
	r.Header.Set("Authorization", "Bearer "+a.key)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	a.ts.Check(err)
	resp.Body.Close()
	if resp.StatusCode >= 300 {
		a.ts.Fatalf("the marketplace answers %s to %s", resp.Status, path)
	}
}

// claimOf returns the id of an agent's claim on a bounty.
func claimOf(m *testMarket, bountyID, agentID string) string {
	for _, b := range m.Bounties() {
		for _, c := range b.Claims {
			if b.ID == bountyID && c.AgentID == agentID {
				return c.ID
			}
		}
	}
	return ""
}

func writeConfig(ts *testscript.TestScript) {
	path, text := ts.MkAbs("atelierd.toml"), scriptConfig
	if own, err := os.ReadFile(path); err == nil {
		text = string(own)
	}
	text = strings.NewReplacer("MARKET", ts.Getenv("MARKET"), "HOOK", ts.Getenv("HOOK"), "PROVIDER", ts.Getenv("PROVIDER"), "FILES", ts.Getenv("FILES")).Replace(text)
	ts.Check(os.WriteFile(path, []byte(text), 0o600))
}
