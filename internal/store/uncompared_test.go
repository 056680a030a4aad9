package store

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
)

// TestWhatAProcessTakesOverUncomparedIsNoRecord guards the comparison, which is
// with what the ledger had, also in the next process.
func TestWhatAProcessTakesOverUncomparedIsNoRecord(t *testing.T) {
	t.Parallel()
	message := order.Message{ID: "m1", Party: order.PartyAgent, Text: "here it is", At: placed}
	for name, take := range map[string]func(t *testing.T, s *Store){
		"a listing": func(t *testing.T, s *Store) {
			f := facts("o1", order.Delivered)
			f.Deliverables = []string{"https://x/1.png"}
			apply(t, s, batch(f))
			f.Deliverables = append(f.Deliverables, "https://x/2.png")
			apply(t, s, batch(f))
		},
		"a thread": func(t *testing.T, s *Store) {
			if _, err := s.ApplyThread(order.Thread{OrderID: "o1", Messages: []order.Message{message}}); err != nil {
				t.Fatal(err)
			}
		},
		"a look before a delivery": func(t *testing.T, s *Store) {
			finish(t, s, order.Done{Job: toDeliver(t, s, "o1"), Result: order.Result{Delivery: order.DeliveryElsewhere}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openNew(t, Options{})
			paid(t, s, "o1")
			want, _, err := s.Record(t.Context(), "o1")
			if err != nil {
				t.Fatal(err)
			}
			boot(t, s)
			take(t, s)
			if got := before(t, s, "o1"); !reflect.DeepEqual(got, want) {
				t.Errorf("the record is %+v, want that of before: %+v", got, want)
			}
			boot(t, s)
			if got := before(t, s, "o1"); !reflect.DeepEqual(got, want) {
				t.Errorf("after another start the record is %+v, want that of before: %+v", got, want)
			}
			if err := s.Compared(nil); err != nil {
				t.Fatal(err)
			}
			boot(t, s)
			if got := before(t, s, "o1"); reflect.DeepEqual(got, want) {
				t.Errorf("after the comparison the record is still %+v", got)
			}
		})
	}
}

// TestANewOrderThatShowsSomethingDoneHasNoRecord guards orders that a restored ledger has
// forgotten.
func TestANewOrderThatShowsSomethingDoneHasNoRecord(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	boot(t, s)
	f := facts("o2", order.Delivered)
	f.Deliverables = []string{"https://x/1.png"}
	apply(t, s, batch(facts("o1", order.Paid), f))
	if got, want := before(t, s, "o2"), (order.Record{OrderID: "o2", Status: order.Delivered}); !reflect.DeepEqual(got, want) {
		t.Errorf("the record is %+v, want %+v", got, want)
	}
}

// TestTheTimeOfAnUncomparedLedgerIsThatOfItsNewestEvent guards what the owner is shown:
// since when the ledger lacks something.
func TestTheTimeOfAnUncomparedLedgerIsThatOfItsNewestEvent(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		s := openNew(t, Options{Dir: dir})
		defer s.Close()
		ends := func() time.Time {
			t.Helper()
			l, err := s.Ledger(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return l.LastAt
		}
		boot(t, s)
		if at := ends(); !at.IsZero() {
			t.Errorf("a ledger without events ends at %v", at)
		}
		paid(t, s, "o1")
		apply(t, s, batch(facts("o1", order.InProgress)))
		want := ends()
		for _, status := range []order.Status{order.Paid, order.Delivered} {
			time.Sleep(time.Hour)
			boot(t, s)
			apply(t, s, batch(facts("o1", status)))
			if at := ends(); !at.Equal(want) {
				t.Errorf("the uncompared ledger ends at %v, want %v", at, want)
			}
		}
		if err := s.Reconciled("all", []order.Window{{Scope: order.ScopeAll, Used: 7, EndsAt: time.Now()}}, nil); err != nil {
			t.Fatal(err)
		}
		if at := ends(); !at.Equal(time.Now().UTC()) {
			t.Errorf("once it is reconciled, the ledger ends at %v, want now", at)
		}
		if w, err := s.Windows(t.Context()); err != nil || len(w) != 1 || w[0].Used != 7 {
			t.Errorf("the windows are %+v, %v", w, err)
		}
	})
}

func boot(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Boot(order.Boot{}); err != nil {
		t.Fatal(err)
	}
}

// before returns what the ledger had of an order, or the zero value.
func before(t *testing.T, s *Store, id string) order.Record {
	t.Helper()
	r, _, err := s.Before(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
