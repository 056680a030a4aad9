package reconcile

import (
	"context"
)

// This file is about orders of a restored ledger that could not be read when it was
// reconciled. Only their threads show what was written to their clients, so no new work
// on them begins until they are read.

// readLate reads the orders that could not be read, and takes over what they show. It
// resumes once more what an attempt has held that asked the gate just before.
func (c *Checker) readLate(ctx context.Context) {
	if c.resumeAgain {
		if err := c.o.Store.Compared(c.unreadOrders()); err != nil {
			c.o.Log.Warn("write to the store failed", "error", err)
			return
		}
		c.resumeAgain = false
	}
	for _, id := range c.unreadOrders() {
		if err := c.readLateOne(ctx, id); err != nil && ctx.Err() == nil {
			c.o.Log.Debug("an order still cannot be read", "order", id, "error", err)
		}
	}
}

func (c *Checker) readLateOne(ctx context.Context, id string) error {
	s, err := c.readOne(ctx, id)
	if err != nil {
		return err
	}
	now, known, err := c.o.Store.Record(ctx, id)
	if err != nil {
		return err
	}
	if known && !now.Status.Ended() {
		if s.facts.ID == "" { // it reads no single order, and the listing is forgotten
			o, err := c.o.Store.Order(ctx, id)
			if err != nil {
				return err
			}
			s.facts, s.listed = o.Facts, false
		}
		s.missing = Lacks(now, s.facts, s.thread)
		s.missing.OrderID = id
		if err := c.adoptOne(ctx, id, s); err != nil {
			return err
		}
	}
	return c.nowRead(id)
}

// nowRead lets the work on orders begin that could not be read.
func (c *Checker) nowRead(ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	for _, id := range ids {
		c.setUnread(id, false) // first, because what resumes asks the gate
	}
	if err := c.o.Store.Compared(c.unreadOrders()); err != nil {
		for _, id := range ids {
			c.setUnread(id, true)
		}
		return err
	}
	c.resumeAgain = true
	c.o.Log.Info("work on orders begins that could not be read after the restore", "orders", ids)
	return nil
}
