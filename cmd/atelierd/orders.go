package main

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
)

// ordersCmd is everything about orders.
type ordersCmd struct {
	List    ordersListCmd    `cmd:"" default:"withargs" help:"List orders, newest first."`
	Show    ordersShowCmd    `cmd:"" help:"Show all that is known of one order."`
	Approve ordersApproveCmd `cmd:"" help:"Let an order whose files wait for your review go out."`
	Retry   ordersRetryCmd   `cmd:"" help:"Let held, failed or cancelled work on an order run again."`
	Redo    ordersRedoCmd    `cmd:"" help:"Have the files of an order made anew."`
	Cancel  ordersCancelCmd  `cmd:"" help:"Stop work on an order."`
}

func (ordersCmd) Help() string {
	return `Without a sub-command it lists the orders that have not ended. ORDER is an
order's id, or as much of its beginning as fits only one.`
}

// ordersListCmd lists orders.
type ordersListCmd struct {
	State string `help:"Only those in this state: waiting, working, held, delivered, failed, completed or cancelled." placeholder:"STATE"`
	All   bool   `help:"Those that have ended too."`
	Most  int    `help:"How many at most." short:"n" name:"most" default:"50" placeholder:"N"`
	JSON  bool   `help:"Print JSON." name:"json"`
}

func (ordersListCmd) Help() string {
	return `States: waiting (for the client), working, held (needs you, or was cancelled by you),
delivered (the client reviews it), failed (given up; "orders retry" tries again),
completed, cancelled. While working, the stage is shown with the attempts made of
those allowed, and for how long the work waits, and for what.`
}

func (c ordersListCmd) Run(p *program) error {
	states := append(slices.Clone(openStates), order.StateCompleted, order.StateCancelled)
	if c.State != "" && !slices.Contains(states, order.State(c.State)) {
		return &usageError{fmt.Errorf("--state %.40q is not a state of an order", c.State)}
	}
	if c.Most < 1 {
		return &usageError{errors.New("-n must be at least 1")}
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
			return printJSON(p.stdout, list)
		}
		g := p.newPage()
		showLines(g, lines, cfg.Work.MaxAttempts, time.Now())
		switch {
		case len(lines) > 0:
		case filter == "":
			g.linef("no order is open; --all shows those that have ended too")
		default:
			g.linef("there is no such order")
		}
		if err := g.print(p.stdout); err != nil || !more {
			return err
		}
		// On stdout a program that reads the list would take it for an order.
		_, err = fmt.Fprintf(p.stderr, "there are more; -n %d shows twice as many\n", 2*c.Most)
		return err
	})
}

// withReader gives a command the configuration and the open database.
func (p *program) withReader(do func(context.Context, *config.Config, *store.Store) error) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	st, err := store.OpenReader(cfg.DataDir)
	if err != nil {
		return err
	}
	defer st.Close()
	return do(context.Background(), cfg, st)
}

// findOrder gives the id of the order that text names.
func findOrder(ctx context.Context, st *store.Store, text string) (string, error) {
	id, err := st.Resolve(ctx, text)
	if errors.Is(err, store.ErrNotFound) {
		return "", hintf(err, "`atelierd orders list --all` shows those that there are")
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

func showLines(g *page, lines []store.Line, maxAttempts int, now time.Time) {
	if len(lines) == 0 {
		return
	}
	rows := [][]cell{headings("order", "state", "service", "price", "due", "brief")}
	for _, l := range lines {
		look := stateStyle(l.State)
		if l.Code == order.CodeOwner {
			look = none
		}
		rows = append(rows, []cell{plainCell(short(l.ID, 64)), {progress(l, maxAttempts, now), look},
			plainCell(short(l.Service, 28)), plainCell(price(l.Price, "$", "-")), dueCell(l, now), plainCell(short(l.Brief, 60))})
	}
	g.table("", rows)
}

// progress is the state, and while there is work how far it has come, and what
// it waits for.
func progress(l store.Line, maxAttempts int, now time.Time) string {
	if l.State == order.StateHeld && l.Code == order.CodeOwner {
		return cut(byOwner(l.Reason), 40)
	}
	parts := []string{string(l.State)}
	switch {
	case l.State == order.StateHeld || l.State == order.StateFailed:
		if l.Code != "" {
			parts = append(parts, plain(string(l.Code)))
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
		text += ", " + short(wait, 60)
	}
	return text
}

// byOwner is how an order reads that the owner has cancelled: its state at the
// marketplace is another matter.
func byOwner(reason string) string {
	if reason == "" {
		return "cancelled by you"
	}
	return "cancelled by you: " + short(reason, 300)
}

// waits says until when a job that is ready does not run yet, and why; "" when
// nothing keeps it. At a day's cap it looks again now and then, but waits for the
// next day.
func waits(w store.Work, now time.Time) string {
	if w.State != order.JobReady || !w.RunAt.After(now) {
		return ""
	}
	text := "waits " + span(w.RunAt.Sub(now))
	if w.Code == order.CodeDayCap {
		text = "waits until " + nextDay
	}
	if w.Reason == "" {
		return text
	}
	return text + ": " + short(w.Reason, 400)
}

// dueCell is the deadline as long as something is owed, and what came of it
// afterwards.
func dueCell(l store.Line, now time.Time) cell {
	switch {
	case l.State == order.StateCancelled, l.State == order.StateHeld && l.Code == order.CodeOwner:
		return plainCell("-")
	case l.State == order.StateCompleted && !l.Ended.IsZero():
		return plainCell("done " + relative(now, l.Ended))
	case l.State == order.StateDelivered && !l.Delivered.IsZero():
		return plainCell("done " + relative(now, l.Delivered))
	case now.After(l.Due):
		return cell{deadline(now, l.Due), red}
	}
	return plainCell(deadline(now, l.Due))
}
