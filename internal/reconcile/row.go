package reconcile

import (
	"time"

	"atelierd/internal/order"
)

// row is what a listing shows of an order, as far as it is compared with the ledger.
// One is kept of each live order, so it is small.
type row struct {
	status order.Status
	done   *done // nil for an order on which nothing was done yet
}

// done is what was done on an order.
type done struct {
	files     []string
	shown     order.Shown
	revisions *int
	windowEnd time.Time
}

func rowOf(f *order.Facts) row {
	r := row{status: f.Status}
	if len(f.Deliverables) > 0 || f.Shown != order.ShownUnknown || f.RevisionCount != nil || !f.WorkspaceExpiresAt.IsZero() {
		r.done = &done{f.Deliverables, f.Shown, f.RevisionCount, f.WorkspaceExpiresAt}
	}
	return r
}

// over returns the facts of an order with those of the row.
func (r row) over(f order.Facts) order.Facts {
	f.Status = r.status
	f.Deliverables, f.Shown, f.RevisionCount, f.WorkspaceExpiresAt = nil, order.ShownUnknown, nil, time.Time{}
	if d := r.done; d != nil {
		f.Deliverables, f.Shown, f.RevisionCount, f.WorkspaceExpiresAt = d.files, d.shown, d.revisions, d.windowEnd
	}
	return f
}
