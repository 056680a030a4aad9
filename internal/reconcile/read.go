package reconcile

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"atelierd/internal/order"
)

const (
	// readers is how many orders are read at the same time.
	readers = 4
	// patience is how often an order is tried that cannot be read while others can. After
	// that its row of the listing decides.
	patience = 3
	// morePatience replaces patience if the ledger was restored: only the thread shows
	// what was written to the client.
	morePatience = 9
)

// read reads the orders that were not read yet, each with its thread. Its error means
// that some are left.
func (c *Checker) read(ctx context.Context, open []string) error {
	var (
		wg       sync.WaitGroup
		mu       sync.Mutex
		errs     []error
		todo     = make(chan string)
		failed   []string // orders that could not be read
		readable string   // one that was
	)
	for range readers {
		wg.Go(func() {
			for id := range todo {
				s, err := c.readOne(ctx, id)
				if err == nil {
					s, err = c.keep(ctx, id, s)
				}
				mu.Lock()
				if err != nil {
					c.tries[id]++
					failed, errs = append(failed, id), append(errs, err)
				} else {
					c.seen[id] = s
					c.setUnread(id, false)
					readable = id
				}
				mu.Unlock()
				if err == nil {
					c.drop(id)
				}
			}
		})
	}
	stop := false
	for _, id := range c.order(open) {
		mu.Lock()
		_, read := c.seen[id]
		stop = len(errs) > readers // the marketplace is down
		mu.Unlock()
		if stop {
			break
		}
		if !read {
			todo <- id
		}
	}
	close(todo)
	wg.Wait()
	if len(errs) == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	if readable != "" {
		c.readable = readable
	}
	if err := c.notRead(ctx, failed, errs[0], readable == ""); err != nil || !stop {
		return err
	}
	return errs[0] // the rest is still to be read
}

// notRead decides what follows for orders that could not be read. none: no order could
// be. It returns err if they are to be read again.
func (c *Checker) notRead(ctx context.Context, failed []string, err error, none bool) error {
	if none && !c.answers(ctx) {
		return err
	}
	for _, id := range failed {
		c.alone[id]++
	}
	return c.giveUp(ctx, err)
}

// answers reports whether the marketplace still shows an order that it has shown.
func (c *Checker) answers(ctx context.Context) bool {
	if c.readable == "" {
		return false
	}
	_, err := c.readOne(ctx, c.readable)
	return err == nil
}

// order returns the ids in the order in which they are read: those that could not be
// read come last, so that they do not stop the others from being read.
func (c *Checker) order(open []string) []string {
	return slices.SortedFunc(slices.Values(open), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.tries[a], c.tries[b]), cmp.Compare(a, b))
	})
}

// keep returns s with what the ledger lacks of it, and asRecorded if it lacks nothing.
func (c *Checker) keep(ctx context.Context, id string, s *seen) (_ *seen, err error) {
	if s.missing, err = c.compare(ctx, id, s); err != nil || s.missing.Any() || s.facts.ID == "" {
		return s, err
	}
	// Another order may show that the ledger was restored. Messages that the ledger has
	// seen meanwhile, or in a process that died, are adopted then.
	if slices.ContainsFunc(s.thread, byAgent) {
		now, _, err := c.o.Store.Record(ctx, id)
		if err != nil || len(unsent(now, s.thread)) > 0 {
			return s, err
		}
	}
	return asRecorded, nil
}

// giveUp returns err unless all that is left are orders that cannot be read while
// others can. Their rows of the listing decide.
func (c *Checker) giveUp(ctx context.Context, err error) error {
	tries := patience
	restored := c.why != "" || !c.expected && Restored(c.missing())
	if restored {
		tries = morePatience
	}
	for id := range c.tries {
		if _, read := c.seen[id]; read {
			continue
		}
		if c.alone[id] < tries {
			return err
		}
		s, failed := c.keep(ctx, id, &seen{facts: c.listed(id), listed: true})
		if failed != nil {
			return failed
		}
		now, _, failed := c.o.Store.Record(ctx, id)
		if failed != nil {
			return failed
		}
		if restored || now.Restored {
			c.o.Log.Warn("an order cannot be read after a restore; new work on it is held", "order", id, "tries", c.tries[id], "error", err)
			c.setUnread(id, true)
		} else {
			c.o.Log.Warn("an order cannot be read, so its row of the listing is compared", "order", id, "tries", c.tries[id], "error", err)
		}
		c.seen[id] = s
	}
	return nil
}

// readOne reads an order and its thread. A marketplace may read no single order and
// show no thread. Then the listing and what the ledger has decide.
func (c *Checker) readOne(ctx context.Context, id string) (s *seen, err error) {
	s = &seen{facts: c.listed(id), listed: true}
	if !c.noReads.Load() {
		facts, err := c.o.Market.Order(ctx, id)
		switch {
		case err == nil:
			s.facts, s.listed = facts, false
		case !answered(err):
			return s, err
		case s.facts.ID != "" && isCode(err, order.CodeNotFound):
			c.noReads.Store(true) // it lists the order, and does not read it
		}
	}
	if status := s.facts.Status; status.Known() && !status.TakesMessages() {
		return s, nil // an order in an unknown status may have a thread
	}
	s.asked = time.Now()
	thread, err := c.o.Market.Messages(ctx, id)
	if err != nil && !answered(err) {
		return s, err
	}
	s.thread = thread
	return s, nil
}

// answered reports whether the marketplace has answered and would answer the same again.
func answered(err error) bool {
	f, ok := errors.AsType[*order.Failure](err)
	return ok && (f.Class == order.Fail || f.Code == order.CodeThreadTooLarge)
}

func isCode(err error, code order.Code) bool {
	f, ok := errors.AsType[*order.Failure](err)
	return ok && f.Code == code
}

// adopt writes into the ledger what it lacks. In a reconcile each live order counts as
// one whose spending is unknown.
func (c *Checker) adopt(ctx context.Context, open []string) error {
	for _, id := range open {
		s := c.seen[id]
		var err error
		switch {
		case s.facts.ID == "" || !s.missing.Any() && c.why == "":
			continue
		case s == asRecorded:
			err = c.o.Store.Adopt(order.Adoption{OrderID: id, Restored: true})
		default:
			err = c.adoptOne(ctx, id, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Checker) adoptOne(ctx context.Context, id string, s *seen) error {
	o, err := c.o.Store.Order(ctx, id)
	if err != nil {
		return err
	}
	if s.thread != nil {
		// It opens the pieces that the client has asked for.
		if err := c.o.Intake.ShowThread(ctx, id, s.thread, s.asked); err != nil {
			return err
		}
	}
	pieces, err := c.o.Store.Pieces(ctx, id)
	if err != nil {
		return err
	}
	if len(pieces) == 0 {
		pieces = []order.Piece{{OrderID: id, Number: 1}} // it may have been made from the brief
	}
	now, _, err := c.o.Store.Record(ctx, id)
	if err != nil {
		return err
	}
	a := adopting{
		record: now, missing: s.missing, pieces: pieces, messages: unsent(now, s.thread), restored: c.why != "",
		write: func(piece int, links []string) string { return c.o.PieceText(o, piece, links) },
	}.adoption()
	if err := c.o.Store.Adopt(a); err != nil {
		return err
	}
	c.o.Log.Debug("an order was compared", "order", id, "rounds", a.Rounds, "files", len(a.Files), "messages", len(s.missing.Messages),
		"queued", len(a.Sent), "pieces", len(a.Pieces))
	facts := s.facts
	if s.listed { // the poll has brought the rest of the row into the ledger
		facts = rowOf(&facts).over(o.Facts)
	}
	return c.o.Intake.Show(ctx, facts)
}
