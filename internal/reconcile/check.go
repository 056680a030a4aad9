package reconcile

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// Store is the part of the database that a Checker needs. Its writes are durable when
// they return.
type Store interface {
	Ledger(ctx context.Context) (order.Ledger, error)
	// OpenOrders returns the ids of the orders that have not ended, sorted.
	OpenOrders(ctx context.Context) ([]string, error)
	// Before returns what the ledger had of an order before the first process that did not
	// compare it; ok is false if it had nothing.
	Before(ctx context.Context, id string) (r order.Record, ok bool, err error)
	// Record returns what the ledger has of an order; ok is false if it does not know it.
	Record(ctx context.Context, id string) (r order.Record, ok bool, err error)
	Order(ctx context.Context, id string) (order.Order, error)
	Pieces(ctx context.Context, orderID string) ([]order.Piece, error)
	// WantReconcile records that the ledger was restored, and Reconciled that it has
	// what the marketplace shows, with the request counts from then on.
	WantReconcile(why string) error
	Reconciled(missing string, windows []order.Window, unread []string) error
	// Compared records that the ledger was compared, but for the unread orders, and resumes
	// work that was held until then.
	Compared(unread []string) error
	Adopt(a order.Adoption) error
	// SecondDaemon returns why nothing new is to begin, or "".
	SecondDaemon(ctx context.Context) (string, error)
	// RunNow makes the jobs that wait for the code due now.
	RunNow(codes ...order.Code) error
}

// Market is the part of the marketplace's API that a Checker needs. Its requests are
// not counted.
type Market interface {
	Order(ctx context.Context, id string) (order.Facts, error)
	Messages(ctx context.Context, orderID string) ([]order.Message, error)
}

// Intake brings what was read into the ledger.
type Intake interface {
	// Show applies the facts of an order that was read.
	Show(ctx context.Context, f order.Facts) error
	// ShowThread applies a thread that the marketplace was asked for at that time.
	ShowThread(ctx context.Context, orderID string, thread []order.Message, asked time.Time) error
	// PollAll asks for a poll of every status.
	PollAll()
}

// Options are the settings of a Checker.
type Options struct {
	Store  Store
	Market Market
	Intake Intake
	// UseUp counts the requests of this window as used. store makes that durable.
	UseUp func(ctx context.Context, store func([]order.Window) error) error
	// PieceText returns the message that brings a piece to its client.
	PieceText func(o order.Order, piece int, links []string) string
	// Pause stops work until Resume.
	Pause, Resume func()
	Gate          *Gate
	Log           *slog.Logger
}

// Checker compares the ledger with the marketplace once in each life of the process,
// and when the owner wants it. Until then nothing new is paid for, delivered or said.
type Checker struct {
	*Gate
	o        Options
	failures logonce.Logger
	wake     chan struct{}

	// asNow: the ledger is compared as it is now, and not as it was before this process
	// polled.
	asNow bool
	// why is why the ledger is reconciled; empty while it is only compared.
	why string
	// start is the ledger as it was before the first poll.
	start order.Ledger
	// expected: what the ledger lacks shows no restore. The database has never had an
	// order, or the owner knows that a second daemon did it.
	expected bool
	// seen are the orders that were read, by id.
	seen map[string]*seen
	// tries is how often an order could not be read, and alone how often while another
	// one could. readable is an order that was read.
	tries, alone map[string]int
	readable     string

	// resumeAgain: work may have been held just before its order was read.
	resumeAgain bool
	// noReads: the marketplace reads no single order.
	noReads atomic.Bool
}

// seen is what the marketplace shows of an order.
type seen struct {
	facts  order.Facts // without an id if it does not show the order
	thread []order.Message
	asked  time.Time // when it was asked for the thread
	// listed: the facts are those of a row.
	listed bool
	// missing is what the ledger lacks of it.
	missing Missing
}

// asRecorded stands for each order of which the ledger has all that is shown. What is
// shown of 50,000 orders would not fit into memory.
var asRecorded = &seen{facts: order.Facts{ID: "-"}}

// New returns a Checker that compares with what the ledger had before the first poll, so
// it is made before that. While the ledger is to be reconciled, work is paused.
func New(ctx context.Context, o Options) (*Checker, error) {
	c := &Checker{Gate: o.Gate, o: o, wake: make(chan struct{}, 1), seen: map[string]*seen{}, tries: map[string]int{}, alone: map[string]int{}}
	l, err := o.Store.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	c.start, c.why, c.expected = l, l.Reconcile, !l.Used
	second, err := o.Store.SecondDaemon(ctx)
	if err != nil {
		return nil, err
	}
	c.Stop(second)
	if c.why != "" {
		o.Pause()
	}
	return c, nil
}

// Reconciling reports whether work is paused until the ledger is reconciled. Call it
// while neither Run nor Once does anything.
func (c *Checker) Reconciling() bool { return c.why != "" }

// Wake makes Run look whether the owner wants the ledger reconciled, or has stopped a
// second daemon.
func (c *Checker) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// The pauses between two tries of a comparison that failed.
const (
	soon     = 2 * time.Second
	mostWait = time.Minute
	// readAgain is the time between two reads of orders that could not be read.
	readAgain = 5 * time.Minute
)

// Run compares after the first poll, and reconciles whenever the owner wants it, until
// ctx ends. It returns nil.
func (c *Checker) Run(ctx context.Context) error {
	for failed := 0; ctx.Err() == nil; {
		if !c.isOpen() {
			if !c.await(ctx, c.polled) {
				return nil
			}
			err := c.Once(ctx)
			if err == nil {
				failed = 0
				continue
			}
			if !c.again(ctx, err, failed) {
				return nil
			}
			failed++
			continue
		}
		if !c.awaitWake(ctx) {
			return nil
		}
		if err := c.begin(ctx); err != nil {
			c.failures.Failed(c.o.Log, "it is unknown whether the ledger is to be reconciled", err)
		}
	}
	return nil
}

// await waits for an element of ch and reports whether one came before the end of ctx.
func (c *Checker) await(ctx context.Context, ch <-chan struct{}) bool {
	beat.Idle(ctx)
	defer beat.Turn(ctx)
	select {
	case <-ctx.Done():
		return false
	case <-ch:
		return true
	}
}

// awaitWake waits for Wake. Meanwhile it reads the orders that could not be read.
func (c *Checker) awaitWake(ctx context.Context) bool {
	for c.resumeAgain || len(c.unreadOrders()) > 0 {
		woken := beat.Sleep(ctx, readAgain, c.wake)
		if woken || ctx.Err() != nil {
			return woken
		}
		c.readLate(ctx)
	}
	return c.await(ctx, c.wake)
}

// again waits after a failed comparison, and has it tried again.
func (c *Checker) again(ctx context.Context, err error, failed int) bool {
	if ctx.Err() != nil {
		return false
	}
	c.failures.Failed(c.o.Log, "the ledger could not be compared with the marketplace; new work waits", err)
	beat.Sleep(ctx, min(soon<<min(failed, 10), mostWait), nil)
	if ctx.Err() != nil {
		return false
	}
	c.hasPolled()
	return true
}

// begin starts a comparison when the owner has stopped a second daemon, and a reconcile
// when the owner wants it.
func (c *Checker) begin(ctx context.Context) error {
	second, err := c.o.Store.SecondDaemon(ctx)
	if err != nil {
		return err
	}
	if c.Stop(second) && second == "" {
		c.o.Log.Info("the owner has stopped the second daemon; new work begins when the ledger has what that one did")
		c.expected = true
		c.compareAgain()
	}
	l, err := c.o.Store.Ledger(ctx)
	switch {
	case err != nil:
		return err
	case l.Reconcile == "" && l.RestoredAt.IsZero():
		return c.nowRead(c.unreadOrders()...) // the owner accepts what is unknown of them
	case l.Reconcile == "":
		return nil
	}
	c.o.Pause()
	c.why, c.expected = l.Reconcile, false
	c.compareAgain()
	return nil
}

// compareAgain keeps new work waiting until the ledger as it is now was compared.
func (c *Checker) compareAgain() {
	c.shut()
	c.asNow = true
	clear(c.seen)
	clear(c.tries)
	clear(c.alone)
	c.readable = ""
	c.o.Intake.PollAll()
}

// Once compares after a poll of every status, and reconciles where it must. Call it
// while nothing else does.
func (c *Checker) Once(ctx context.Context) error {
	open, err := c.o.Store.OpenOrders(ctx)
	if err != nil {
		return err
	}
	if err := c.read(ctx, open); err != nil {
		return err
	}
	missing := c.missing()
	if c.why == "" && !c.expected && Restored(missing) {
		c.why = c.start.Lacks("the marketplace shows what the ledger does not have", time.Now())
		c.o.Log.Warn("the ledger was restored; it is reconciled before any new work", "reason", c.why)
		if err := c.o.Store.WantReconcile(c.why); err != nil {
			return err
		}
	}
	if err := c.adopt(ctx, open); err != nil {
		return err
	}
	if c.why != "" {
		err = c.end(ctx, missing)
	} else {
		err = c.o.Store.Compared(c.unreadOrders())
	}
	if err != nil {
		return err
	}
	c.pass()
	return nil
}

// missing returns what the ledger lacks of the orders that were read.
func (c *Checker) missing() (all []Missing) {
	for _, s := range c.seen {
		if s.missing.Any() {
			all = append(all, s.missing)
		}
	}
	return all
}

// pass lets new work begin.
func (c *Checker) pass() {
	c.unlock()
	c.asNow = true
	clear(c.seen)
	if c.why != "" {
		c.why = ""
		c.o.Resume()
	}
	c.failures.Recovered(c.o.Log, "the ledger was compared with the marketplace")
	if err := c.o.Store.RunNow(order.CodeChecking, order.CodeSecondDaemon); err != nil {
		c.o.Log.Warn("write to the store failed", "error", err) // the work is due within a minute
	}
}

// compare returns what the ledger lacks of an order. It compares with what the ledger
// had before the first poll, because applying the poll has written some of it, or with
// what it has after the order was read.
func (c *Checker) compare(ctx context.Context, id string, s *seen) (Missing, error) {
	r, err := c.record(ctx, id)
	if err != nil {
		return Missing{}, err
	}
	c.shows(r, s.facts)
	m := Lacks(r, s.facts, s.thread)
	m.OrderID = id
	return m, nil
}

// record returns what an order is compared with.
func (c *Checker) record(ctx context.Context, id string) (order.Record, error) {
	if !c.asNow {
		r, ok, err := c.o.Store.Before(ctx, id)
		if !ok {
			r = order.Record{OrderID: id, Status: c.listed(id).Status} // the first poll brought it
		}
		return r, err
	}
	r, _, err := c.o.Store.Record(ctx, id)
	if c.expected {
		r.Seen = nil // the threads that the second daemon wrote to were read meanwhile
	}
	return r, err
}

// end records the end of a reconcile, and what stays unknown.
func (c *Checker) end(ctx context.Context, missing []Missing) error {
	found := describe(missing)
	text := c.why + "; found at the marketplace: " + found + "; calls of that time are not in the books"
	if err := c.o.UseUp(ctx, func(windows []order.Window) error { return c.o.Store.Reconciled(text, windows, c.unreadOrders()) }); err != nil {
		return err
	}
	c.o.Log.Warn("the ledger is reconciled with the marketplace", "found", found, "reason", c.why,
		"hint", "compare your accounts at the providers, then run "+order.Command("reconcile --accept"))
	return nil
}
