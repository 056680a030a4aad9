package view

import (
	"context"
	"slices"
	"time"

	"atelierd/internal/store"
)

// Inbox is what clients wrote last, one row for each order.
type Inbox struct {
	// Waiting is how many clients wait for an answer.
	Waiting int
	// ReadAt is when the threads were read: no one is older. It is zero if that is not known.
	ReadAt time.Time
	Rows   []InboxRow
	// Next is the row before the first of the next page; zero if there is none.
	Next store.Wrote
	// Open are the orders that wait for a price of the owner, and those that their client
	// disputes.
	Open []Row
}

// InboxRow is an order whose client has written.
type InboxRow struct {
	Row
	Text  string
	At    time.Time
	Waits bool
}

// mostWaiting is how many clients who wait are listed, on pages of their own.
const mostWaiting = 500

// Inbox reads what clients wrote, the newest first: those after the given row, at most so
// many. waiting is for those who wait for an answer alone.
func (r Reader) Inbox(ctx context.Context, waiting bool, after store.Wrote, most int) (v Inbox, err error) {
	wait, err := r.Store.WaitingClients(ctx, mostWaiting)
	if err != nil {
		return v, err
	}
	if v.Waiting, err = r.Store.CountWaitingClients(ctx); err != nil {
		return v, err
	}
	if v.ReadAt, err = r.Store.ThreadsReadAt(ctx); err != nil {
		return v, err
	}
	list := slices.DeleteFunc(slices.Clone(wait), func(w store.Wrote) bool {
		return !after.At.IsZero() && (w.At.After(after.At) || w.At.Equal(after.At) && w.OrderID >= after.OrderID)
	})
	if !waiting {
		if list, err = r.Store.ClientsWrote(ctx, after, most+1); err != nil {
			return v, err
		}
	}
	if len(list) > most {
		list = list[:most]
		v.Next = list[most-1]
	}
	ids := make([]string, len(list))
	for i, w := range list {
		ids[i] = w.OrderID
	}
	rows, err := r.rowsOf(ctx, ids)
	if err != nil {
		return v, err
	}
	for _, w := range list {
		at := slices.IndexFunc(rows, func(row Row) bool { return row.ID == w.OrderID })
		if at < 0 {
			continue // it is there, or its row cannot be read
		}
		waits := slices.ContainsFunc(wait, func(o store.Wrote) bool { return o.OrderID == w.OrderID })
		v.Rows = append(v.Rows, InboxRow{rows[at], w.Text, w.At, waits})
	}
	lines, err := r.Store.OrdersToAnswer(ctx)
	if err != nil {
		return v, err
	}
	v.Open, err = r.withPictures(ctx, lines)
	return v, err
}

// rowsOf reads orders by their ids.
func (r Reader) rowsOf(ctx context.Context, ids []string) ([]Row, error) {
	lines, err := r.Store.Lines(ctx, ids)
	if err != nil {
		return nil, err
	}
	return r.withPictures(ctx, lines)
}

func (r Reader) withPictures(ctx context.Context, lines []store.Line) ([]Row, error) {
	list := make([]Line, len(lines))
	for i, l := range lines {
		list[i] = viewLine(l)
	}
	return reading{cfg: r.Config(), store: r.Store, now: r.now()}.rows(ctx, list, nil)
}
