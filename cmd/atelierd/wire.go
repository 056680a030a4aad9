package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/bounty"
	"atelierd/internal/budget"
	"atelierd/internal/config"
	"atelierd/internal/engine"
	"atelierd/internal/enroll"
	"atelierd/internal/fulfill"
	"atelierd/internal/intake"
	"atelierd/internal/message"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// This file is where the packages meet: one constructor for each part of the
// daemon, used by the daemon itself, by a single heartbeat and by the tests.

// transport carries the client's requests; its zero value is the network.
type transport struct{ http.RoundTripper }

func newBudget(cfg *config.Config, st *store.Store, log *slog.Logger) (*budget.Budget, error) {
	b := cfg.Budget
	return budget.Open(context.Background(), st, budget.Limits{Window: b.Window, Reserve: b.Reserve,
		Ceilings: map[order.RequestKind]int{
			order.RequestPoll: b.Poll, order.RequestDeliver: b.Deliver, order.RequestUpload: b.Upload,
			order.RequestQuote: b.Deliver, order.RequestMessage: b.Messages, order.RequestService: b.Services,
			order.RequestRegister: b.Register, order.RequestToken: b.Token, order.RequestBounty: b.Bounties,
		}}, log)
}

func newClient(cfg *config.Config, keys *keyring, meter *budget.Budget, t transport) (*atelier.Client, error) {
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base_url: %w", err)
	}
	// The blob store's address ends in a slash, and is another one without.
	blob, err := url.Parse(strings.TrimRight(cfg.BlobURL, "/") + "/")
	if err != nil {
		return nil, fmt.Errorf("blob_url: %w", err)
	}
	return atelier.New(atelier.Options{BaseURL: base, BlobURL: blob, Credentials: keys.credentials,
		Transport: t.RoundTripper, Meter: meter, DeliverTimeout: cfg.Work.DeliverTimeout,
		UserAgent: "atelierd/" + version()}), nil
}

// window is the length of the window that an order of the service pays for; 0
// when it pays for one delivery.
func window(s config.Service) time.Duration {
	switch s.PriceType {
	case "weekly":
		return 7 * 24 * time.Hour
	case "monthly":
		return 30 * 24 * time.Hour
	}
	return 0
}

// letters are the messages that clients of the service get: none in a dry run.
func letters(cfg *config.Config, s config.Service) map[string]*message.Template {
	if s.Mode == config.ModeDryRun {
		return nil
	}
	return cfg.Messages.Templates
}

func newFulfiller(cfg *config.Config, st *store.Store, c *atelier.Client, b *budget.Budget, shop *workshop, log *slog.Logger) *fulfill.Fulfiller {
	return fulfill.New(fulfill.Options{Store: st, Market: c, Budget: b, Services: shop.services, Generators: shop.gens, Dir: cfg.DataDir,
		SettleWindow: settle(cfg), Caps: caps(cfg), Links: links(), Log: log})
}

func newEngine(cfg *config.Config, st *store.Store, f *fulfill.Fulfiller, log *slog.Logger) *engine.Engine {
	w := cfg.Work
	e := engine.New(engine.Options{Store: st, Runner: f, Log: log, Generators: w.Generators,
		MaxAttempts: w.MaxAttempts, Lease: w.Lease, Drain: w.Drain,
		Backoff: order.Backoff{Base: w.Backoff, Max: max(w.Backoff, 10*time.Minute)}})
	return e
}

// notify tells the parts of what a commit has put in their reach.
func notify(st *store.Store, e *engine.Engine, t *intake.Threads) {
	st.Notify(func(c store.Change) {
		e.Wake(c.Generate, c.Network, c.Revoked)
		if c.Threads {
			t.Wake()
		}
	})
}

// settle is how long a request may still take effect after its intent was
// written down: it may have reached the marketplace at the end of the time that
// we give it, and the marketplace may take as long again.
func settle(cfg *config.Config) time.Duration { return 2 * cfg.Work.DeliverTimeout }

// gate is what finished files wait for in a mode that is not auto.
func gate(mode string) *order.Failure {
	switch mode {
	case config.ModeReview:
		return order.Failf(order.Hold, order.CodeReview, "made, and waits for your approval").
			WithHint("`atelierd orders show` names the files; then `atelierd orders approve`, `orders redo` or `orders cancel`")
	case config.ModeDryRun:
		return order.Failf(order.Hold, order.CodeDryRun, "made, and not sent: the service is in mode dry-run").
			WithHint("set mode to auto or review, then `atelierd orders retry`")
	}
	return nil
}

// quoteGate is what a price waits for in a mode that is not auto.
func quoteGate(mode string) *order.Failure {
	switch mode {
	case config.ModeReview:
		return order.Failf(order.Hold, order.CodeReview, "priced, and waits for your approval").
			WithHint("`atelierd orders show` has the price; then `atelierd orders approve`, or `atelierd quote` with another")
	case config.ModeDryRun:
		return order.Failf(order.Hold, order.CodeDryRun, "priced, and not sent: the service is in mode dry-run").
			WithHint("set mode to auto or review, then `atelierd orders retry`")
	}
	return nil
}

// defaultRounds is how many more rounds a client gets when neither the owner
// nor the marketplace says otherwise.
const defaultRounds = 2

func newPoller(cfg *config.Config, st *store.Store, c *atelier.Client, b *budget.Budget, e *engine.Engine, keys *keyring, log *slog.Logger) *intake.Poller {
	return intake.New(intake.Options{Store: st, Market: c, Pacer: b, Log: log, Interval: cfg.Poll.Interval,
		SafetyInterval: cfg.Webhook.PollInterval, Trust: cfg.Webhook.Trust, Debounce: cfg.Webhook.Debounce,
		KeyChanged: keys.changed,
		KeyRefused: func(refused bool) {
			if refused {
				e.Pause("the key is refused")
			} else {
				e.Resume()
			}
		},
		Catalog: catalogs(cfg, st)})
}

func newThreads(cfg *config.Config, st *store.Store, c *atelier.Client, log *slog.Logger) *intake.Threads {
	return intake.NewThreads(intake.ThreadOptions{Store: st, Market: c, Catalog: catalogs(cfg, st), Log: log,
		Interval: cfg.Messages.Interval, WindowInterval: cfg.Messages.WindowInterval})
}

// catalogs gives the services on offer as they stand now.
func catalogs(cfg *config.Config, st *store.Store) func(context.Context) (intake.Catalog, error) {
	return func(ctx context.Context) (intake.Catalog, error) {
		listed, err := st.Services(ctx)
		if err != nil {
			return nil, err
		}
		claims, err := st.OpenClaims(ctx)
		if err != nil {
			return nil, err
		}
		return catalog(cfg, listed, claims), nil
	}
}

func newBountyWatcher(cfg *config.Config, st *store.Store, c *atelier.Client, log *slog.Logger) *bounty.Watcher {
	o := bounty.Options{Store: st, Market: c, MaxOpen: cfg.Bounties.MaxOpen, MaxBacklog: cfg.Bounties.MaxBacklog,
		Interval: cfg.Bounties.Interval, Log: log}
	for _, r := range cfg.Bounties.Rules {
		o.Rules = append(o.Rules, bounty.Rule(r))
	}
	if m := cfg.Bounties.Message; m != nil {
		o.Message = func(b order.Bounty) (string, error) {
			var text strings.Builder
			err := m.Execute(&text, b)
			return cut(strings.TrimSpace(text.String()), atelier.MaxPitch/2), err
		}
	}
	return bounty.New(o)
}

// catalog joins what the owner offers with the ids that the marketplace gave.
func catalog(cfg *config.Config, listed []order.Listed, claims []order.Claim) intake.Catalog {
	ids := map[string]string{}
	for _, l := range listed {
		ids[l.Title] = l.RemoteID
	}
	claimed := map[string][]order.Claim{}
	for _, c := range claims {
		claimed[c.Service] = append(claimed[c.Service], c)
	}
	var list intake.Catalog
	for _, s := range cfg.Services {
		rounds := defaultRounds
		if s.MaxRevisions != nil {
			rounds = *s.MaxRevisions
		}
		list = append(list, intake.Service{Title: s.Title, RemoteID: ids[s.Title],
			Turnaround:   time.Duration(s.TurnaroundHours) * time.Hour,
			Subscription: window(s), Pieces: s.Pieces, Quota: s.QuotaLimit, MaxRounds: rounds, Quotes: s.Quote != nil,
			Templates: slices.Collect(maps.Keys(letters(cfg, s))), Claims: claimed[s.Title]})
	}
	return list
}

func newSetup(cfg *config.Config, st *store.Store, c *atelier.Client, shop *workshop, p *intake.Poller, log *slog.Logger) *enroll.Setup {
	var offers []enroll.Offer
	wallet := cfg.Agent.PayoutWallet
	for _, s := range cfg.Services {
		if s.Mode == config.ModeDryRun {
			continue // what is tried out dry is not put on sale
		}
		offers = append(offers, enroll.Offer{Service: offer(s), Check: shop.ready(cfg, s)})
	}
	if len(offers) == 0 {
		wallet = ""
	}
	return enroll.New(enroll.Options{Store: st, Market: c, Offers: offers, Wallet: wallet,
		SettleWindow: settle(cfg), Changed: p.Hint, Log: log})
}

// offer is a service as the marketplace lists it.
func offer(s config.Service) atelier.Service {
	o := atelier.Service{Category: s.Category, Title: s.Title, Description: s.Description, Price: s.Price,
		PriceType: s.PriceType, TurnaroundHours: s.TurnaroundHours, Deliverables: s.Deliverables, DemoURL: s.DemoURL}
	if window(s) > 0 {
		o.QuotaLimit = &s.QuotaLimit
	}
	return o
}
