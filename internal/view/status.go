package view

import (
	"context"
	"fmt"
	"slices"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// Status is the state of everything.
type Status struct {
	Daemon Daemon `json:"daemon"`
	// Polls says whether the marketplace is reached.
	Polls      Polls             `json:"polls"`
	Agent      AgentHealth       `json:"agent"`
	Listings   Listings          `json:"listings"`
	Generators []GeneratorHealth `json:"generators"`
	Disk       Disk              `json:"disk"`
	Backup     Backup            `json:"backup"`
	// Oldest is the order that has waited longest for its delivery; null for none. Near
	// are those that are due within the hour.
	Oldest *Waiting  `json:"oldest_waiting"`
	Near   []Waiting `json:"due_soon"`

	// Host worked with the data folder last, in this Epoch: they count which hosts have. Leased:
	// a lease keeps others from working.
	Host   string `json:"host"`
	Epoch  int64  `json:"epoch"`
	Leased bool   `json:"lease"`

	BaseURL   string              `json:"base_url"`
	DataDir   string              `json:"data_dir"`
	Attention []Attention         `json:"attention"`
	Orders    map[order.State]int `json:"orders"` // without those that have ended or that the owner has cancelled
	// Waiting is how many of the orders in work wait, by what they wait for.
	Waiting  map[order.Code]int `json:"orders_waiting"`
	Requests Requests           `json:"requests"`
	Services []Service          `json:"services"`
	Paused   []Pause            `json:"paused"`
	// Profile is what the agent's profile shows otherwise than the configuration.
	Profile  string   `json:"profile_differs"`
	Webhooks Webhooks `json:"webhooks"`
	Spending Spending `json:"spending"`
	// Work is what runs now.
	Work []Work `json:"work"`
}

// Webhooks is where webhooks are received, and when the last one came.
type Webhooks struct {
	Listen string    `json:"listen"` // empty when they are off
	Last   time.Time `json:"last,omitzero"`
}

// Spending is what generators have cost today, in UTC.
type Spending struct {
	Today string `json:"today_usd"`
	Cap   string `json:"cap_usd"` // empty is no limit
	// CapReached is true when the cap is spent, or when an order waits at it.
	CapReached bool `json:"cap_reached"`
	// Waiting is the number of orders that wait for the next day.
	Waiting int `json:"waiting_orders"`
}

// Service is a service of the configuration or of the marketplace, and whether it is on
// sale.
type Service struct {
	Title string `json:"title"`
	// State is wanted, creating, listed, held, retired or delisted as the store has it;
	// differs for a listed one that is not as it is configured; paused while the owner
	// or a failed generator keeps a listed one from working; or unconfigured for a
	// service that the configuration no longer has.
	State  string    `json:"state"`
	ID     string    `json:"id"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since,omitzero"`
	// Flagged is the verdict of the marketplace's moderation that keeps clients away;
	// empty for none.
	Flagged string `json:"flagged"`
	// Pause is what the owner has paused it by; null for nothing.
	Pause *Pause `json:"paused_by_owner"`
}

// The states of a Service that the store does not know.
const (
	ServicePaused       = "paused"
	ServiceDiffers      = "differs"
	ServiceUnconfigured = "unconfigured"
)

// Status reads the state of everything.
func (r Reader) Status(ctx context.Context) (Status, error) {
	v, _, err := r.begin(ctx).status(ctx)
	return v, err
}

// status returns the state of everything, and the work that it is from.
func (r reading) status(ctx context.Context) (v Status, work workNow, err error) {
	cfg, now := r.cfg, r.now
	windows, err := r.store.Windows(ctx)
	if err != nil {
		return v, work, err
	}
	since := now.Add(-cfg.Budget.Window)
	if all := openWindow(windows, order.ScopeAll, now); !all.StartedAt.IsZero() {
		since = all.StartedAt
	}
	st, err := r.store.Status(ctx, since)
	if err != nil {
		return v, work, err
	}
	l, err := r.store.Ledger(ctx)
	if err != nil {
		return v, work, err
	}
	v = Status{
		Host: l.Host, Epoch: l.Epoch, Leased: cfg.NATS.Lease,
		BaseURL: cfg.BaseURL, DataDir: cfg.DataDir, Attention: append(fullDisk(cfg.DataDir, now), notReconciled(l, r.holder != 0)...),
		Paused: Pauses(st.Pauses), Orders: map[order.State]int{}, Waiting: map[order.Code]int{}, Requests: viewRequests(cfg.Budget, st, now), Services: ConfiguredServices(cfg, st.Services),
	}
	open, err := openSamples(ctx, cfg.DataDir, r.store)
	if err != nil {
		return v, work, err
	}
	v.Attention = append(append(v.Attention, viewAttention(cfg, st, now)...), open...)
	v.Webhooks.Listen = cfg.Webhook.Listen
	if v.Spending, err = r.spending(ctx); err != nil {
		return v, work, err
	}
	if work, err = r.work(ctx); err != nil {
		return v, work, err
	}
	v.Work = work.running
	if err := r.health(ctx, &v, st); err != nil {
		return v, work, err
	}
	markPaused(cfg, v.Services, PausedGenerators(st.Facts))
	markPausedByOwner(cfg, v.Services, st.Pauses, now)
	v.Listings = viewListings(v.Services, st.Facts)
	v.readFacts(st.Facts)
	for _, s := range OpenStates {
		v.Orders[s] = st.Orders[s]
	}
	waiting, err := r.store.Waiting(ctx, now)
	for _, w := range waiting {
		v.Waiting[w.Code] = w.Orders
	}
	return v, work, err
}

// readFacts takes over what the daemon has stored of the marketplace.
func (v *Status) readFacts(facts []store.Fact) {
	for _, f := range facts {
		if f.Name == store.FactProfileDiffers {
			v.Profile = f.Value
		}
		if f.Name == enroll.FactFlagged {
			markFlagged(v.Services, enroll.FlaggedServices(f.Value))
		}
		if f.Name == order.FactWebhook {
			v.Webhooks.Last, _ = time.Parse(time.RFC3339, f.Value) // zero if it cannot be read
		}
	}
}

// health reads how the daemon, the agent and the machine are.
func (r reading) health(ctx context.Context, v *Status, st store.Status) error {
	cfg := r.cfg
	polled, err := r.store.LastPoll(ctx)
	if err != nil {
		return err
	}
	v.Daemon = viewDaemon(r.holder, r.daemon, r.answers, st.Run)
	v.Polls = viewPolls(polled, cfg.PollWithin(), r.daemon.Poll, r.now)
	v.Agent = viewAgentHealth(st.Facts)
	v.Generators = viewGeneratorHealth(cfg, PausedGenerators(st.Facts))
	v.Backup = viewBackup(cfg.Backup, st.Facts)
	stored, err := r.store.Stored(ctx, r.now)
	if err != nil {
		return err
	}
	v.Disk, v.Near = viewDisk(cfg, stored), []Waiting{}
	if st.Oldest != nil {
		oldest := viewWaiting(*st.Oldest)
		v.Oldest = &oldest
	}
	for _, w := range st.Near {
		v.Near = append(v.Near, viewWaiting(w))
	}
	return nil
}

// spending reads what generators have cost today.
func (r reading) spending(ctx context.Context) (v Spending, err error) {
	limit := r.cfg.Spending.Day
	today, err := r.store.SpentToday(ctx, r.now)
	if err != nil {
		return v, err
	}
	v.Today = today.String()
	if limit == 0 {
		return v, nil
	}
	v.Cap = limit.String()
	v.Waiting, err = r.store.CappedToday(ctx, r.now)
	v.CapReached = v.Waiting > 0 || today >= limit
	return v, err
}

// String describes the spending in one line.
func (v Spending) String() string {
	waiting := "no order waits for it"
	switch v.Waiting {
	case 0:
	case 1:
		waiting = "1 order waits until " + NextDay
	default:
		waiting = fmt.Sprintf("%d orders wait until %s", v.Waiting, NextDay)
	}
	switch {
	case v.Cap == "":
		return fmt.Sprintf("$%s today (UTC), no daily cap", v.Today)
	case v.CapReached:
		return fmt.Sprintf("cap reached: $%s of $%s today; %s", v.Today, v.Cap, waiting)
	}
	return fmt.Sprintf("$%s of $%s today (UTC)", v.Today, v.Cap)
}

// markFlagged puts the verdicts of the moderation, by title, to the services.
func markFlagged(services []Service, flagged map[string]string) {
	for title, verdict := range flagged {
		for i, s := range services {
			if order.SameTitle(s.Title, title) {
				services[i].Flagged = verdict
			}
		}
	}
}

// ConfiguredServices returns the services of the configuration, each with its state at
// the marketplace, and then those that the configuration no longer has.
func ConfiguredServices(cfg *config.Config, listed []order.Listed) []Service {
	list := []Service{}
	for _, s := range cfg.Services {
		v := Service{Title: s.Title, State: string(order.ServiceWanted)}
		if at := slices.IndexFunc(listed, func(l order.Listed) bool { return order.SameTitle(l.Title, s.Title) }); at >= 0 {
			l := listed[at]
			v.State, v.ID, v.Reason, v.Since = string(l.State), l.RemoteID, l.Reason, l.Since
			if l.State == order.ServiceListed && l.Reason != "" {
				v.State = ServiceDiffers
			}
		}
		list = append(list, v)
	}
	for _, l := range listed {
		if !slices.ContainsFunc(cfg.Services, func(s config.Service) bool { return order.SameTitle(s.Title, l.Title) }) {
			list = append(list, Service{
				Title: l.Title, State: ServiceUnconfigured, ID: l.RemoteID, Since: l.Since,
				Reason: "it is not in the configuration; orders for it are held",
			})
		}
	}
	return list
}
