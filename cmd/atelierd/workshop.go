package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"atelierd/internal/config"
	"atelierd/internal/credential"
	"atelierd/internal/fetch"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/generate/canvas"
	"atelierd/internal/generate/exec"
	"atelierd/internal/generate/provider"
	"atelierd/internal/media"
	"atelierd/internal/order"
	"atelierd/internal/secret"
	"atelierd/internal/store"
)

// This file makes what makes the files: generators, their prices and checks.

// workshop is all that the configuration says of how work is made. It is made
// before anything runs, since much can be wrong with it.
type workshop struct {
	gens     generators
	services map[string]fulfill.Service
}

func newWorkshop(cfg *config.Config, gens generators, log *slog.Logger) (*workshop, error) {
	pricing, err := newPricings(cfg, log)
	if err != nil {
		return nil, err
	}
	services := map[string]fulfill.Service{}
	for _, s := range cfg.Services {
		promised, err := promise(cfg, s, log)
		if err != nil {
			return nil, err
		}
		services[s.Title] = fulfill.Service{Title: s.Title, Category: s.Category, Deliverables: s.Deliverables,
			Generators: gens.makers(cfg, s), Prompt: s.Prompt, FromLast: s.FromLast, Requirements: promised, Approval: gate(s.Mode), QuoteApproval: quoteGate(s.Mode),
			Pricing: pricing[s.Title], Subscription: window(s) > 0, Pieces: s.Pieces, Quota: s.QuotaLimit, Templates: letters(cfg, s)}
	}
	return &workshop{gens, services}, nil
}

// generators are the configured ones, by name.
type generators map[string]fulfill.Generator

func newGenerators(cfg *config.Config, log *slog.Logger) (generators, error) {
	list := generators{}
	for name, g := range cfg.Generators {
		made, err := newGenerator(cfg, g, log.With("generator", name))
		if err != nil {
			return nil, &hinted{err: fmt.Errorf("generator %s: %w", name, err), hint: "mend the [generator." + name + "] section", code: exitUsage}
		}
		list[name] = fulfill.Generator{Name: name, Backend: made, Price: g.Cost, Free: g.Free(), HoldUnknown: g.OnUnknown == config.UnknownHold,
			Breaker: &generate.Breaker{Probe: made.Check}}
	}
	return list, nil
}

func newGenerator(cfg *config.Config, g config.Generator, log *slog.Logger) (generate.Generator, error) {
	switch g.Type {
	case config.TypeCanvas:
		return canvas.New()
	case config.TypeExec:
		return exec.New(exec.Options{Command: g.Command, Dir: cfg.Dir,
			Env: g.Env, Timeout: g.Timeout, SelfCheck: g.SelfCheck, Resumes: g.Resumes, Log: log})
	}
	var workflow []byte
	if g.Workflow != "" {
		var err error
		if workflow, err = os.ReadFile(g.Workflow); err != nil {
			return nil, fmt.Errorf("workflow: %w", err)
		}
	}
	return provider.New(provider.Spec{Type: g.Type, BaseURL: g.BaseURL, Model: g.Model, Makes: g.Makes, Key: keyOf(g),
		User: g.User, Params: g.Params, Workflow: workflow, Timeout: g.Timeout, PollInterval: g.PollInterval, Log: log})
}

// keyOf reads a provider's key, anew each time so that it can be changed in
// place. Its errors are for the owner.
func keyOf(g config.Generator) func() (secret.Text, error) {
	switch {
	case g.KeyEnv != "":
		return func() (secret.Text, error) {
			text := strings.TrimSpace(os.Getenv(g.KeyEnv))
			if text == "" {
				return secret.Text{}, order.Failf(order.Hold, order.CodeProviderKeyMissing, "the variable %s, for the generator's key, is not set", g.KeyEnv).
					WithHint("set it and start again").Nothing()
			}
			return secret.New(text), nil
		}
	case g.KeyFile != "":
		return func() (secret.Text, error) {
			text, err := credential.ReadSecret(g.KeyFile)
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

// pricings are how quotes get their price, by the title of the service.
type pricings map[string]*fulfill.Pricing

func newPricings(cfg *config.Config, log *slog.Logger) (pricings, error) {
	list := pricings{}
	for _, s := range cfg.Services {
		if s.Quote == nil {
			continue
		}
		p := &fulfill.Pricing{Fixed: s.Quote.Price, Min: s.Quote.Min, Max: s.Quote.Max}
		if len(s.Quote.Command) > 0 {
			made, err := exec.New(exec.Options{Name: "the pricing command", Command: s.Quote.Command, Dir: cfg.Dir, Env: s.Quote.Env,
				Timeout: s.Quote.Timeout, Log: log.With("pricing", s.Title)})
			if err != nil {
				return nil, &hinted{err: fmt.Errorf("the quotes of service %q: %w", s.Title, err), hint: "mend its quote setting", code: exitUsage}
			}
			p.Command = made
		}
		list[s.Title] = p
	}
	return list, nil
}

// makers are the service's generator and those that stand in for it.
func (g generators) makers(cfg *config.Config, s config.Service) []fulfill.Generator {
	list := []fulfill.Generator{g[s.Generator]}
	for _, name := range cfg.Generators[s.Generator].Fallback {
		list = append(list, g[name])
	}
	return list
}

// ready says whether the service's programs are there and one of its generators
// can work; if none can, why not the first.
func (w *workshop) ready(cfg *config.Config, s config.Service) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, program := range w.programs(s) {
			if err := program.Check(ctx); err != nil {
				return err
			}
		}
		var why error
		for _, m := range w.gens.makers(cfg, s) {
			err := m.Backend.Check(ctx)
			if err == nil {
				return nil
			}
			why = cmp.Or(why, err)
		}
		return why
	}
}

// checker is what can say whether it can work.
type checker interface{ Check(context.Context) error }

// programs are the owner's own besides the generators: those that judge the work
// and find its price.
func (w *workshop) programs(s config.Service) (list []checker) {
	made := w.services[s.Title]
	if c, ok := made.Requirements.Checker.(checker); ok {
		list = append(list, c)
	}
	if made.Pricing != nil {
		if c, ok := made.Pricing.Command.(checker); ok {
			list = append(list, c)
		}
	}
	return list
}

// begin makes them ready to work. What an earlier process has left waiting for a
// generator, or for a higher cap, looks again: the owner may have mended either
// before this start.
func (g generators) begin(st *store.Store, log *slog.Logger) error {
	return errors.Join(g.watch(st, log), st.RunNow(order.CodePaused), st.RunNow(order.CodeDayCap), st.SetAlert(order.AlertSpending, ""))
}

// watch shows the owner which generators are paused. What an earlier process has
// said of them is over.
func (g generators) watch(st *store.Store, log *slog.Logger) error {
	for name, m := range g {
		if m.Breaker == nil {
			continue
		}
		if err := st.SetAlert(order.GeneratorAlert(name), ""); err != nil {
			return err
		}
		m.Breaker.Changed = func(reason string) {
			if reason == "" {
				log.Info("the generator goes on", "generator", name)
			} else {
				log.Error("the generator is paused", "generator", name, "error", reason)
			}
			err := st.SetAlert(order.GeneratorAlert(name), reason)
			if reason == "" {
				err = errors.Join(err, st.RunNow(order.CodePaused)) // what waited for it need not wait out its time
			}
			if err != nil {
				log.Warn("a paused generator could not be written down", "generator", name, "error", err)
			}
		}
	}
	return nil
}

// probe asks each generator once whether it can work, for nothing. One that
// cannot is paused before an order meets it.
func (g generators) probe(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(g)) {
		if b := g[name].Breaker; b != nil {
			_ = b.Try(ctx) // Changed tells of it
		}
	}
	return nil
}

// caps are the most that may be spent.
func caps(cfg *config.Config) order.Caps {
	return order.Caps{Attempt: cfg.Spending.Attempt, Order: cfg.Spending.Order, Percent: cfg.Spending.Percent, Day: cfg.Spending.Day}
}

// links fetches what clients link to.
func links() fulfill.Links {
	return fetch.New(fetch.Options{UserAgent: "atelierd/" + version()})
}

// promise is what the files of a service have to be.
func promise(cfg *config.Config, s config.Service, log *slog.Logger) (fulfill.Requirements, error) {
	p := fulfill.Requirements{Files: s.Files, Repeats: s.Repeats, Rules: media.Rules{Kind: s.Kind, MinWidth: s.MinWidth,
		MinHeight: s.MinHeight, AspectW: s.AspectW, AspectH: s.AspectH, MinDuration: s.MinDuration, MaxDuration: s.MaxDuration}}
	if len(s.Check) == 0 {
		return p, nil
	}
	judge, err := exec.New(exec.Options{Name: "the service's check", Command: s.Check, Dir: cfg.Dir,
		Env: cfg.Generators[s.Generator].Env, Log: log.With("check", s.Title)})
	if err != nil {
		return p, &hinted{err: fmt.Errorf("the check of service %q: %w", s.Title, err), hint: "mend its check setting", code: exitUsage}
	}
	p.Checker = judge
	return p, nil
}

// sample is what `doctor --paid` has a generator make.
func sample(cfg *config.Config, name, dir string) generate.Request {
	s := config.Service{Title: "a sample", Category: "image_gen"}
	for _, each := range cfg.Services {
		if each.Generator == name {
			s = each
		}
	}
	wish := "a small red fox, asleep below an old pine tree"
	return generate.Request{OrderID: "doctor", Attempt: 1, Brief: wish, Prompt: wish, OutputDir: dir,
		Service: generate.Service{Title: s.Title, Category: s.Category, Deliverables: s.Deliverables},
		Call:    generate.Call{Key: "00000000-0000-4000-8000-000000000000"}}
}
