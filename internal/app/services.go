package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/generate/exec"
	"atelierd/internal/intake"
	"atelierd/internal/media"
	"atelierd/internal/message"
	"atelierd/internal/order"
	"atelierd/internal/storage"
	"atelierd/internal/store"
)

// Services are the configured services and the generators that make their files.
type Services struct {
	byTitle    map[string]fulfill.Service
	generators map[string]fulfill.Generator
	// storage is the owner's; nil without one.
	storage *storage.Storage
	// assistant is the language model; nil without one.
	assistant *fulfill.Assistant
}

// NewServices makes the services and generators of a configuration. Its errors
// are *config.Error.
func NewServices(cfg *config.Config, getenv func(string) string, log *slog.Logger) (*Services, error) {
	c, _, err := FindCredentials(cfg, getenv)
	if err != nil {
		c = nil // whoever needs them reports it
	}
	return newServices(maker{cfg: cfg, log: log, credentials: func() *Credentials { return c }}, nil)
}

// makeServices makes the services and generators of a configuration. Generators that are
// configured as before stay as they are.
func (a *App) makeServices(cfg *config.Config) (*Services, error) {
	before := a.live.Load()
	s, err := newServices(maker{
		cfg: cfg, log: a.o.Log, credentials: func() *Credentials { return a.credentials }, now: a.config, before: before,
		transport: a.o.Transport, hook: a.o.StoreHook, stored: a.storageEnded,
	}, a.o.Generators)
	if err == nil {
		a.watch(s, before)
	}
	return s, err
}

// newServices makes them. given takes the place of the configured generators, unless it is
// nil.
func newServices(m maker, given map[string]fulfill.Generator) (*Services, error) {
	s := &Services{byTitle: map[string]fulfill.Service{}, generators: given, storage: m.storage()}
	if s.generators == nil {
		var err error
		if s.generators, err = m.generators(); err != nil {
			return nil, err
		}
	}
	var err error
	if s.assistant, err = m.assistant(); err != nil {
		return nil, err
	}
	for _, c := range m.cfg.Services {
		made, err := s.newService(m, c)
		if err != nil {
			return nil, err
		}
		s.byTitle[c.Title] = made
	}
	return s, nil
}

func (s *Services) newService(m maker, c config.Service) (fulfill.Service, error) {
	cfg := m.cfg
	made := fulfill.Service{
		Title: c.Title, Category: c.Category, Deliverables: c.Deliverables,
		Generators: s.of(cfg, c), Prompt: c.Prompt, FromLast: c.FromLast,
		Approval: approval(c.Mode), QuoteApproval: quoteApproval(c.Mode),
		Window: window(cfg, c), Pieces: c.Pieces, Quota: c.QuotaLimit, Templates: templates(cfg, c),
	}
	if s.storage != nil && c.Storage != config.StorageMarketplace {
		made.Storage = s.storage
	}
	made.Instructions = c.AssistInstructions
	if c.Assists(config.AssistPrompt) {
		made.PromptBy = s.assistant
	}
	if c.Assists(config.AssistCheck) && s.assistant != nil {
		made.Check = &fulfill.Check{By: s.assistant, Below: c.CheckBelow, Again: c.CheckAgain}
	}
	if c.Assists(config.AssistReply) && s.assistant != nil {
		made.Reply = &fulfill.Reply{By: s.assistant, Send: c.Reply == config.ReplySend, Texts: ownTexts(cfg)}
	}
	var err error
	if made.Requirements, err = m.requirements(c); err != nil {
		return made, err
	}
	if made.Pricing, err = m.pricing(c); err == nil && c.Assists(config.AssistQuote) {
		made.Pricing.By = s.assistant
	}
	return made, err
}

// Generators returns the generators, by name.
func (s *Services) Generators() map[string]fulfill.Generator { return s.generators }

// Requirements is what the files of a service have to be.
func (s *Services) Requirements(title string) fulfill.Requirements {
	return s.byTitle[title].Requirements
}

// of returns the service's generator and those that take over from it.
func (s *Services) of(cfg *config.Config, c config.Service) []fulfill.Generator {
	list := []fulfill.Generator{s.generators[c.Generator]}
	for _, name := range cfg.Generators[c.Generator].Fallback {
		list = append(list, s.generators[name])
	}
	return list
}

// Program is a program of the owner's next to the generators: a service's check
// or its pricing command.
type Program interface{ Check(context.Context) error }

// Programs returns the owner's programs that a service needs.
func (s *Services) Programs(title string) (list []Program) {
	made := s.byTitle[title]
	if p, ok := made.Requirements.Checker.(Program); ok {
		list = append(list, p)
	}
	if made.Pricing != nil {
		if p, ok := made.Pricing.Command.(Program); ok {
			list = append(list, p)
		}
	}
	return list
}

// ready returns a check of whether the service's programs are there and one of
// its generators works. If none does, the check fails with the first one's error.
func (s *Services) ready(cfg *config.Config, c config.Service) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, program := range s.Programs(c.Title) {
			if err := program.Check(ctx); err != nil {
				return err
			}
		}
		var why error
		for _, g := range s.of(cfg, c) {
			err := g.Backend.Check(ctx)
			if err == nil {
				return nil
			}
			why = cmp.Or(why, err)
		}
		return why
	}
}

// probe asks each generator, and the assistant, that the function does not know once, for
// nothing, whether it works. One that does not is paused before an order meets it.
func (s *Services) probe(ctx context.Context, known func(*generate.Breaker) bool) {
	breakers := s.breakers()
	for _, name := range slices.Sorted(maps.Keys(breakers)) {
		if b := breakers[name]; !known(b) {
			_ = b.Try(ctx) // the breaker reports it
		}
	}
}

// requirements is what the files of a service have to be before they go out.
func (m maker) requirements(s config.Service) (fulfill.Requirements, error) {
	r := fulfill.Requirements{Files: s.Files, Repeats: s.Repeats, Rules: media.Rules{
		Kind: s.Kind, MinWidth: s.MinWidth,
		MinHeight: s.MinHeight, AspectW: s.AspectW, AspectH: s.AspectH, MinDuration: s.MinDuration, MaxDuration: s.MaxDuration,
	}}
	if len(s.Check) == 0 {
		return r, nil
	}
	checker, err := m.program(s.Generator, exec.Options{
		Name: "the service's check", Command: s.Check,
		Env: m.cfg.Generators[s.Generator].Env, Log: m.log.With("check", s.Title),
	})
	if err != nil {
		return r, configError(fmt.Sprintf("service %q: check", s.Title), err)
	}
	r.Checker = checker
	return r, nil
}

// pricing is how quotes of a service get their price; nil leaves it to the owner.
func (m maker) pricing(s config.Service) (*fulfill.Pricing, error) {
	if s.Quote == nil {
		return nil, nil
	}
	p := &fulfill.Pricing{Fixed: s.Quote.Price, Min: s.Quote.Min, Max: s.Quote.Max}
	if len(s.Quote.Command) == 0 {
		return p, nil
	}
	command, err := m.program(s.Generator, exec.Options{
		Name: "the pricing command", Command: s.Quote.Command, Env: s.Quote.Env,
		Timeout: s.Quote.Timeout, Log: m.log.With("pricing", s.Title),
	})
	if err != nil {
		return nil, configError(fmt.Sprintf("service %q: quote", s.Title), err)
	}
	p.Command = command
	return p, nil
}

// configError is a setting that is well-formed and cannot work on this machine.
func configError(key string, err error) error {
	return &config.Error{Problems: []config.Problem{{Key: key, Text: err.Error()}}, Hint: "fix that setting in the configuration"}
}

// window is how the service serves the window of an order.
func window(cfg *config.Config, s config.Service) order.PaidWindow {
	w := order.PaidWindow{Length: Window(s), Margin: s.WindowMargin}
	for _, name := range append([]string{s.Generator}, cfg.Generators[s.Generator].Fallback...) {
		w.Making = max(w.Making, cfg.Generators[name].Timeout)
	}
	return w
}

// Window is the length of the window that an order of the service pays for; 0
// when it pays for one delivery.
func Window(s config.Service) time.Duration {
	switch s.PriceType {
	case "weekly":
		return 7 * 24 * time.Hour
	case "monthly":
		return 30 * 24 * time.Hour
	}
	return 0
}

// templates are the messages that clients of the service get: none in a dry run.
func templates(cfg *config.Config, s config.Service) map[string]*message.Template {
	if s.Mode == config.ModeDryRun {
		return nil
	}
	return cfg.Messages.Templates
}

// approval is what finished files wait for in a mode that is not auto.
func approval(mode string) *order.Failure {
	switch mode {
	case config.ModeReview:
		return order.Failf(order.Hold, order.CodeReview, "made, and waits for your approval").
			WithHint("%s names the files; then %s, %s or %s", order.Command("orders show", order.AnyOrder),
				order.Command("orders approve", order.AnyOrder), order.Command("orders redo", order.AnyOrder), order.Command("orders cancel", order.AnyOrder))
	case config.ModeDryRun:
		return order.Failf(order.Hold, order.CodeDryRun, "made, and not sent: the service is in mode dry-run").WithHint(hintDryRun)
	}
	return nil
}

// quoteApproval is what a price waits for in a mode that is not auto.
func quoteApproval(mode string) *order.Failure {
	switch mode {
	case config.ModeReview:
		return order.Failf(order.Hold, order.CodeReview, "priced, and waits for your approval").
			WithHint("%s has the price; then %s, or %s with another one", order.Command("orders show", order.AnyOrder),
				order.Command("orders approve", order.AnyOrder), order.Command("quote", order.AnyOrder, "PRICE"))
	case config.ModeDryRun:
		return order.Failf(order.Hold, order.CodeDryRun, "priced, and not sent: the service is in mode dry-run").WithHint(hintDryRun)
	}
	return nil
}

const hintDryRun = "set the service's mode to auto or review and run `atelierd reload`; work resumes by itself"

// mostClaims is how many of our newest claims orders of bounties are matched with.
const mostClaims = 500

// Catalogs returns a function that reads the services on offer as they are now.
func Catalogs(cfg *config.Config, st *store.Store) func(context.Context) (intake.Catalog, error) {
	return func(ctx context.Context) (intake.Catalog, error) {
		listed, err := st.Services(ctx)
		if err != nil {
			return nil, err
		}
		claims, err := st.Claims(ctx, mostClaims)
		if err != nil {
			return nil, err
		}
		return catalog(cfg, listed, claims), nil
	}
}

// catalog joins the configured services with the ids that the marketplace gave.
func catalog(cfg *config.Config, listed []order.Listed, claims []order.Claim) intake.Catalog {
	ids := map[string]string{}
	for _, l := range listed {
		ids[order.NormalTitle(l.Title)] = l.RemoteID
	}
	claimed := map[string][]order.Claim{}
	for _, c := range claims {
		claimed[c.Service] = append(claimed[c.Service], c)
	}
	var list intake.Catalog
	for _, s := range cfg.Services {
		list = append(list, intake.Service{
			Title: s.Title, Category: s.Category, RemoteID: ids[order.NormalTitle(s.Title)],
			Turnaround:   time.Duration(s.TurnaroundHours) * time.Hour,
			Subscription: Window(s), Pieces: s.Pieces, Quota: s.QuotaLimit, MaxRounds: s.MaxRevisions, Quotes: s.Quote != nil,
			Answers:   s.Assists(config.AssistReply),
			Templates: slices.Collect(maps.Keys(templates(cfg, s))), Claims: claimed[s.Title], Clients: clientRules(cfg),
		})
	}
	return list
}

// Offered are the services on sale: all but those of a dry run.
func Offered(cfg *config.Config) []atelier.Service {
	var list []atelier.Service
	for _, s := range cfg.Services {
		if s.Mode != config.ModeDryRun {
			list = append(list, offer(s))
		}
	}
	return list
}

// offer is a service as the marketplace lists it.
func offer(s config.Service) atelier.Service {
	o := atelier.Service{
		Category: s.Category, Title: s.Title, Description: s.Description, Price: s.Price,
		PriceType: s.PriceType, TurnaroundHours: s.TurnaroundHours, Deliverables: s.Deliverables, DemoURL: s.DemoURL,
		MaxRevisions: &s.MaxRevisions,
	}
	for _, q := range s.Questions {
		o.Questions = append(o.Questions, atelier.Question(q))
	}
	if Window(s) > 0 {
		o.QuotaLimit = &s.QuotaLimit
	}
	return o
}
