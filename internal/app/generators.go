package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
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
	"atelierd/internal/store"
)

// maker makes generators, and the programs of services.
type maker struct {
	cfg         *config.Config
	log         *slog.Logger
	credentials func() *Credentials
	// transport carries notifications; nil is the network.
	transport http.RoundTripper
}

// program makes a program of the owner's, which receives no secret of the daemon. It is
// isolated like the named generator.
func (m maker) program(generator string, o exec.Options) (*exec.Program, error) {
	o.Dir = m.cfg.Dir
	g := m.cfg.Generators[generator]
	o.Isolation = exec.Isolation{
		Bwrap: g.Isolate == config.IsolateBwrap,
		Hide:  func() []string { return append(KeyFiles(m.cfg, m.credentials()), m.cfg.DataDir) },
		User:  g.User, Folder: m.cfg.DataDir,
	}
	o.Secrets = func() []secret.Named { return secrets(m.cfg, m.credentials()) }
	return exec.New(o)
}

// generators makes the configured generators, by name.
func (m maker) generators() (map[string]fulfill.Generator, error) {
	list := map[string]fulfill.Generator{}
	for name, g := range m.cfg.Generators {
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
		Type: g.Type, BaseURL: g.BaseURL, Model: g.Model, Makes: g.Makes, Key: keyOf(g),
		PartnerKey: partnerKeyOf(g), User: g.User, Params: g.Params, Workflow: workflow, Recipe: described, Timeout: g.Timeout, PollInterval: g.PollInterval, Log: log,
	})
}

// keyOf returns a function that reads a provider's key. It reads it for each
// call, so that the owner can replace it in place.
func keyOf(g config.Generator) func() (secret.Text, error) { return keyIn(g.KeyEnv, g.KeyFile) }

// partnerKeyOf is keyOf for the services that the provider calls.
func partnerKeyOf(g config.Generator) func() (secret.Text, error) {
	return keyIn(g.PartnerKeyEnv, g.PartnerKeyFile)
}

// keyIn returns a function that reads the key from the variable or the file, or nil
// without either.
func keyIn(env, file string) func() (secret.Text, error) {
	switch {
	case env != "":
		return func() (secret.Text, error) {
			text := strings.TrimSpace(os.Getenv(env))
			if text == "" {
				return secret.Text{}, order.Failf(order.Hold, order.CodeProviderKeyMissing, "the generator's key is missing: the variable %s is not set", env).
					WithHint("set %s and restart", env).Nothing()
			}
			return secret.New(text), nil
		}
	case file != "":
		return func() (secret.Text, error) {
			text, err := credential.ReadSecret(file)
			if err != nil {
				held := order.Failf(order.Hold, order.CodeProviderKeyMissing, "%w", err).Nothing()
				if e, ok := errors.AsType[*credential.Error](err); ok {
					held.Hint = e.Hint
				}
				return secret.Text{}, held
			}
			return text, nil
		}
	}
	return nil
}

// prepare makes the generators ready to work. Work that an earlier process left
// waiting for a generator, for a higher cap, for another setting or for what this
// machine lacked runs now: the owner may have changed each before this start.
func (s *Services) prepare(cfg *config.Config, st *store.Store, log *slog.Logger) error {
	return errors.Join(s.watch(st, log), st.RunNow(append(host.Codes(), order.CodePaused, order.CodeDayCap)...), st.SetAlert(order.AlertSpending, ""),
		st.Configure(s.configured(cfg)))
}

// configured is what the configuration says about work that is under way.
func (s *Services) configured(cfg *config.Config) order.Configured {
	c := order.Configured{Digest: cfg.Digest}
	for _, each := range cfg.Services {
		made := s.byTitle[each.Title]
		c.Services = append(c.Services, order.Sending{
			Service: each.Title, Mode: each.Mode, Files: made.Approval, Price: made.QuoteApproval,
		})
	}
	return c
}

// watch shows the owner which generators are paused. It clears what an earlier
// process has said of them.
func (s *Services) watch(st *store.Store, log *slog.Logger) error {
	for name, g := range s.generators {
		if g.Breaker == nil {
			continue
		}
		if err := st.SetAlert(order.GeneratorAlert(name), ""); err != nil {
			return err
		}
		g.Breaker.Changed = func(reason string) {
			if reason == "" {
				log.Info("the generator works again", "generator", name)
			} else {
				log.Error("the generator is paused", "generator", name, "error", reason)
			}
			err := st.SetAlert(order.GeneratorAlert(name), reason)
			if reason == "" {
				err = errors.Join(err, st.RunNow(order.CodePaused)) // what waited for it need not wait any longer
			}
			if err != nil {
				log.Warn("a paused generator could not be recorded", "generator", name, "error", err)
			}
		}
	}
	return nil
}

// resumeByOwner ends the pauses that the owner has ended in the database. What waited for
// the generators is due again.
func (s *Services) resumeByOwner(ctx context.Context, st *store.Store, log *slog.Logger) {
	var resumed []string
	for name, g := range s.generators {
		if g.Breaker == nil || !g.Breaker.Paused() {
			continue
		}
		if text, err := st.Fact(ctx, string(order.GeneratorAlert(name).Code())); err == nil && text == "" && g.Breaker.Resume() {
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
