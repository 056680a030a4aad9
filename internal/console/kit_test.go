package console

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
)

// decide is a small version of the intake's decision.
func decide(k order.Known, f order.Facts) order.Decision {
	d := order.Decision{State: order.StateWorking, Service: f.ServiceTitle, DueAt: f.CreatedAt.Add(3 * time.Hour)}
	switch {
	case f.Status == order.Completed:
		d.State = order.StateCompleted
	case f.Status == order.Delivered:
		d.State = order.StateDelivered
	case f.Status == order.PendingQuote:
		d.State, d.Code, d.Reason = order.StateHeld, order.CodeQuoteNeeded, "name a price"
	case f.ServiceTitle == "Murals":
		d.State, d.Code, d.Reason = order.StateHeld, order.CodeNoService, `it names "Murals", which is not configured`
	case k.Job == "":
		d.Jobs = order.JobsOpen
	}
	return d
}

// place has the marketplace list an order.
func (s *site) place(f order.Facts) {
	s.Helper()
	if f.CreatedAt.IsZero() {
		f.CreatedAt = time.Now().Add(-time.Hour)
	}
	if f.ServiceTitle == "" {
		f.ServiceTitle = "Images"
	}
	if f.Raw == nil {
		f.Raw = []byte("{}")
	}
	_, err := s.store.Apply(order.Batch{
		Listing: order.Listing{Orders: []order.Facts{f}}, Mark: 1 << 60, Decide: decide,
		Vanished: func(order.Known) order.Decision { return order.Decision{} },
	})
	if err != nil {
		s.Fatal(err)
	}
}

// work runs the next stage of a lane with an outcome.
func (s *site) work(lane order.Lane, result order.Result, failure *order.Failure) {
	s.Helper()
	turn, err := s.store.Turn(nil, lane, true, time.Minute)
	if err != nil || turn.Job == nil {
		s.Fatal("no job is due", err)
	}
	if _, err = s.store.Turn(&order.Done{Job: *turn.Job, Result: result, Failure: failure}, lane, false, time.Minute); err != nil {
		s.Fatal(err)
	}
}

// review places an order that waits for approval.
func (s *site) review(id, brief string) {
	s.Helper()
	s.place(order.Facts{ID: id, Status: order.Paid, Brief: brief, Price: dollars(12)})
	s.work(order.LaneGenerate, order.Result{Next: order.StageUpload, Hold: order.Failf(order.Hold, order.CodeReview, "look at it")}, nil)
}

func dollars(n int) *order.USD {
	u := order.USD(n) * order.Dollar
	return &u
}

// exec changes the ledger from outside.
func (s *site) exec(statement string, args ...any) {
	s.Helper()
	execIn(s.T, s.dir, statement, args...)
}

func execIn(tb testing.TB, dir, statement string, args ...any) {
	tb.Helper()
	dsn := url.URL{Scheme: "file", Opaque: filepath.Join(dir, store.FileName), RawQuery: "_pragma=busy_timeout(10000)"}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(tb.Context(), statement, args...); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}
