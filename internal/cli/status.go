package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// StatusCmd shows how everything stands.
type StatusCmd struct {
	JSON bool `help:"Print JSON." name:"json"`
}

func (StatusCmd) Help() string {
	return `One screen, read from the database: first what needs you, each with the next
step; then the orders that have not ended, the requests sent to the marketplace
against its limits, and your services. It sends nothing and works whether a
daemon is running or not. "atelierd orders" goes on from here.`
}

func (c StatusCmd) Run(p *Program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	st, err := store.OpenReader(cfg.DataDir)
	if err != nil {
		return err
	}
	defer st.Close()
	now := time.Now()
	v, err := readStatus(context.Background(), cfg, st, now)
	if err != nil {
		return err
	}
	if c.JSON {
		return term.PrintJSON(p.Stdout, v)
	}
	g := p.Page()
	v.show(g, now)
	return g.Print(p.Stdout)
}

type statusView struct {
	Daemon    daemonView          `json:"daemon"`
	BaseURL   string              `json:"base_url"`
	DataDir   string              `json:"data_dir"`
	Attention []attentionView     `json:"attention"`
	Orders    map[order.State]int `json:"orders"` // that have not ended, nor been cancelled by the owner
	Requests  requestsView        `json:"requests"`
	Services  []serviceView       `json:"services"`
	Webhooks  webhooksView        `json:"webhooks"`
	Spending  spendingView        `json:"spending"`
}

// spendingView is what generators have cost today, by UTC.
type spendingView struct {
	Today string `json:"today_usd"`
	Cap   string `json:"cap_usd"` // empty is without limit
	// CapReached: it is spent, or an order has met it; Waiting is how many wait for
	// the next day.
	CapReached bool `json:"cap_reached"`
	Waiting    int  `json:"waiting_orders"`
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

// nextDay is when money that is capped by the day may be spent again.
const nextDay = "00:00 UTC"

func (v spendingView) String() string {
	waiting := "no order waits for it"
	switch v.Waiting {
	case 0:
	case 1:
		waiting = "1 order waits until " + nextDay
	default:
		waiting = fmt.Sprintf("%d orders wait until %s", v.Waiting, nextDay)
	}
	switch {
	case v.Cap == "":
		return fmt.Sprintf("$%s today (UTC), without a cap on the day", v.Today)
	case v.CapReached:
		return fmt.Sprintf("cap reached: $%s of $%s today; %s", v.Today, v.Cap, waiting)
	}
	return fmt.Sprintf("$%s of $%s today (UTC)", v.Today, v.Cap)
}

// webhooksView is how the marketplace's webhooks stand.
type webhooksView struct {
	Listen string    `json:"listen"` // empty when they are off
	Last   time.Time `json:"last,omitzero"`
}

type daemonView struct {
	Running bool `json:"running"`
	PID     int  `json:"pid,omitzero"`
}

type serviceView struct {
	Title string `json:"title"`
	// State is the marketplace's: wanted, creating, listed or held; paused while
	// its generator is; or unconfigured for one that the configuration no longer
	// has.
	State  string    `json:"state"`
	ID     string    `json:"id"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since,omitzero"`
}

// openStates are the states of orders that have not ended, in the order in
// which an owner wants to know of them.
var openStates = []order.State{order.StateHeld, order.StateFailed, order.StateWorking, order.StateDelivered, order.StateWaiting}

func readStatus(ctx context.Context, cfg *config.Config, r *store.Store, now time.Time) (statusView, error) {
	windows, err := r.Windows(ctx)
	if err != nil {
		return statusView{}, err
	}
	since := now.Add(-cfg.Budget.Window)
	if all := openWindow(windows, scopeAll, now); !all.StartedAt.IsZero() {
		since = all.StartedAt
	}
	st, err := r.Status(ctx, since)
	if err != nil {
		return statusView{}, err
	}
	v := statusView{BaseURL: cfg.BaseURL, DataDir: cfg.DataDir, Attention: viewAttention(cfg, st, now),
		Orders: map[order.State]int{}, Requests: viewRequests(cfg.Budget, st, now), Services: viewServices(cfg, st.Services)}
	v.Webhooks.Listen = cfg.Webhook.Listen
	if v.Spending, err = readSpending(ctx, cfg, r, now); err != nil {
		return statusView{}, err
	}
	showPaused(cfg, v.Services, pausedBy(st.Facts))
	for _, f := range st.Facts {
		if f.Name == app.FactWebhook {
			v.Webhooks.Last, _ = time.Parse(time.RFC3339, f.Value) // it stays zero if it is none
		}
	}
	v.Daemon.PID = store.Holder(cfg.DataDir)
	v.Daemon.Running = v.Daemon.PID != 0
	for _, s := range openStates {
		v.Orders[s] = st.Orders[s]
	}
	return v, nil
}

// viewServices joins what the configuration offers with how it stands.
func viewServices(cfg *config.Config, listed []order.Listed) []serviceView {
	list := []serviceView{}
	for _, s := range cfg.Services {
		v := serviceView{Title: s.Title, State: string(order.ServiceWanted)}
		if at := slices.IndexFunc(listed, func(l order.Listed) bool { return l.Title == s.Title }); at >= 0 {
			l := listed[at]
			v.State, v.ID, v.Reason, v.Since = string(l.State), l.RemoteID, l.Reason, l.Since
		}
		list = append(list, v)
	}
	for _, l := range listed {
		if !slices.ContainsFunc(cfg.Services, func(s config.Service) bool { return s.Title == l.Title }) {
			list = append(list, serviceView{Title: l.Title, State: "unconfigured", ID: l.RemoteID, Since: l.Since,
				Reason: "it is not in the configuration; orders for it are held"})
		}
	}
	return list
}

func (v statusView) show(g *term.Page, now time.Time) {
	if v.Daemon.Running {
		g.Linef("%s (pid %d)", g.Paint(term.Green, "atelierd is running"), v.Daemon.PID)
	} else {
		g.Linef("%s; `atelierd run` starts it", g.Paint(term.Yellow, "atelierd is not running"))
	}
	head := [][]term.Cell{{term.Styled(term.Dim, "marketplace"), term.Plain(term.Sanitize(v.BaseURL))}, {term.Styled(term.Dim, "data"), term.Plain(term.Sanitize(v.DataDir))}}
	if v.Webhooks.Listen != "" {
		last := "none has come yet"
		if !v.Webhooks.Last.IsZero() {
			last = "the last came " + term.Relative(now, v.Webhooks.Last)
		}
		head = append(head, []term.Cell{term.Styled(term.Dim, "webhooks"), term.Plain(term.Sanitize(v.Webhooks.Listen) + ", " + last)})
	}
	g.Table("  ", head)
	v.showAttention(g, now)
	g.Heading("orders")
	var parts []string
	for _, s := range openStates {
		if n := v.Orders[s]; n > 0 {
			parts = append(parts, g.Paint(stateStyle(s), fmt.Sprintf("%d %s", n, s)))
		}
	}
	if parts == nil {
		parts = []string{"none is open"}
	}
	g.Linef("  %s", strings.Join(parts, ", "))
	v.Requests.show(g, now)
	g.Heading("spending")
	look := term.None
	if v.Spending.CapReached {
		look = term.Yellow
	}
	g.Linef("  %s", g.Paint(look, v.Spending.String()))
	g.Heading("services")
	rows := [][]term.Cell{}
	for _, s := range v.Services {
		look := term.None
		if s.State != string(order.ServiceListed) {
			look = term.Yellow
		}
		rows = append(rows, []term.Cell{term.Plain(term.Line(s.Title, 40)), term.Styled(look, s.State), term.Plain(term.Line(s.Reason, 200))})
	}
	g.Table("  ", rows)
	if len(rows) == 0 {
		g.Linef("  none; add a [[service]] to the configuration")
	}
}

func stateStyle(s order.State) term.Style {
	switch s {
	case order.StateHeld, order.StateFailed:
		return term.Red
	case order.StateWorking:
		return term.Yellow
	case order.StateDelivered, order.StateCompleted:
		return term.Green
	}
	return term.None
}
