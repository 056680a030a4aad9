package store

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"atelierd/internal/order"
)

// dump is everything the file holds that a stale worker could damage.
func dump(t *testing.T, s *Store) string {
	t.Helper()
	var text string
	for _, table := range []string{"jobs", "orders", "artifacts", "deliveries", "events"} {
		rows, err := s.reads.Query("SELECT * FROM " + table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			text += table
			for _, v := range values {
				text += fmt.Sprintf("|%v", *v.(*any))
			}
			text += "\n"
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return text
}

// stale makes an order at its deliver stage, revokes the lease and lets another
// worker take the job. It returns the first worker's job.
func stale(t *testing.T, s *Store) order.Job {
	t.Helper()
	old := toDeliver(t, s, "o1")
	mustExec(t, outside(t, s.dir), "UPDATE jobs SET state = 'ready', lease_token = '', lease_until = NULL")
	if now := take(t, s, order.LaneNetwork); now.ID != old.ID || now.Token == old.Token {
		t.Fatalf("the job was leased again as %+v after %+v", now, old)
	}
	return old
}

func TestAStaleWorkerChangesNothing(t *testing.T) {
	t.Parallel()
	lostError := func(err error) bool {
		f, ok := errors.AsType[*order.Failure](err)
		return ok && f.Class == order.Lost && errors.Is(err, order.ErrLeaseLost)
	}
	finishWith := func(r order.Result, f *order.Failure) func(*Store, order.Job) (bool, error) {
		return func(s *Store, j order.Job) (bool, error) {
			turn, err := s.Turn(&order.Done{Job: j, Result: r, Failure: f, RunAt: time.Now().Add(day)}, order.LaneNetwork, false, lease)
			return turn.Lost, err
		}
	}
	class := func(c order.Class) func(*Store, order.Job) (bool, error) {
		return finishWith(order.Result{}, order.Failf(c, "x", "stale"))
	}
	for name, write := range map[string]func(*Store, order.Job) (bool, error){
		"Turn done":      finishWith(order.Result{Delivery: order.DeliveryConfirmed}, nil),
		"Turn elsewhere": finishWith(order.Result{Delivery: order.DeliveryElsewhere}, nil),
		"Turn next stage": finishWith(order.Result{Next: order.StageDeliver, Artifacts: []order.Artifact{
			{Path: "stale.png", Name: "stale.png"},
		}}, nil),
		"Turn retry": class(order.Retry), "Turn wait": class(order.Wait), "Turn hold": class(order.Hold),
		"Turn fail": class(order.Fail), "Turn stopped": class(order.Stopped), "Turn lost": class(order.Lost),
		"Renew": func(s *Store, j order.Job) (bool, error) {
			lost, err := s.Renew([]order.Job{j}, day)
			return len(lost) == 1 && lost[0].Token == j.Token, err
		},
		"Intend": func(s *Store, j order.Job) (bool, error) {
			return lostError(s.Intend(j, []string{"https://x/stale.png"})), nil
		},
		"Withdraw": func(s *Store, j order.Job) (bool, error) { return lostError(s.Withdraw(j, "stale")), nil },
		"Uploaded": func(s *Store, j order.Job) (bool, error) {
			return lostError(s.Uploaded(j, 1, "https://x/stale.png", "video")), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openNew(t, Options{})
			old := stale(t, s)
			before := dump(t, s)
			lost, err := write(s, old)
			if err != nil {
				t.Fatal(err)
			}
			if !lost {
				t.Error("the stale worker was not told that its lease is lost")
			}
			if after := dump(t, s); after != before {
				t.Errorf("a stale worker changed the file\nbefore:\n%s\nafter:\n%s", before, after)
			}
		})
	}
}

func TestTheLeaseHolderWritesWhatAStaleWorkerMayNot(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	j := toDeliver(t, s, "o1")
	if lost, err := s.Renew([]order.Job{j}, day); err != nil || len(lost) != 0 {
		t.Fatalf("Renew: lost %v, %v", lost, err)
	}
	if err := errors.Join(s.Uploaded(j, 1, "https://x/a.png", "image"), s.Intend(j, []string{"https://x/a.png"}),
		s.Withdraw(j, "not sent"), s.Intend(j, []string{"https://x/a.png"})); err != nil {
		t.Fatal(err)
	}
	d, ok, err := s.Delivery(t.Context(), "o1", 0)
	want := order.Delivery{OrderID: "o1", State: order.DeliverySending, Tries: 2, URLs: []string{"https://x/a.png"}, SentAt: d.SentAt}
	if err != nil || !ok || !reflect.DeepEqual(d, want) {
		t.Fatalf("delivery %+v, %v, %v; want %+v", d, ok, err, want)
	}
	if turn := finish(t, s, order.Done{Job: j, Result: order.Result{Delivery: order.DeliveryConfirmed}}); turn.Lost {
		t.Fatal("the holder of the lease was told that it is lost")
	}
	if o := getOrder(t, s, "o1"); o.State != order.StateDelivered || o.DeliveredAt.IsZero() {
		t.Errorf("the delivered order is %s, delivered at %v", o.State, o.DeliveredAt)
	}
	files, err := s.Artifacts(t.Context(), "o1", order.KindDelivery, 0)
	if err != nil || len(files) != 1 || files[0].URL != "https://x/a.png" {
		t.Errorf("files %+v, %v", files, err)
	}
}

func TestALostAttemptIsStillWrittenDown(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	old := stale(t, s)
	if turn := finish(t, s, order.Done{Job: old, Result: order.Result{Cost: 5, Delivery: order.DeliveryConfirmed}}); !turn.Lost {
		t.Fatal("not told")
	}
	h, err := s.History(t.Context(), "o1")
	if err != nil {
		t.Fatal(err)
	}
	a := h.Attempts[2]
	if a.Outcome != "lost" || a.Cost != 5 || a.Ended.IsZero() {
		t.Errorf("the attempt that lost its lease is %+v, want its outcome and cost kept", a)
	}
}
