package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/bounty"
	"atelierd/internal/budget"
	"atelierd/internal/canceller"
	"atelierd/internal/config"
	"atelierd/internal/engine"
	"atelierd/internal/enroll"
	"atelierd/internal/fetch"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/ping"
	"atelierd/internal/reconcile"
	"atelierd/internal/secret"
	"atelierd/internal/store"
	"atelierd/internal/thumb"
	"atelierd/internal/words"

	"go.uber.org/fx"
)

// This file is where the packages meet: one constructor for each part.

// base is what most parts need.
type base struct {
	fx.In
	App         *App `optional:"true"` // nil for a command, which runs no work
	Config      *config.Config
	Log         *slog.Logger
	Store       *store.Store
	Credentials *Credentials
	Transport   transport
}

// hinted are the loops that a webhook wakes.
type hinted struct {
	fx.In
	Poller  *intake.Poller
	Watcher *bounty.Watcher
}

// waits are the parts that use what a poll shows.
type waits struct {
	fx.In
	Seen       *intake.Sightings
	Gate       *reconcile.Gate
	Acceptance *acceptance
	Detector   *reconcile.Detector
	Pinger     *ping.Pinger
}

// transport carries the client's requests; its zero value is the network.
type transport struct{ http.RoundTripper }

// parts are the constructors of everything. What nobody asks for is not made.
func parts() fx.Option {
	return fx.Provide(newBudget, newClient, newRunner, newEngine, newSightings, newPoller, newThreads, newReviews, newCanceller, newBountyWatcher, newSetup, newWatch, newWebhooks, newAnnouncer, newPauses, newPinger, newBackupLoop, newRetention, newConsoleLoop, newThumbs,
		newGate, newDetector, newCheckedClient, newAcceptance, newChecker)
}

// module is the program as fx sees it.
func (a *App) module() fx.Option {
	return fx.Options(parts(), fx.Supply(a, a.o.Config, a.o.Log, a.store, a.credentials, a.live.Load().services, transport{a.o.Transport}))
}

func newBudget(b base) (*budget.Budget, error) {
	ctx, c := context.Background(), b.Config.Budget
	share, err := b.share(ctx)
	if err != nil {
		return nil, err
	}
	return budget.Open(ctx, b.Store, budget.Limits{Window: c.Window, Reserve: c.Reserve, Ceilings: ceilings(c), Share: share}, b.Log)
}

func ceilings(c config.Budget) map[order.RequestKind]int {
	return map[order.RequestKind]int{
		order.RequestPoll: c.Poll, order.RequestDeliver: c.Deliver, order.RequestUpload: c.Upload,
		order.RequestQuote: c.Deliver, order.RequestPayout: c.Deliver, order.RequestMessage: c.Messages, order.RequestService: c.Services,
		order.RequestRegister: c.Register, order.RequestToken: c.Token, order.RequestBounty: c.Bounties,
	}
}

func newClient(b base, meter *budget.Budget) (*atelier.Client, error) {
	o, err := clientOptions(b.Config, b.Credentials)
	if err != nil {
		return nil, err
	}
	o.Clean = func(text string) string { return redactor(b.config(), b.Credentials).Clean(text) }
	o.Transport, o.Meter, o.DeliverTimeout = b.Transport.RoundTripper, meter, b.Config.Work.DeliverTimeout
	if b.App != nil {
		o.Meter = fencedMeter{meter, b.App.held}
	}
	return atelier.New(o), nil
}

// clientOptions are those of every client of the marketplace.
func clientOptions(cfg *config.Config, c *Credentials) (atelier.Options, error) {
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return atelier.Options{}, fmt.Errorf("base_url: %w", err)
	}
	// The blob store's address ends in a slash; without it, it is another one.
	blob, err := url.Parse(strings.TrimRight(cfg.BlobURL, "/") + "/")
	if err != nil {
		return atelier.Options{}, fmt.Errorf("blob_url: %w", err)
	}
	return atelier.Options{
		BaseURL: base, BlobURL: blob, Credentials: c.current, UserAgent: "atelierd/" + Version(),
		Clean: func(text string) string { return redactor(cfg, c).Clean(text) },
	}, nil
}

// NewProbe returns a client for checks: it may only send requests that the
// marketplace does not count, since it counts none itself.
func NewProbe(cfg *config.Config, c *Credentials, t http.RoundTripper, timeout time.Duration) (*atelier.Client, error) {
	o, err := clientOptions(cfg, c)
	if err != nil {
		return nil, err
	}
	o.Transport, o.Timeout = t, timeout
	return atelier.New(o), nil
}

func newSightings(b base) *intake.Sightings { return intake.NewSightings(b.Config.Poll.Interval) }

// marketParts are what a Fulfiller asks and sends through, and looks at files with.
type marketParts struct {
	fx.In
	Client checkedClient
	Budget *budget.Budget
	Thumbs *thumb.Maker
}

func newRunner(b base, m marketParts, s *Services, w waits) *runner {
	r := &runner{}
	r.current.Store(newFulfiller(b, m, s, w))
	return r
}

func newFulfiller(b base, m marketParts, s *Services, w waits) *fulfill.Fulfiller {
	return fulfill.New(fulfill.Options{
		Store: b.Store, Market: m.Client, Budget: m.Budget, Sightings: w.Seen, Agent: b.Credentials.current().AgentID, Services: s.byTitle, Generators: s.generators, Now: b.App.service, Shrinker: m.Thumbs,
		Dir: b.Config.DataDir, Reserve: b.App.o.Reserve, SettleWindow: SettleWindow(b.Config), Caps: b.Config.Caps(), Clients: func() order.ClientRules { return clientRules(b.config()) },
		Secrets: func() *secret.Redactor { return redactor(b.Config, b.Credentials) },
		Links:   fetch.New(fetch.Options{UserAgent: "atelierd/" + Version()}), Ready: w.Gate.Work, Held: b.held, Compared: w.Gate.Opened, Shown: m.Client.detector.Order, Progress: b.App.progress.report, Log: b.Log,
	})
}

func newEngine(b base, r *runner) *engine.Engine {
	w := b.Config.Work
	return engine.New(engine.Options{
		Store: b.Store, Runner: r, Log: b.Log, Generators: w.Generators,
		MaxAttempts: w.MaxAttempts, Lease: w.Lease, Drain: w.Drain, Ended: b.App.measured.attempt,
		Backoff: backoff(w),
	})
}

func backoff(w config.Work) order.Backoff {
	return order.Backoff{Base: w.Backoff, Max: max(w.Backoff, 10*time.Minute)}
}

// Why the engine takes no work.
const (
	pausedForKey       = "the key is refused"
	pausedForReconcile = "the ledger is reconciled"
)

func newPoller(b base, c *atelier.Client, m *budget.Budget, e *engine.Engine, w waits) *intake.Poller {
	return intake.New(intake.Options{
		Store: b.Store, Market: c, Pacer: m, Sightings: w.Seen, Log: b.Log, Interval: b.Config.Poll.Interval,
		SafetyInterval: b.Config.Webhook.PollInterval, Trust: b.Config.Webhook.Trust, Debounce: b.Config.Webhook.Debounce,
		Ended: func(s intake.PollState) {
			b.App.measured.poll(s)
			if s.Err == nil {
				w.Pinger.Polled()
			}
		},
		Polled: w.Acceptance.polled, Foreign: w.Detector.Row, KeyChanged: b.Credentials.changed,
		KeyRefused: func(refused bool) {
			if refused {
				e.Pause(pausedForKey)
			} else {
				e.Resume(pausedForKey)
			}
		},
		Catalog: b.catalog,
	})
}

func newThreads(b base, c checkedClient, r *runner) *intake.Threads {
	return intake.NewThreads(intake.ThreadOptions{
		Store: b.Store, Market: c, Catalog: b.catalog, Log: b.Log,
		Interval: b.Config.Messages.Interval, WindowInterval: b.Config.Messages.WindowInterval, PieceText: r.pieceText,
	})
}

// catalog returns the services on offer as they are now.
func (b base) catalog(ctx context.Context) (intake.Catalog, error) {
	return Catalogs(b.config(), b.Store)(ctx)
}

func newReviews(b base, c *atelier.Client) *intake.Reviews {
	return intake.NewReviews(intake.ReviewOptions{Store: b.Store, Market: c, Log: b.Log})
}

func newCanceller(b base, s *Services, w waits) *canceller.Loop {
	return canceller.New(cancellerOptions(b, s, w))
}

func cancellerOptions(b base, s *Services, w waits) canceller.Options {
	list := map[string]generate.Canceller{}
	for name, g := range s.generators {
		if c, ok := g.Backend.(generate.Canceller); ok && c.Cancels() {
			list[name] = c
		}
	}
	return canceller.Options{Store: b.Store, Generators: list, Ready: w.Gate.Ready, Log: b.Log}
}

func newBountyWatcher(b base, c *atelier.Client) *bounty.Watcher {
	return bounty.New(bountyOptions(b, c))
}

func bountyOptions(b base, c *atelier.Client) bounty.Options {
	cfg := b.Config.Bounties
	o := bounty.Options{Store: b.Store, Market: c, MaxOpen: cfg.MaxOpen, MaxBacklog: cfg.MaxBacklog, Interval: cfg.Interval, Log: b.Log}
	o.Paused = func(ctx context.Context, service string) bool {
		_, paused, err := b.Store.PauseOf(ctx, service)
		return err != nil || paused // a claim is binding
	}
	o.Blocked = func(wallet string) bool { return clientRules(b.config()).Blocks("", wallet) }
	for _, r := range cfg.Rules {
		o.Rules = append(o.Rules, bounty.Rule(r))
	}
	if m := cfg.Message; m != nil {
		o.Message = func(task order.Bounty) (string, error) {
			var text strings.Builder
			err := m.Execute(&text, task)
			if name := secretIn(b.Config, b.Credentials, text.String()); name != "" {
				err = fmt.Errorf("bounties.message contains %s, so no bounty is claimed", name)
			}
			return words.Cut(strings.TrimSpace(text.String()), atelier.MaxPitch/2), err
		}
	}
	return o
}

func newSetup(b base, c *atelier.Client, s *Services, p *intake.Poller) *enroll.Setup {
	return enroll.New(setupOptions(b, c, s, p))
}

func setupOptions(b base, c *atelier.Client, s *Services, p *intake.Poller) enroll.Options {
	var offers []enroll.Offer
	for _, each := range b.Config.Services {
		if each.Mode == config.ModeDryRun {
			continue // what is tried out dry is not put on sale
		}
		offers = append(offers, enroll.Offer{Service: offer(each), Check: s.ready(b.Config, each)})
	}
	o := enroll.Options{
		Store: b.Store, Market: c, Offers: offers, Profile: ConfiguredProfile(b.Config), Local: b.Config.Local,
		SettleWindow: SettleWindow(b.Config), Changed: p.Hint, Log: b.Log,
	}
	if b.App != nil {
		o.Listed = b.App.listings.saw
	}
	return o
}

func newWatch(b base, c *atelier.Client) *enroll.Watch {
	return enroll.NewWatch(enroll.WatchOptions{Store: b.Store, Market: c, Log: b.Log})
}

// SettleWindow is how long a request may still take effect after its intent was
// committed: it may reach the marketplace at the end of the time that it is
// given, and the marketplace may take as long again.
func SettleWindow(cfg *config.Config) time.Duration { return 2 * cfg.Work.DeliverTimeout }

// clientRules are the owner's rules for clients.
func clientRules(cfg *config.Config) order.ClientRules {
	return order.ClientRules{Block: cfg.Clients.Block, MaxOpen: cfg.Clients.MaxOpen, MaxRounds: cfg.Clients.MaxRounds}
}
