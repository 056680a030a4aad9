package store

import (
	"context"
	"errors"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// Match returns the orders that fit a filter, the oldest first, at most so many.
func (s *Store) Match(ctx context.Context, f order.Filter, most int) ([]order.Match, error) {
	p := query.MatchOrdersParams{
		State: string(f.State), Code: string(f.Code), Service: f.Service, Client: f.Client,
		SinceAt: utc.At(f.Since), BeforeAt: utc.At(f.Before), Most: int64(most),
	}
	if f.Since.IsZero() { // which would be NULL
		p.SinceAt = utc.At(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC))
	}
	if f.Before.IsZero() {
		p.BeforeAt = utc.At(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))
	}
	rows, err := s.read.MatchOrders(ctx, p)
	list := make([]order.Match, len(rows))
	for i, r := range rows {
		list[i] = order.Match{ID: r.ID, Service: r.Service, State: r.State, Code: r.Code, Generates: int(r.Generates), Spent: order.USD(r.Spent)}
		if r.PriceUsdMicros != nil {
			net := *r.PriceUsdMicros - order.Fee(*r.PriceUsdMicros, r.FeeUsdMicros, r.ClientType)
			list[i].Net = &net
		}
	}
	return list, err
}

// errPreview undoes a transaction that would have succeeded.
var errPreview = errors.New("only a preview")

// Rehearse calls try with an Owner whose actions are all undone, in one transaction. An
// action returns the error that it would have.
func (o Owner) Rehearse(try func(Owner)) error {
	err := o.writer.do(&request{name: "rehearse", by: o.By, fn: func(t *tx) error {
		in := o
		in.in = t
		try(in)
		return errPreview
	}})
	if errors.Is(err, errPreview) {
		return nil
	}
	return err
}

// undone runs fn and undoes what it has changed.
func (t *tx) undone(fn func(*tx) error) error {
	if _, err := t.db.ExecContext(noCancel, "SAVEPOINT rehearsal"); err != nil {
		return err
	}
	lines, changed := t.lines, t.changed
	failed := fn(t)
	t.lines, t.changed = lines, changed
	for _, end := range []string{"ROLLBACK TO rehearsal", "RELEASE rehearsal"} {
		if _, err := t.db.ExecContext(noCancel, end); err != nil {
			return err
		}
	}
	return failed
}

// Preview returns an Owner whose transactions are undone: an action returns the error that
// it would have.
func (o Owner) Preview() Owner {
	o.preview = true
	return o
}
