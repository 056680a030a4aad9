package view

import (
	"context"
	"fmt"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/words"
)

// Orders reads a page of a list of orders. The error is store.ErrShortText for a search
// that is too short.
func (r Reader) Orders(ctx context.Context, q store.OrderQuery) (list List, err error) {
	now := r.begin(ctx)
	work, err := now.work(ctx)
	if err != nil {
		return list, err
	}
	if list, err = now.list(ctx, q, work); err != nil {
		return list, err
	}
	list.Counts.Done, err = r.Store.CountCompleted(ctx, now.now.AddDate(0, 0, -30))
	return list, err
}

// list reads a page of a list. work is what is expected of the orders in it.
func (r reading) list(ctx context.Context, q store.OrderQuery, work workNow) (list List, err error) {
	list = List{Query: q, Lines: []Line{}, Now: r.now}
	page, err := r.store.Page(ctx, q)
	if err != nil {
		return list, err
	}
	list.Next, list.Partial = page.Next, page.Partial
	for _, l := range page.Lines {
		line := r.line(l)
		line.Expectation = work.expect(l.ID, l.State)
		list.Lines = append(list.Lines, line)
	}
	list.Counts, err = r.store.CountOrders(ctx)
	return list, err
}

// line returns what is shown of an order without what is expected of it.
func (r reading) line(l store.Line) Line {
	line := viewLine(l)
	line.MaxAttempts = r.cfg.Work.MaxAttempts
	line.Generator = GeneratorOf(r.cfg, l.Service)
	return line
}

// List is a page of a list of orders, and what the query that selects them was.
type List struct {
	Query store.OrderQuery
	Lines []Line
	// Next is the order after which the next page begins; empty for the last one. Partial:
	// more texts are still to be searched.
	Next    string
	Partial bool
	// Counts are of all orders, those outside of the list too.
	Counts store.OrderCounts
	Now    time.Time
}

// Line is one order of a list.
type Line struct {
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
	Expectation

	Generator   string `json:"-"` // of the service; empty if that is not configured
	MaxAttempts int    `json:"-"` // of a stage
}

func viewLine(l store.Line) Line {
	return Line{
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

// Summary counts the orders, those outside of the list too.
func (v List) Summary() string {
	c := v.Counts
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

// Cancelled reports whether the owner has stopped the work on the order, which is still
// open at the marketplace.
func (l Line) Cancelled() bool { return l.State == order.StateHeld && l.Code == order.CodeOwner }

// Progress is the state of the order. While there is work, it also is how far
// the work has come, or what it waits for.
func (l Line) Progress(now time.Time) string {
	switch {
	case l.Cancelled():
		return CancelledByOwner(l.Reason)
	case (l.State == order.StateHeld || l.State == order.StateFailed) && l.Code != "":
		return string(l.State) + ": " + l.Code.Words()
	case l.State == order.StateDelivered && !l.DeliveredAt.IsZero():
		return string(l.State) + " " + words.Relative(now, l.DeliveredAt)
	case l.State == order.StateCompleted && !l.CompletedAt.IsZero():
		return string(l.State) + " " + words.Relative(now, l.CompletedAt)
	case l.State != order.StateWorking:
		return string(l.State)
	}
	stage := ""
	switch {
	case l.Stage == "":
	case l.Attempt == 0:
		stage = string(l.Stage)
	default:
		stage = fmt.Sprintf("%s %d/%d", l.Stage, l.Attempt, l.MaxAttempts)
	}
	// The reason is too long for a column.
	wait := Waits(store.Work{State: l.JobState, RunAt: l.RunAt, Code: l.JobCode, Reason: l.JobCode.Words()}, now)
	switch {
	case wait == "":
		return strings.TrimSpace(string(l.State) + " " + stage)
	case l.JobCode == order.CodePaused && l.Generator != "":
		wait = "waits for generator " + l.Generator
	}
	if l.Attempt > 0 {
		wait = stage + ", " + wait
	}
	return wait
}
