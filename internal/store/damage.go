package store

import (
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// column is a time of a row, with the column's name.
type column struct {
	name string
	at   utc.Time
}

// damage names the columns that cannot be read, or is empty if all can.
func damage(columns ...column) string {
	all := ""
	for _, c := range columns {
		if c.at.Bad != "" {
			all = joinDamage(all, fmt.Sprintf("%s is %.40q", c.name, c.at.Bad))
		}
	}
	return all
}

func joinDamage(all, one string) string {
	if all == "" {
		return one
	}
	return all + ", " + one
}

// damagedJob is what can be read of a damaged row of jobs.
type damagedJob struct {
	id      int64
	orderID string
	kind    order.Kind
	round   int64
}

// holdDamaged holds a job whose row cannot be read, so that the other jobs of its lane
// run. The bad columns become the current time, so that a retry can lease the job.
func (t *tx) holdDamaged(j damagedJob, what string) error {
	f := order.Failf(order.Hold, order.CodeRowDamaged, "row %d of jobs in the database cannot be read: %s", j.id, what).
		WithHint("check the disk, then %s", order.Command("orders retry", j.orderID))
	if err := t.HoldDamagedJob(noCancel, query.HoldDamagedJobParams{Reason: f.Error(), Hint: f.Hint, Now: t.now, ID: j.id}); err != nil {
		return err
	}
	return t.needsOwner(1, nil, order.Job{OrderID: j.orderID, Kind: j.kind, Round: int(j.round)}, order.StateHeld, f)
}

// nextRunAt returns when the next job of the lane may run, or zero if there is none.
// Jobs whose time cannot be read are held.
func (t *tx) nextRunAt(lane order.Lane) (time.Time, error) {
	for {
		next, err := t.NextRunAt(noCancel, lane)
		if err != nil || len(next) == 0 {
			return time.Time{}, err
		}
		r := next[0]
		what := damage(column{"run_at", r.RunAt}, column{"not_before", r.NotBefore})
		if what == "" {
			return laterOf(r.RunAt, r.NotBefore), nil
		}
		if err := t.holdDamaged(damagedJob{r.ID, r.OrderID, r.Kind, r.Round}, what); err != nil {
			return time.Time{}, err
		}
	}
}

// laterOf returns the later of two times of a row.
func laterOf(a, b utc.Time) time.Time {
	if b.After(a.Time) {
		return b.Time
	}
	return a.Time
}

// orderDamage names the times of an order that cannot be read.
func orderDamage(r query.Order) string {
	return damage(column{"created_at", r.CreatedAt}, column{"due_at", r.DueAt}, column{"seen_at", r.SeenAt},
		column{"delivered_at", r.DeliveredAt}, column{"review_deadline_at", r.ReviewDeadlineAt},
		column{"completed_at", r.CompletedAt}, column{"window_ends_at", r.WindowEndsAt})
}
