package enroll_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/credential"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// credentialFiles stores credentials as the daemon does, and checks the order of the steps.
type credentialFiles struct{ w *world }

func (c credentialFiles) file() string { return filepath.Join(c.w.dir, "credentials.json") }

func (c credentialFiles) Begin(name string) error { return credential.BeginRegistration(c.w.dir, name) }

func (c credentialFiles) Save(r atelier.Registered) error {
	return credential.Save(c.file(), credential.Found{AgentID: r.AgentID, Key: r.Key, WebhookSecret: r.WebhookSecret})
}

func (c credentialFiles) End() error {
	if _, err := os.Stat(c.file()); len(c.w.market.Agents()) > 0 && err != nil {
		c.w.t.Errorf("the intent ends before the key is saved: %v", err)
	}
	return credential.EndRegistration(c.w.dir)
}

func (c credentialFiles) Refused(print string) error { return credential.RefusedBefore(c.w.dir, print) }

func (c credentialFiles) NoteRefusal(print string, why *order.Failure) error {
	return credential.NoteRefusal(c.w.dir, print, why.Error(), why.Hint)
}

func (w *world) intended() bool {
	_, err := os.Stat(filepath.Join(w.dir, "registration.json"))
	return err == nil
}

func (w *world) register(change func(*atelier.Registration)) (atelier.Registered, error) {
	r := atelier.Registration{Name: "My Agent", Description: "It paints pictures of anything that you describe.", EndpointURL: "https://agent.test"}
	if change != nil {
		change(&r)
	}
	return enroll.Register(w.t.Context(), w.client, credentialFiles{w}, r, w.log)
}

func TestTheIntentLastsFromBeforeTheRequestUntilTheKeyIsSaved(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		intended := false
		w.market.SetFaults(sandbox.Faults{Script: func(*http.Request, int) sandbox.Fault {
			intended = w.intended()
			return sandbox.Fault{}
		}})
		got, err := w.register(nil)
		if err != nil {
			t.Fatal(err)
		}
		if !intended || w.intended() {
			t.Errorf("intended when the request arrived: %t, afterwards: %t", intended, w.intended())
		}
		found, ok, err := credential.Find(credential.Sources{Getenv: func(string) string { return "" }, DataFile: credentialFiles{w}.file()})
		if err != nil || !ok || found.AgentID != got.AgentID || found.Key.Reveal() != got.Key.Reveal() || found.Key.Empty() {
			t.Errorf("saved %+v, %t, %v", found.AgentID, ok, err)
		}
		if text := w.text.String(); !strings.Contains(text, "agent registered") || strings.Contains(text, "WARN") || strings.Contains(text, got.Key.Reveal()) {
			t.Errorf("logged %s", text)
		}
	})
}

func TestARegistrationWithoutAnAnswerIsNeverRepeated(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.Fault{
		"the answer is lost":             {After: sandbox.Cut},
		"the server fails":               {After: http.StatusInternalServerError},
		"the request is lost":            {Before: sandbox.Cut},
		"the answer comes much too late": {Slow: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.scripted("POST", "/register", fault)
				if _, err := w.register(nil); !errors.Is(err, enroll.ErrOutcomeUnknown) {
					t.Errorf("%v", err)
				}
				for range 2 {
					if _, err := w.register(nil); !errors.Is(err, credential.ErrUnknownRegistration) {
						t.Errorf("the next time: %v", err)
					}
				}
				if n := w.sent("POST", "/register"); n != 1 || !w.intended() {
					t.Errorf("sent %d times, the intent stands: %t", n, w.intended())
				}
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

func TestARefusalEndsTheIntentAndHasAHint(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(w *world)
		change func(*atelier.Registration)
		class  order.Class
		hint   string
	}{
		"the name is taken": {
			func(w *world) { w.addAgent() },
			func(r *atelier.Registration) { r.Name = "Tester" }, order.Fail, "choose another agent.name",
		},
		"the same agent was registered": {func(w *world) {
			if _, err := w.client.Register(w.t.Context(), same); err != nil {
				w.t.Fatal(err)
			}
		}, nil, order.Fail, "its id and key"},
		"it is not valid": {nil, func(r *atelier.Registration) { r.Description = "short" }, order.Fail, ""},
		"the budget is used up": {
			func(w *world) { w.scripted("POST", "/register", sandbox.Fault{Refuse: time.Minute}) },
			nil, order.Wait, "",
		},
		"the marketplace is unreachable": {func(w *world) { w.net.Refuse.Store(true) }, nil, order.Retry, "network"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				if c.before != nil {
					c.before(w)
				}
				v := failingCredentials{credentialFiles{w}}
				r := same
				if c.change != nil {
					c.change(&r)
				}
				_, err := enroll.Register(t.Context(), w.client, v, r, w.log)
				f, ok := errors.AsType[*order.Failure](err)
				if !ok || f.Class != c.class || !strings.Contains(f.Hint, c.hint) || errors.Is(err, enroll.ErrOutcomeUnknown) {
					t.Errorf("%v: %+v", err, f)
				}
				if w.intended() {
					t.Error("the intent is still there and prevents another registration")
				}
			})
		})
	}
}

// failingCredentials cannot save a key.
type failingCredentials struct{ credentialFiles }

func (failingCredentials) Save(atelier.Registered) error { return errors.New("the disk is full") }
func (c failingCredentials) End() error                  { return credential.EndRegistration(c.w.dir) }

func TestAKeyThatIsNotSavedKeepsTheIntentAndNamesTheAgent(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		_, err := enroll.Register(t.Context(), w.client, failingCredentials{credentialFiles{w}}, atelier.Registration{
			Name:        "My Agent",
			Description: "It paints pictures of anything that you describe.", EndpointURL: "https://agent.test",
		}, w.log)
		agents := w.market.Agents()
		if err == nil || len(agents) != 1 || !strings.Contains(err.Error(), agents[0].ID) || !w.intended() {
			t.Errorf("%v; %d agents; the intent stands: %t", err, len(agents), w.intended())
		}
	})
}

// crowdedCredentials have no room for a key at first.
type crowdedCredentials struct {
	credentialFiles
	left *int
}

func (c crowdedCredentials) Save(r atelier.Registered) error {
	if *c.left--; *c.left >= 0 {
		return syscall.ENOSPC
	}
	return c.credentialFiles.Save(r)
}

func TestAKeyWaitsUntilTheDiskHasRoomForIt(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		left := 100
		got, err := enroll.Register(t.Context(), w.client, crowdedCredentials{credentialFiles{w}, &left}, same, w.log)
		if err != nil || len(w.market.Agents()) != 1 || got.AgentID == "" || w.intended() {
			t.Errorf("%v; %d agents; the intent stands: %t", err, len(w.market.Agents()), w.intended())
		}
		if n := strings.Count(w.text.String(), "cannot be saved"); n != 1 {
			t.Errorf("it is logged %d times", n)
		}
	})
}

// same is the registration that these tests send.
var same = atelier.Registration{Name: "My Agent", Description: "It paints pictures of anything that you describe.", EndpointURL: "https://agent.test"}

// laterFiles are the files of an agent that is not the first at the marketplace.
type laterFiles struct{ credentialFiles }

func (c laterFiles) End() error { return credential.EndRegistration(c.w.dir) }

func (w *world) registerAgain(change func(*atelier.Registration)) (atelier.Registered, error) {
	r := same
	if change != nil {
		change(&r)
	}
	return enroll.Register(w.t.Context(), w.client, laterFiles{credentialFiles{w}}, r, w.log)
}

// A supervisor restarts the daemon again and again. Registrations are few, so what was
// refused is sent again only after a change, or after the owner has removed the note.
func TestARefusedRegistrationIsNotSentAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent() // named tester
		taken := func(r *atelier.Registration) { r.Name = "tester" }
		if _, err := w.registerAgain(taken); err == nil || strings.Contains(err.Error(), "name_taken") {
			t.Errorf("%v", err)
		}
		for range 3 {
			_, err := w.registerAgain(taken)
			said, ok := errors.AsType[*credential.Error](err)
			if !ok || !errors.Is(err, credential.ErrRefusedRegistration) || !strings.Contains(said.Hint, "rm ") || !strings.Contains(err.Error(), "already exists") {
				t.Errorf("%v: %+v", err, said)
			}
		}
		if n := w.sent("POST", "/register"); n != 1 || w.intended() {
			t.Errorf("sent %d times, intended: %t", n, w.intended())
		}
		if err := os.Remove(filepath.Join(w.dir, "registration-refused.json")); err != nil {
			t.Fatal(err)
		}
		if _, err := w.registerAgain(taken); err == nil || w.sent("POST", "/register") != 2 {
			t.Errorf("without the note: %v, sent %d times", err, w.sent("POST", "/register"))
		}
		if _, err := w.registerAgain(nil); err != nil {
			t.Errorf("with another name: %v", err)
		}
	})
}

// Without an owner, duplicate_agent means the same name and text within the hour.
func TestADuplicateIsNotCalledOurs(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		if _, err := w.registerAgain(nil); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(credentialFiles{w}.file()); err != nil {
			t.Fatal(err)
		}
		_, err := w.registerAgain(nil)
		f, ok := errors.AsType[*order.Failure](err)
		if !ok || strings.Contains(f.Hint, "already has") || !strings.Contains(f.Hint, "if it is yours") || !strings.Contains(f.Hint, "If it is yours, use its API key") {
			t.Errorf("%v: %+v", err, f)
		}
	})
}

func TestWhatIsOverByItselfIsNotNoted(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.Fault{"no request is left": {Refuse: time.Minute}, "a gateway is down": {Before: http.StatusBadGateway}} {
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			w.scripted("POST", "/register", fault)
			if _, err := w.register(nil); err == nil {
				t.Fatal("it was taken")
			}
			if _, err := os.Stat(filepath.Join(w.dir, "registration-refused.json")); err == nil {
				t.Errorf("%s: it is noted as a refusal", name)
			}
		})
	}
}
