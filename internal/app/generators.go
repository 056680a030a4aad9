package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"strings"

	"atelierd/internal/config"
	"atelierd/internal/credential"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/generate/canvas"
	"atelierd/internal/generate/exec"
	"atelierd/internal/generate/provider"
	"atelierd/internal/generate/recipe"
	"atelierd/internal/host"
	"atelierd/internal/order"
	"atelierd/internal/secret"
	"atelierd/internal/storage"
	"atelierd/internal/store"
	"atelierd/internal/systemd"
)

// maker makes generators, and the programs of services.
type maker struct {
	cfg *config.Config
	log *slog.Logger
	// credentials is called when a program runs, and may then return nil if there are none.
	credentials func() *Credentials
	// transport carries notifications, files to a storage, and questions to the assistant; nil
	// is the network.
	transport http.RoundTripper
	// hook is called around what a storage does, and stored with how it ended. Both may be nil.
	hook   func(point string) error
	stored func(s *storage.Storage, err error)
	// now returns the configuration whose secrets are kept when a program runs; nil is cfg.
	now func() *config.Config
	// before is what was in use until now; nil for nothing.
	before *live
	// queue reaches the workers on other machines.
	queue *link
}

// current returns the configuration whose secrets are kept.
func (m maker) current() *config.Config {
	if m.now == nil {
		return m.cfg
	}
	return m.now()
}

// kept returns the generator that was in use under a name until now, if it would be made
// as it is. One with a file of its own is made again, because the file may have changed.
func (m maker) kept(name string, g config.Generator) (kept fulfill.Generator, ok bool) {
	if m.before == nil || g.Type == config.TypeNATS && !reflect.DeepEqual(m.before.cfg.NATS, m.cfg.NATS) || g.Workflow != "" || g.Recipe != "" {
		return kept, false
	}
	if before, there := m.before.cfg.Generators[name]; !there || !reflect.DeepEqual(before, g) {
		return kept, false
	}
	kept, ok = m.before.services.generators[name]
	return kept, ok
}

// ConfinedHint is what to do where the unit of the service denies programs what they need.
const ConfinedHint = "if it needs a GPU, a just-in-time compiler, bubblewrap or files below /home, install atelierd-exec.conf as docs/systemd.md says"

// program makes a program of the owner's, which receives no secret of the daemon. It is
// isolated like the named generator.
func (m maker) program(generator string, o exec.Options) (*exec.Program, error) {
	o.Dir = m.cfg.Dir
	g := m.cfg.Generators[generator]
	o.Isolation = exec.Isolation{
		Bwrap: g.Isolate == config.IsolateBwrap,
		Hide:  func() []string { return append(KeyFiles(m.current(), m.credentials()), m.cfg.DataDir) },
		User:  g.User, Folder: m.cfg.DataDir,
	}
	if systemd.Confined(os.Getenv) {
		o.Hint = ConfinedHint
	}
	o.Secrets = func() []secret.Named { return secrets(m.current(), m.credentials()) }
	return exec.New(o)
}

// generators makes the configured generators, by name.
func (m maker) generators() (map[string]fulfill.Generator, error) {
	list := map[string]fulfill.Generator{}
	m.queue = newLink(m.cfg.NATS, agentName, m.log)
	for name, g := range m.cfg.Generators {
		if kept, ok := m.kept(name, g); ok {
			list[name] = kept
			continue
		}
		backend, err := m.backend(name, m.log.With("generator", name))
		if err != nil {
			return nil, configError("generator."+name, err)
		}
		list[name] = fulfill.Generator{
			Name: name, Backend: backend, Price: g.Cost, Free: g.Free(), HoldUnknown: g.OnUnknown == config.UnknownHold,
			Breaker: &generate.Breaker{Probe: backend.Check},
		}
	}
	return list, nil
}

func (m maker) backend(name string, log *slog.Logger) (generate.Generator, error) {
	g := m.cfg.Generators[name]
	switch g.Type {
	case config.TypeCanvas:
		return canvas.New()
	case config.TypeExec:
		return m.program(name, exec.Options{
			Command: g.Command,
			Env:     g.Env, Timeout: g.Timeout, SelfCheck: g.SelfCheck, Resumes: g.Resumes, Log: log,
		})
	}
	if g.Type == config.TypeNATS {
		return m.handedOut(g, log)
	}
	var workflow []byte
	if g.Workflow != "" {
		var err error
		if workflow, err = os.ReadFile(g.Workflow); err != nil {
			return nil, err
		}
	}
	var described *recipe.Recipe
	if g.Recipe != "" {
		var err error
		if described, err = recipe.Open(g.Recipe); err != nil {
			return nil, err
		}
	}
	return provider.New(provider.Spec{
		Type: g.Type, BaseURL: g.BaseURL, Model: g.Model, Makes: g.Makes, Key: keyIn("the generator", g.Key),
		PartnerKey: keyIn("the generator", g.PartnerKey), User: g.User, Params: g.Params, Workflow: workflow, Recipe: described, Timeout: g.Timeout, PollInterval: g.PollInterval, Log: log,
	})
}

// keyIn returns a function that reads the key of a generator, or of the assistant, or nil
// without one. It reads it for each call, so that the owner can replace it in place.
func keyIn(whose string, s config.Secret) func() (secret.Text, error) {
	if !s.On() {
		return nil
	}
	return func() (secret.Text, error) {
		text, err := readSecret(s, os.Getenv)
		if err == nil {
			return text, nil
		}
		held := order.Failf(order.Hold, order.CodeProviderKeyMissing, "%s's key cannot be read: %w", whose, err).Nothing()
		if e, ok := errors.AsType[*credential.Error](err); ok {
			held.Hint = e.Hint
		}
		return secret.Text{}, held
	}
}

// makeReady makes the generators ready to work, apart from those that were in use before.
func (a *App) makeReady(now, before *live) error {
	for name, b := range now.services.breakers() {
		if !isNew(name, b, before) {
			continue
		}
		if err := a.store.SetAlert(order.GeneratorAlert(name), ""); err != nil { // said of another one before
			return err
		}
	}
	return a.resume(now)
}

// resume runs the work that waits for a generator, for a higher cap, for another setting
// or for what this machine lacked: the owner may have changed each.
func (a *App) resume(now *live) error {
	return errors.Join(a.store.RunNow(append(host.Codes(), order.CodePaused, order.CodeDayCap, order.CodeClientOpen)...), a.store.SetAlert(order.AlertSpending, ""),
		a.store.SetAlert(order.AlertReload, ""), a.store.Configure(now.services.configured(now.cfg)))
}

// configured is what the configuration says about work that is under way.
func (s *Services) configured(cfg *config.Config) order.Configured {
	c := order.Configured{Digest: cfg.Digest, Clients: clientRules(cfg)}
	for _, each := range cfg.Services {
		made := s.byTitle[each.Title]
		c.Services = append(c.Services, order.Sending{
			Service: each.Title, Mode: each.Mode, Files: made.Approval, Price: made.QuoteApproval,
		})
	}
	return c
}

// watch shows the owner which generators are paused, from before any of them is used.
func (a *App) watch(s *Services, before *live) {
	for name, b := range s.breakers() {
		if isNew(name, b, before) {
			b.Changed = func(reason string) { a.breakerChanged(name, b, reason) }
		}
	}
}

// isNew reports whether a breaker was not in use before.
func isNew(name string, b *generate.Breaker, before *live) bool {
	return before == nil || before.services.breakers()[name] != b
}

// resumeByOwner ends the pauses that the owner has ended in the database. What waited for
// the generators is due again.
func (s *Services) resumeByOwner(ctx context.Context, st *store.Store, log *slog.Logger) {
	var resumed []string
	for name, b := range s.breakers() {
		if !b.Paused() {
			continue
		}
		if text, err := st.Fact(ctx, string(order.GeneratorAlert(name).Code())); err == nil && text == "" && b.Resume() {
			resumed = append(resumed, name)
		}
	}
	if resumed == nil {
		return
	}
	log.Info("resumed by the owner", "generators", strings.Join(resumed, ", "))
	if err := st.RunNow(order.CodePaused); err != nil {
		log.Warn("what waits for a resumed generator waits longer", "error", err)
	}
}

// breakerChanged shows that a generator pauses, or that it works again. One that a reload
// has replaced shows nothing.
func (a *App) breakerChanged(name string, b *generate.Breaker, reason string) {
	if a.live.Load().services.breakers()[name] != b {
		return
	}
	if reason == "" {
		a.o.Log.Info("the generator works again", "generator", name)
	} else {
		a.o.Log.Error("the generator is paused", "generator", name, "error", reason)
	}
	err := a.store.SetAlert(order.GeneratorAlert(name), reason)
	if reason == "" {
		err = errors.Join(err, a.store.RunNow(order.CodePaused)) // what waited for it need not wait any longer
	}
	if err != nil {
		a.o.Log.Warn("a paused generator could not be recorded", "generator", name, "error", err)
	}
}
