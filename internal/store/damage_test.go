package store

import (
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

func TestADamagedJobIsHeldAndTheLaneGoesOn(t *testing.T) {
	t.Parallel()
	for column, text := range map[string]string{"due_at": "+10000-01-01", "created_at": "", "run_at": "tomorrow"} {
		t.Run(column, func(t *testing.T) {
			t.Parallel()
			s := openNew(t, Options{})
			paid(t, s, "o1", "o2")
			mustExec(t, outside(t, s.dir), "UPDATE jobs SET "+column+" = ? WHERE order_id = 'o1'", text)
			if j := take(t, s, order.LaneGenerate); j.OrderID != "o2" {
				t.Errorf("leased the job of %s, want that of o2", j.OrderID)
			}
			if tn := turn(t, s, nil, order.LaneGenerate, true); tn.Job != nil || !tn.Next.IsZero() {
				t.Errorf("then the turn is %+v", tn)
			}
			o := getOrder(t, s, "o1")
			if o.State != order.StateHeld || o.Code != order.CodeRowDamaged || !strings.Contains(o.Reason, "row 1 of jobs") || !strings.Contains(o.Reason, column) {
				t.Errorf("o1 is %s %s: %s", o.State, o.Code, o.Reason)
			}
			if err := (Owner{Store: s}).Retry(t.Context(), "o1"); err != nil {
				t.Fatal(err)
			}
			if j := take(t, s, order.LaneGenerate); j.OrderID != "o1" || j.DueAt.IsZero() || j.Attempt != 1 {
				t.Errorf("after the owner's retry: %+v", j)
			}
		})
	}
}

func TestAJobThatAnEarlierVersionDatedAfter9999Runs(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1", "o2")
	mustExec(t, outside(t, s.dir), "UPDATE jobs SET due_at = '10000-01-01T11:00:00.000Z' WHERE order_id = 'o1'")
	mustExec(t, outside(t, s.dir), "UPDATE orders SET due_at = '10000-01-01T11:00:00.000Z' WHERE id = 'o1'")
	for range 2 {
		take(t, s, order.LaneGenerate)
	}
	if o := getOrder(t, s, "o1"); o.Damage != "" || o.State != order.StateWorking {
		t.Errorf("o1 is %s, %s", o.State, o.Damage)
	}
}

func TestADamagedOrderIsShownAndCanBeCancelled(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]string{"due_at = 'x'": `due_at is "x"`, "deliverables = '{}'": "deliverables is not a list"} {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			s := openNew(t, Options{})
			paid(t, s, "o1", "o2")
			mustExec(t, outside(t, s.dir), "UPDATE orders SET "+set+" WHERE id = 'o1'")
			if o := getOrder(t, s, "o1"); !strings.Contains(o.Damage, "order o1") || !strings.Contains(o.Damage, want) {
				t.Errorf("damage %q", o.Damage)
			}
			if _, err := s.Status(t.Context(), time.Time{}); err != nil {
				t.Error(err)
			}
			if l := job(t, s, "o1"); l.State != order.StateWorking {
				t.Errorf("the list shows %s", l.State)
			}
			paid(t, s, "o3")
			if err := (Owner{Store: s}).Cancel(t.Context(), "o1", ""); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnUnreadableCancellationOfTheOwnerStands(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	if err := (Owner{Store: s}).Cancel(t.Context(), "o1", ""); err != nil {
		t.Fatal(err)
	}
	mustExec(t, outside(t, s.dir), "UPDATE orders SET owner_cancelled_at = 'x'")
	b := batch(facts("o1", order.Paid))
	b.Decide = func(k order.Known, f order.Facts) order.Decision {
		if !k.OwnerCancelled {
			t.Error("the cancellation is forgotten")
		}
		return decide(k, f)
	}
	apply(t, s, b)
}
