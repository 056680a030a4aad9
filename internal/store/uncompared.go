package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// This file keeps what the ledger had of an order before a process that has not
// compared it with the marketplace took over what is shown there. If the process dies,
// the next one compares with that: what was taken over would hide a restore.

// Compared records that the ledger was compared with the marketplace, but for the unread
// orders. Work that was held until then resumes.
func (s *Store) Compared(unread []string) error {
	return s.write("compared", func(t *tx) error { return t.compared(unread) })
}

func (t *tx) compared(unread []string) error {
	if err := t.keepBefore(unread...); err != nil {
		return err
	}
	if err := t.ForgetUncompared(noCancel, order.EncodeStrings(unread)); err != nil {
		return err
	}
	held, err := t.HeldFor(noCancel, order.EncodeStrings([]order.Code{order.CodeUncompared}))
	if err != nil {
		return err
	}
	for _, j := range held {
		if slices.Contains(unread, j.OrderID) {
			continue
		}
		if err := t.resume(j, ""); err != nil {
			return err
		}
	}
	return t.SetCompared(noCancel)
}

// keepBefore keeps what the ledger has of orders, until it was compared with the
// marketplace. Call it before a fact from there is written.
func (t *tx) keepBefore(ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	since, err := t.UncomparedAt(noCancel)
	if err != nil || since.IsZero() {
		return err
	}
	r := recorder{t.Queries, order.EncodeStrings(ids), map[string]*order.Record{}}
	if err := r.read(noCancel, r.orders, r.deliveries, r.messages); err != nil {
		return err
	}
	for _, rec := range r.all {
		if err := t.keepRecord(*rec); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) keepRecord(r order.Record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return t.PutUncompared(noCancel, query.PutUncomparedParams{OrderID: r.OrderID, Record: string(text)})
}

// keepListed keeps what the ledger has of the orders that a listing changes, and that
// it has nothing of those that are new and show something done.
func (t *tx) keepListed(l order.Listing, known map[string]row) error {
	since, err := t.UncomparedAt(noCancel)
	if err != nil || since.IsZero() {
		return err
	}
	var changed []string
	for i := range l.Orders {
		f := &l.Orders[i]
		switch k := known[f.ID]; {
		case k.Exists && (k.Missing || k.fingerprint != fingerprintOf(f)):
			changed = append(changed, f.ID)
		case !k.Exists && (f.MayShowAct() || f.RevisionCount != nil):
			if err := t.keepRecord(order.Record{OrderID: f.ID, Status: f.Status}); err != nil {
				return err
			}
		}
	}
	return t.keepBefore(changed...)
}

// Before returns what the ledger had of an order before the first process that did not
// compare it. ok is false if it had nothing, or never had an order.
func (s *Store) Before(ctx context.Context, id string) (r order.Record, ok bool, err error) {
	since, err := s.read.UncomparedAt(ctx)
	if err != nil || since.IsZero() {
		return r, false, err
	}
	// First what it has now. That is as before unless another record is kept by then.
	if r, ok, err = s.Record(ctx, id); err != nil {
		return r, false, err
	}
	kept, err := s.read.GetUncompared(ctx, id)
	if err != nil || len(kept) == 0 {
		return r, ok, err
	}
	r = order.Record{}
	if err := json.Unmarshal([]byte(kept[0]), &r); err != nil {
		return r, false, fmt.Errorf("read what the ledger had of order %s: %w", id, err)
	}
	return r, true, nil
}

// uncompared records that the process has not compared the ledger yet, if an earlier one
// has.
func (t *tx) uncompared() error {
	at := t.now
	last, err := t.LastEventAt(noCancel)
	if err != nil {
		return err
	}
	if len(last) > 0 {
		at = last[0]
	}
	return t.SetUncompared(noCancel, at)
}
