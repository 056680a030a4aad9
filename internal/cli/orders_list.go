package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// OrdersListCmd lists orders.
type OrdersListCmd struct {
	State string `help:"Only orders in this state: waiting, working, held, delivered, failed, completed or cancelled." placeholder:"STATE"`
	All   bool   `help:"Also orders that have ended."`
	Most  int    `help:"At most this many orders. Default: 50." short:"n" name:"most" default:"50" placeholder:"N"`

	Search    string `help:"Only orders with these words in the brief, the answers, the review or what the client wrote, or whose id begins or ends with it." placeholder:"TEXT"`
	Client    string `help:"Only orders of this client: a wallet, or the id of an agent." placeholder:"CLIENT"`
	OlderThan string `help:"Only orders after this one in the list: the next page." placeholder:"ORDER"`
	Output
}

// Help explains the command.
func (OrdersListCmd) Help() string {
	return `The states are:

  waiting    for the client
  working    with the stage and its attempts, or what it waits for
  held       waits for you, or was cancelled by you
  delivered  the client reviews it
  failed     given up; "atelierd orders retry" tries again
  completed  the client accepted it
  cancelled  by the client

Expected is when the daemon will have delivered the order, as it looks now.

A search finds parts of words too, with capitals or without. Each word has 3
characters at least; shorter ones do not count. Only the first 20,000 characters
of a text are searched. What it finds is in the order in which the daemon first
saw the orders.`
}

// Run runs the command.
func (c OrdersListCmd) Run(p *Program) error {
	states := append(slices.Clone(openStates), order.StateCompleted, order.StateCancelled)
	if c.State != "" && !slices.Contains(states, order.State(c.State)) {
		return &UsageError{fmt.Errorf("--state %.40q is not a state of an order; write one of %s", c.State, join(states))}
	}
	if c.Most < 1 {
		return &UsageError{errors.New("-n must be at least 1")}
	}
	q := store.OrderQuery{State: c.State, Client: order.ClientID(c.Client), Text: strings.TrimSpace(c.Search), Most: c.Most}
	if q.State == "" && c.All {
		q.State = "all"
	}
	return p.withReader(func(ctx context.Context, cfg *config.Config, st *store.Store) (err error) {
		if c.OlderThan != "" {
			if q.OlderThan, err = findOrder(ctx, st, c.OlderThan); err != nil {
				return err
			}
		}
		page, err := st.Page(ctx, q)
		if errors.Is(err, store.ErrShortText) {
			return &UsageError{err}
		}
		if err != nil {
			return err
		}
		list, err := readList(ctx, cfg, st, page.Lines)
		if err != nil {
			return err
		}
		list.query = q
		if err := c.print(p, list.lines, list.show); err != nil || page.Next == "" {
			return err
		}
		// On stdout a program that reads the list would take it for an order.
		what := fmt.Sprintf("there are more orders; -n %d shows twice as many", 2*c.Most)
		if page.Partial {
			what = "only the newest texts were searched"
		}
		_, err = fmt.Fprintf(p.Stderr, "%s; --older-than %s shows the next ones\n", what, term.Line(page.Next, 64))
		return err
	})
}

// readList reads what a list shows of some orders.
func readList(ctx context.Context, cfg *config.Config, st *store.Store, lines []store.Line) (orderList, error) {
	now := time.Now()
	list := orderList{lines: []orderLine{}, maxAttempts: cfg.Work.MaxAttempts, now: now}
	work, err := readWork(ctx, cfg, st, now)
	if err != nil {
		return list, err
	}
	for _, l := range lines {
		line := viewLine(l)
		line.generator = generatorOf(cfg, l.Service)
		line.expectedView = work.expect(l.ID, l.State)
		list.lines = append(list.lines, line)
	}
	list.counts, err = st.CountOrders(ctx, now)
	return list, err
}

// join lists states in one line.
func join(states []order.State) string {
	words := make([]string, len(states))
	for i, s := range states {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

// orderList is the orders to show, and what their text depends on.
type orderList struct {
	lines       []orderLine
	query       store.OrderQuery
	counts      store.OrderCounts
	maxAttempts int
	now         time.Time
}

// orderLine is one order of a list.
type orderLine struct {
	ID           string         `json:"order_id"`
	State        order.State    `json:"state"`
	RemoteStatus order.Status   `json:"remote_status"`
	Round        int            `json:"round"`
	Stage        order.Stage    `json:"stage"`     // empty without work
	JobState     order.JobState `json:"job_state"` // empty without work
	Attempt      int            `json:"attempt"`
	RunAt        time.Time      `json:"run_at,omitzero"`
	JobCode      order.Code     `json:"job_code"` // why it does not run before run_at
	JobReason    string         `json:"job_reason"`
	Service      string         `json:"service"`
	PriceUSD     string         `json:"price_usd"` // empty without a price
	Brief        string         `json:"brief"`
	Code         order.Code     `json:"code"`
	Reason       string         `json:"reason"`
	Hint         string         `json:"hint"`
	CreatedAt    time.Time      `json:"created_at"`
	SeenAt       time.Time      `json:"seen_at"`
	DueAt        time.Time      `json:"due_at"`
	DeliveredAt  time.Time      `json:"delivered_at,omitzero"`
	CompletedAt  time.Time      `json:"completed_at,omitzero"`
	expectedView

	generator string // of the service; empty if that is not configured
}

func viewLine(l store.Line) orderLine {
	return orderLine{
		ID: l.ID, State: l.State, RemoteStatus: l.Status, Round: l.Round, Stage: l.Stage,
		JobState: l.Job, Attempt: l.Attempt, RunAt: l.RunAt, JobCode: l.JobCode, JobReason: l.JobReason, Service: l.Service,
		PriceUSD: usd(l.Price), Brief: l.Brief, Code: l.Code, Reason: l.Reason, Hint: l.Hint, CreatedAt: l.Created, SeenAt: l.Seen,
		DueAt: l.Due, DeliveredAt: l.Delivered, CompletedAt: l.Ended,
	}
}

// usd is an amount for machines, "" when there is none.
func usd(amount *order.USD) string {
	if amount == nil {
		return ""
	}
	return amount.String()
}

func (v orderList) show(g *term.Page) {
	if len(v.lines) == 0 {
		v.showNone(g)
		return
	}
	rows := [][]term.Cell{term.Headings("order", "state", "service", "price", "due", "expected", "brief")}
	for _, l := range v.lines {
		price := "-"
		if l.PriceUSD != "" {
			price = "$" + l.PriceUSD
		}
		look := stateStyle(l.State)
		if l.Code == order.CodeOwner {
			look = term.None
		}
		rows = append(rows, []term.Cell{
			term.End(term.Line(l.ID, 64)), term.Styled(look, l.progress(v.maxAttempts, v.now)),
			term.Plain(term.Line(l.Service, 28)), term.Plain(price), l.due(v.now), l.expects(v.now), term.Plain(term.Line(l.Brief, 60)),
		})
	}
	drop := func(column int) {
		for i := range rows {
			rows[i] = slices.Delete(rows[i], column, column+1)
		}
	}
	// On a narrow terminal the brief is worth more than the price, the service, what is
	// expected and the deadline.
	columns := []int{3, 2, 3, 2}
	if !slices.ContainsFunc(v.lines, func(l orderLine) bool { return !l.Expected.IsZero() }) {
		drop(5)
		columns = []int{3, 2, 2}
	}
	for _, column := range columns {
		if g.Fits("", rows) {
			break
		}
		drop(column)
	}
	g.Table("", rows)
	g.Linef("")
	g.Linef("%s", v.summary())
}

// summary counts the orders, those outside of the list too.
func (v orderList) summary() string {
	c := v.counts
	if c.Open == 0 {
		return fmt.Sprintf("no order is open; %d completed in 30 days", c.Done)
	}
	parts := []string{}
	for _, p := range []struct {
		n    int
		what string
	}{{c.NeedYou, "for you"}, {c.InWork, "in work"}, {c.WithClient, "with the client"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return fmt.Sprintf("%d open: %s; %d completed in 30 days", c.Open, strings.Join(parts, ", "), c.Done)
}

// showNone says that no order fits, and what to try.
func (v orderList) showNone(g *term.Page) {
	searched := v.query.Text != "" || v.query.Client != ""
	switch {
	case v.query.OlderThan != "":
		g.Linef("there are no more orders")
	case searched && v.query.State == "":
		g.Linef("no open order fits; --all also looks at those that have ended")
	case searched:
		g.Linef("no order fits")
	case v.query.State == "":
		g.Linef("no order is open; %s also shows those that have ended", order.Command("orders --all"))
	case v.query.State == "all":
		g.Linef("no orders yet; the first one is shown here as soon as a client has paid")
	default:
		g.Linef("no order is %s", v.query.State)
	}
}

// expects is when the order is expected to be delivered. It stands out after the deadline.
func (l orderLine) expects(now time.Time) term.Cell {
	if l.Expected.IsZero() {
		return term.Plain("-")
	}
	look := term.None
	if l.Expected.After(l.DueAt) {
		look = term.Yellow
	}
	return term.Styled(look, term.Relative(now, l.Expected))
}

// progress is the state of the order. While there is work, it also is how far
// the work has come, or what it waits for.
func (l orderLine) progress(maxAttempts int, now time.Time) string {
	switch {
	case l.State == order.StateHeld && l.Code == order.CodeOwner:
		return term.Cut(cancelledByOwner(l.Reason), 40)
	case (l.State == order.StateHeld || l.State == order.StateFailed) && l.Code != "":
		return string(l.State) + ": " + term.Sanitize(l.Code.Words())
	case l.State == order.StateDelivered && !l.DeliveredAt.IsZero():
		return string(l.State) + " " + term.Relative(now, l.DeliveredAt)
	case l.State == order.StateCompleted && !l.CompletedAt.IsZero():
		return string(l.State) + " " + term.Relative(now, l.CompletedAt)
	case l.State != order.StateWorking:
		return string(l.State)
	}
	stage := ""
	switch {
	case l.Stage == "":
	case l.Attempt == 0:
		stage = string(l.Stage)
	default:
		stage = fmt.Sprintf("%s %d/%d", l.Stage, l.Attempt, maxAttempts)
	}
	// The reason is too long for a column.
	wait := waits(store.Work{State: l.JobState, RunAt: l.RunAt, Code: l.JobCode, Reason: l.JobCode.Words()}, now)
	switch {
	case wait == "":
		return strings.TrimSpace(string(l.State) + " " + stage)
	case l.JobCode == order.CodePaused && l.generator != "":
		wait = "waits for generator " + l.generator
	}
	if l.Attempt > 0 {
		wait = stage + ", " + wait
	}
	return term.Line(wait, 60)
}

// due is the deadline of an order that is still to be delivered.
func (l orderLine) due(now time.Time) term.Cell {
	switch {
	case l.State == order.StateCancelled, l.State == order.StateCompleted, l.State == order.StateDelivered,
		l.State == order.StateHeld && l.Code == order.CodeOwner:
		return term.Plain("-")
	case now.After(l.DueAt):
		return term.Styled(term.Red, term.Deadline(now, l.DueAt))
	}
	return term.Plain(term.Deadline(now, l.DueAt))
}
