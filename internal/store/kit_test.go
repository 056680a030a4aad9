package store

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/testdir"
)

const (
	day   = 24 * time.Hour
	lease = time.Minute
)

// mark is newer than every event, so that no listing counts as old.
const mark = 1 << 60

var placed = time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC)

// template is a folder with an empty, migrated database.
var template = testdir.Template{
	Files: []string{FileName},
	Make: func(dir string) error {
		s, err := Open(Options{Dir: dir})
		if err != nil {
			return err
		}
		return s.Close()
	},
}

// newDir returns a copy of the template.
func newDir(tb testing.TB) string { return template.New(tb) }

func openNew(tb testing.TB, o Options) *Store {
	tb.Helper()
	if o.Dir == "" {
		o.Dir = newDir(tb)
	}
	s, err := Open(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

func facts(id string, status order.Status) order.Facts {
	return order.Facts{
		ID: id, Status: status, ServiceTitle: "Images", Brief: "a cat on a roof", CreatedAt: placed,
		Raw: fmt.Appendf(nil, `{"id":%q,"status":%q}`, id, status),
	}
}

// decide is a small version of the intake's decision.
func decide(k order.Known, f order.Facts) order.Decision {
	d := order.Decision{State: order.StateWaiting, Service: f.ServiceTitle, Round: k.Round, DueAt: f.CreatedAt.Add(time.Hour)}
	switch f.Status {
	case order.Paid:
		d.State = order.StateWorking
		if k.Job == "" {
			d.Jobs = order.JobsOpen
		}
	case order.Delivered:
		d.State = order.StateDelivered
	case order.Completed:
		d.State, d.Jobs = order.StateCompleted, order.JobsClose
	case order.Cancelled:
		d.State, d.Jobs, d.Reason = order.StateCancelled, order.JobsClose, "cancelled by the client"
	}
	return d
}

func vanished(order.Known) order.Decision {
	return order.Decision{State: order.StateHeld, Code: order.CodeVanished, Reason: "no longer listed", Jobs: order.JobsHold}
}

func batch(list ...order.Facts) order.Batch {
	return order.Batch{Listing: order.Listing{Orders: list}, Mark: mark, Decide: decide, Vanished: vanished}
}

func apply(tb testing.TB, s *Store, b order.Batch) order.Applied {
	tb.Helper()
	sum, err := s.Apply(b)
	if err != nil {
		tb.Fatal(err)
	}
	return sum
}

func paid(tb testing.TB, s *Store, ids ...string) {
	tb.Helper()
	var list []order.Facts
	for _, id := range ids {
		list = append(list, facts(id, order.Paid))
	}
	apply(tb, s, batch(list...))
}

func turn(tb testing.TB, s *Store, done *order.Done, lane order.Lane, more bool) order.Turn {
	tb.Helper()
	t, err := s.Turn(done, lane, more, lease)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// take leases the next job of the lane, which must be there.
func take(tb testing.TB, s *Store, lane order.Lane) order.Job {
	tb.Helper()
	t := turn(tb, s, nil, lane, true)
	if t.Job == nil {
		tb.Fatalf("no job is due in lane %s", lane)
	}
	return *t.Job
}

func finish(tb testing.TB, s *Store, d order.Done) order.Turn {
	tb.Helper()
	return turn(tb, s, &d, d.Job.Stage.Lane(), false)
}

// toDeliver brings an order's job to the deliver stage, with one file, and leases it.
func toDeliver(tb testing.TB, s *Store, id string) order.Job {
	tb.Helper()
	paid(tb, s, id)
	j := take(tb, s, order.LaneGenerate)
	finish(tb, s, order.Done{Job: j, Result: order.Result{Next: order.StageUpload, Artifacts: []order.Artifact{
		{Path: "artifacts/a.png", Name: "a.png", Bytes: 3, SHA256: "00", MIME: "image/png", Media: "image"},
	}}})
	j = take(tb, s, order.LaneNetwork)
	finish(tb, s, order.Done{Job: j, Result: order.Result{Next: order.StageDeliver}})
	return take(tb, s, order.LaneNetwork)
}

func getOrder(tb testing.TB, s *Store, id string) order.Order {
	tb.Helper()
	o, err := s.Order(tb.Context(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

// job returns an order with its current job, as the file has them.
func job(tb testing.TB, s *Store, id string) Line {
	tb.Helper()
	lines, err := s.Orders(tb.Context(), "all", 1000)
	if err != nil {
		tb.Fatal(err)
	}
	for _, l := range lines {
		if l.ID == id {
			return l
		}
	}
	tb.Fatalf("order %s is not in the file", id)
	return Line{}
}

// outcomes returns the outcomes of an order's attempts, the first first.
func outcomes(tb testing.TB, s *Store, id string) []string {
	tb.Helper()
	h, err := s.History(tb.Context(), id)
	if err != nil {
		tb.Fatal(err)
	}
	var list []string
	for _, a := range h.Attempts {
		list = append(list, fmt.Sprintf("%s %d %s", a.Stage, a.Number, a.Outcome))
	}
	return list
}

// abandon ends a store as the death of its process would: it writes nothing more,
// and the kernel releases the lock.
func abandon(tb testing.TB, s *Store) {
	tb.Helper()
	if err := errors.Join(s.writer.close(), s.reads.Close(), s.db.Close(), s.lock.release()); err != nil {
		tb.Fatal(err)
	}
}

// outside returns a connection of another program to the database of dir.
func outside(tb testing.TB, dir string) *sql.DB {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, FileName)+"?_pragma=busy_timeout(5000)")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	return db
}

func mustExec(tb testing.TB, db *sql.DB, statement string, args ...any) {
	tb.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}

func scan[T any](tb testing.TB, db *sql.DB, statement string, args ...any) T {
	tb.Helper()
	var v T
	if err := db.QueryRow(statement, args...).Scan(&v); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
	return v
}
