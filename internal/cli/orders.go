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

// OrdersCmd is everything about orders.
type OrdersCmd struct {
	List    OrdersListCmd    `cmd:"" default:"withargs" help:"List orders, newest first."`
	Show    OrdersShowCmd    `cmd:"" help:"Show all that is known of one order."`
	Approve OrdersApproveCmd `cmd:"" help:"Let an order whose files wait for your review go out."`
	Retry   OrdersRetryCmd   `cmd:"" help:"Let held, failed or cancelled work on an order run again."`
	Redo    OrdersRedoCmd    `cmd:"" help:"Have the files of an order made anew."`
	Cancel  OrdersCancelCmd  `cmd:"" help:"Stop work on an order."`
}

func (OrdersCmd) Help() string {
	return `Without a sub-command it lists the orders that have not ended. ORDER is an
order's id, or as much of its beginning as fits only one.`
}

// OrdersListCmd lists orders.
type OrdersListCmd struct {
	State string `help:"Only those in this state: waiting, working, held, delivered, failed, completed or cancelled." placeholder:"STATE"`
	All   bool   `help:"Those that have ended too."`
	Most  int    `help:"How many at most." short:"n" name:"most" default:"50" placeholder:"N"`
	JSON  bool   `help:"Print JSON." name:"json"`
}

func (OrdersListCmd) Help() string {
	return `States: waiting (for the client), working, held (needs you, or was cancelled by you),
delivered (the client reviews it), failed (given up; "orders retry" tries again),
completed, cancelled. While working, the stage is shown with the attempts made of
those allowed, and for how long the work waits, and for what.`
}

func (c OrdersListCmd) Run(p *Program) error {
	states := append(slices.Clone(openStates), order.StateCompleted, order.StateCancelled)
	if c.State != "" && !slices.Contains(states, order.State(c.State)) {
		return &UsageError{fmt.Errorf("--state %.40q is not a state of an order", c.State)}
	}
	if c.Most < 1 {
		return &UsageError{errors.New("-n must be at least 1")}
	}
	return p.withReader(func(ctx context.Context, cfg *config.Config, st *store.Store) error {
		filter := c.State
		if filter == "" && c.All {
			filter = "all"
		}
		lines, err := st.Orders(ctx, filter, c.Most+1)
		if err != nil {
			return err
		}
		more := len(lines) > c.Most
		lines = lines[:min(len(lines), c.Most)]
		if c.JSON {
			list := make([]orderLine, len(lines))
			for i, l := range lines {
				list[i] = viewLine(l)
			}
			return term.PrintJSON(p.Stdout, list)
		}
		g := p.Page()
		showLines(g, lines, cfg.Work.MaxAttempts, time.Now())
		switch {
		case len(lines) > 0:
		case filter == "":
			g.Linef("no order is open; --all shows those that have ended too")
		default:
			g.Linef("there is no such order")
		}
		if err := g.Print(p.Stdout); err != nil || !more {
			return err
		}
		// On stdout a program that reads the list would take it for an order.
		_, err = fmt.Fprintf(p.Stderr, "there are more; -n %d shows twice as many\n", 2*c.Most)
		return err
	})
}

// findOrder gives the id of the order that text names.
func findOrder(ctx context.Context, st *store.Store, text string) (string, error) {
	id, err := st.Resolve(ctx, text)
	if errors.Is(err, store.ErrNotFound) {
		return "", Hintf(err, "`atelierd orders list --all` shows those that there are")
	}
	return id, err
}

// orderLine is an order in a list, for machines.
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
}

func viewLine(l store.Line) orderLine {
	return orderLine{ID: l.ID, State: l.State, RemoteStatus: l.Status, Round: l.Round, Stage: l.Stage,
		JobState: l.Job, Attempt: l.Attempt, RunAt: l.RunAt, JobCode: l.JobCode, JobReason: l.JobReason, Service: l.Service,
		PriceUSD: price(l.Price, "", ""), Brief: l.Brief, Code: l.Code, Reason: l.Reason, Hint: l.Hint, CreatedAt: l.Created, SeenAt: l.Seen,
		DueAt: l.Due, DeliveredAt: l.Delivered, CompletedAt: l.Ended}
}

func price(usd *order.USD, sign, absent string) string {
	if usd == nil {
		return absent
	}
	return sign + usd.String()
}

func showLines(g *term.Page, lines []store.Line, maxAttempts int, now time.Time) {
	if len(lines) == 0 {
		return
	}
	rows := [][]term.Cell{term.Headings("order", "state", "service", "price", "due", "brief")}
	for _, l := range lines {
		look := stateStyle(l.State)
		if l.Code == order.CodeOwner {
			look = term.None
		}
		rows = append(rows, []term.Cell{term.Plain(term.Line(l.ID, 64)), term.Styled(look, progress(l, maxAttempts, now)),
			term.Plain(term.Line(l.Service, 28)), term.Plain(price(l.Price, "$", "-")), dueCell(l, now), term.Plain(term.Line(l.Brief, 60))})
	}
	g.Table("", rows)
}

// progress is the state, and while there is work how far it has come, and what
// it waits for.
func progress(l store.Line, maxAttempts int, now time.Time) string {
	if l.State == order.StateHeld && l.Code == order.CodeOwner {
		return term.Cut(byOwner(l.Reason), 40)
	}
	parts := []string{string(l.State)}
	switch {
	case l.State == order.StateHeld || l.State == order.StateFailed:
		if l.Code != "" {
			parts = append(parts, term.Sanitize(string(l.Code)))
		}
	case l.State != order.StateWorking || l.Stage == "":
	case l.Attempt == 0:
		parts = append(parts, string(l.Stage))
	default:
		parts = append(parts, fmt.Sprintf("%s %d/%d", l.Stage, l.Attempt, maxAttempts))
	}
	text := strings.Join(parts, " ")
	if l.State != order.StateWorking {
		return text
	}
	// The reason is too long for a column; its code says it in a word or two.
	if wait := waits(store.Work{State: l.Job, RunAt: l.RunAt, Code: l.JobCode, Reason: strings.ReplaceAll(string(l.JobCode), "_", " ")}, now); wait != "" {
		text += ", " + term.Line(wait, 60)
	}
	return text
}

// byOwner is how an order reads that the owner has cancelled: its state at the
// marketplace is another matter.
func byOwner(reason string) string {
	if reason == "" {
		return "cancelled by you"
	}
	return "cancelled by you: " + term.Line(reason, 300)
}

// waits says until when a job that is ready does not run yet, and why; "" when
// nothing keeps it. At a day's cap it looks again now and then, but waits for the
// next day.
func waits(w store.Work, now time.Time) string {
	if w.State != order.JobReady || !w.RunAt.After(now) {
		return ""
	}
	text := "waits " + term.Span(w.RunAt.Sub(now))
	if w.Code == order.CodeDayCap {
		text = "waits until " + nextDay
	}
	if w.Reason == "" {
		return text
	}
	return text + ": " + term.Line(w.Reason, 400)
}

// dueCell is the deadline as long as something is owed, and what came of it
// afterwards.
func dueCell(l store.Line, now time.Time) term.Cell {
	switch {
	case l.State == order.StateCancelled, l.State == order.StateHeld && l.Code == order.CodeOwner:
		return term.Plain("-")
	case l.State == order.StateCompleted && !l.Ended.IsZero():
		return term.Plain("done " + term.Relative(now, l.Ended))
	case l.State == order.StateDelivered && !l.Delivered.IsZero():
		return term.Plain("done " + term.Relative(now, l.Delivered))
	case now.After(l.Due):
		return term.Styled(term.Red, term.Deadline(now, l.Due))
	}
	return term.Plain(term.Deadline(now, l.Due))
}
