package cli

import (
	"context"
	"slices"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// statusView is the state of everything. `status` prints it.
type statusView struct {
	Daemon daemonView `json:"daemon"`
	// Polls says whether the marketplace is reached.
	Polls      pollsView         `json:"polls"`
	Agent      agentHealth       `json:"agent"`
	Listings   listingsView      `json:"listings"`
	Generators []generatorHealth `json:"generators"`
	Disk       diskView          `json:"disk"`
	Backup     backupView        `json:"backup"`
	// Oldest is the order that has waited longest for its delivery; null for none. Near
	// are those that are due within the hour.
	Oldest *waitingView  `json:"oldest_waiting"`
	Near   []waitingView `json:"due_soon"`

	BaseURL   string              `json:"base_url"`
	DataDir   string              `json:"data_dir"`
	Attention []attentionView     `json:"attention"`
	Orders    map[order.State]int `json:"orders"` // without those that have ended or that the owner has cancelled
	// Waiting is how many of the orders in work wait, by what they wait for.
	Waiting  map[order.Code]int `json:"orders_waiting"`
	Requests requestsView       `json:"requests"`
	Services []serviceView      `json:"services"`
	Paused   []pauseView        `json:"paused"`
	// Profile is what the agent's profile shows otherwise than the configuration.
	Profile  string       `json:"profile_differs"`
	Webhooks webhooksView `json:"webhooks"`
	Spending spendingView `json:"spending"`
	// Work is what runs now.
	Work []workView `json:"work"`
}

type webhooksView struct {
	Listen string    `json:"listen"` // empty when they are off
	Last   time.Time `json:"last,omitzero"`
}

// spendingView is what generators have cost today, in UTC.
type spendingView struct {
	Today string `json:"today_usd"`
	Cap   string `json:"cap_usd"` // empty is no limit
	// CapReached is true when the cap is spent, or when an order waits at it.
	CapReached bool `json:"cap_reached"`
	// Waiting is the number of orders that wait for the next day.
	Waiting int `json:"waiting_orders"`
}

type serviceView struct {
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
	Pause *pauseView `json:"paused_by_owner"`
}

// The states of a serviceView that the store does not know.
const (
	servicePaused       = "paused"
	serviceDiffers      = "differs"
	serviceUnconfigured = "unconfigured"
)

func readStatus(ctx context.Context, cfg *config.Config, r *store.Store, now time.Time) (statusView, error) {
	windows, err := r.Windows(ctx)
	if err != nil {
		return statusView{}, err
	}
	since := now.Add(-cfg.Budget.Window)
	if all := openWindow(windows, order.ScopeAll, now); !all.StartedAt.IsZero() {
		since = all.StartedAt
	}
	st, err := r.Status(ctx, since)
	if err != nil {
		return statusView{}, err
	}
	l, err := r.Ledger(ctx)
	if err != nil {
		return statusView{}, err
	}
	holder := store.Holder(cfg.DataDir)
	v := statusView{
		BaseURL: cfg.BaseURL, DataDir: cfg.DataDir, Attention: append(fullDisk(cfg.DataDir, now), notReconciled(l, holder != 0)...),
		Paused: viewPauses(st.Pauses), Orders: map[order.State]int{}, Waiting: map[order.Code]int{}, Requests: viewRequests(cfg.Budget, st, now), Services: viewServices(cfg, st.Services),
	}
	open, err := viewOpenSamples(ctx, cfg.DataDir, r)
	if err != nil {
		return statusView{}, err
	}
	v.Attention = append(append(v.Attention, viewAttention(cfg, st, now)...), open...)
	v.Webhooks.Listen = cfg.Webhook.Listen
	if v.Spending, err = readSpending(ctx, cfg, r, now); err != nil {
		return statusView{}, err
	}
	work, err := readWork(ctx, cfg, r, now)
	if err != nil {
		return v, err
	}
	v.Work = work.running
	if err := v.readHealth(ctx, cfg, r, st, now); err != nil {
		return statusView{}, err
	}
	markPaused(cfg, v.Services, pausedGenerators(st.Facts))
	markPausedByOwner(cfg, v.Services, st.Pauses, now)
	v.Listings = viewListings(v.Services, st.Facts)
	v.readFacts(st.Facts)
	for _, s := range openStates {
		v.Orders[s] = st.Orders[s]
	}
	waiting, err := r.Waiting(ctx, now)
	for _, w := range waiting {
		v.Waiting[w.Code] = w.Orders
	}
	return v, err
}

// readFacts takes over what the daemon has stored of the marketplace.
func (v *statusView) readFacts(facts []store.Fact) {
	for _, f := range facts {
		if f.Name == store.FactProfileDiffers {
			v.Profile = f.Value
		}
		if f.Name == enroll.FactFlagged {
			markFlagged(v.Services, enroll.FlaggedServices(f.Value))
		}
		if f.Name == app.FactWebhook {
			v.Webhooks.Last, _ = time.Parse(time.RFC3339, f.Value) // zero if it cannot be read
		}
	}
}

// readHealth reads how the daemon, the agent and the machine are.
func (v *statusView) readHealth(ctx context.Context, cfg *config.Config, r *store.Store, st store.Status, now time.Time) error {
	polled, err := r.LastPoll(ctx)
	if err != nil {
		return err
	}
	state, answers := askDaemon(ctx, cfg.DataDir)
	v.Daemon = viewDaemon(store.Holder(cfg.DataDir), state, answers, st.Run)
	v.Polls = viewPolls(polled, app.PollWithin(cfg), state.Poll, now)
	v.Agent = viewAgentHealth(st.Facts)
	v.Generators = viewGeneratorHealth(cfg, pausedGenerators(st.Facts))
	v.Backup = viewBackup(cfg.Backup, st.Facts)
	stored, err := r.Stored(ctx, now)
	if err != nil {
		return err
	}
	v.Disk, v.Near = viewDisk(cfg, stored), []waitingView{}
	if st.Oldest != nil {
		oldest := viewWaiting(*st.Oldest)
		v.Oldest = &oldest
	}
	for _, w := range st.Near {
		v.Near = append(v.Near, viewWaiting(w))
	}
	return nil
}

func readSpending(ctx context.Context, cfg *config.Config, r *store.Store, now time.Time) (v spendingView, err error) {
	today, err := r.SpentToday(ctx, now)
	if err != nil {
		return v, err
	}
	v.Today = today.String()
	if cfg.Spending.Day == 0 {
		return v, nil
	}
	v.Cap = cfg.Spending.Day.String()
	v.Waiting, err = r.CappedToday(ctx, now)
	v.CapReached = v.Waiting > 0 || today >= cfg.Spending.Day
	return v, err
}

// markFlagged puts the verdicts of the moderation, by title, to the services.
func markFlagged(services []serviceView, flagged map[string]string) {
	for title, verdict := range flagged {
		for i, s := range services {
			if order.SameTitle(s.Title, title) {
				services[i].Flagged = verdict
			}
		}
	}
}

// viewServices returns the services of the configuration, each with its state at
// the marketplace, and then those that the configuration no longer has.
func viewServices(cfg *config.Config, listed []order.Listed) []serviceView {
	list := []serviceView{}
	for _, s := range cfg.Services {
		v := serviceView{Title: s.Title, State: string(order.ServiceWanted)}
		if at := slices.IndexFunc(listed, func(l order.Listed) bool { return order.SameTitle(l.Title, s.Title) }); at >= 0 {
			l := listed[at]
			v.State, v.ID, v.Reason, v.Since = string(l.State), l.RemoteID, l.Reason, l.Since
			if l.State == order.ServiceListed && l.Reason != "" {
				v.State = serviceDiffers
			}
		}
		list = append(list, v)
	}
	for _, l := range listed {
		if !slices.ContainsFunc(cfg.Services, func(s config.Service) bool { return order.SameTitle(s.Title, l.Title) }) {
			list = append(list, serviceView{
				Title: l.Title, State: serviceUnconfigured, ID: l.RemoteID, Since: l.Since,
				Reason: "it is not in the configuration; orders for it are held",
			})
		}
	}
	return list
}
