package reconcile

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"atelierd/internal/order"
)

// TestTheGateKeepsWhatIsComparedOfEveryLiveOrder guards a restore at a marketplace that
// reads no single order: what is not kept of the listing is not compared.
func TestTheGateKeepsWhatIsComparedOfEveryLiveOrder(t *testing.T) {
	t.Parallel()
	g := NewGate(nil)
	const parts, rows = 20, 500
	facts := func(i int) order.Facts {
		return order.Facts{
			ID: fmt.Sprint("o", i), Status: order.Delivered, Shown: order.ShownFiles, Deliverables: []string{fmt.Sprint("file", i)},
			RevisionCount: count(i), WorkspaceExpiresAt: time.Unix(int64(i+1), 0),
		}
	}
	for part := range parts {
		l := order.Listing{More: part < parts-1}
		for i := range rows {
			f := facts(part*rows + i)
			f.Brief, f.Raw = "a fox", []byte("{}")
			l.Orders = append(l.Orders, f)
		}
		l.Orders = append(l.Orders, order.Facts{ID: "ended", Status: order.Completed})
		g.Polled(l, true)
	}
	for i := range parts * rows {
		if got, want := g.listed(fmt.Sprint("o", i)), facts(i); !reflect.DeepEqual(got, want) {
			t.Fatalf("row %d is %+v, want %+v", i, got, want)
		}
	}
	if got := g.listed("ended"); got.ID != "" {
		t.Errorf("an order that has ended is kept: %+v", got)
	}
}

func TestARowReplacesOnlyWhatItShows(t *testing.T) {
	t.Parallel()
	stored := order.Facts{
		ID: "o1", Brief: "a fox", Raw: []byte("{}"), Status: order.Delivered, Shown: order.ShownFiles,
		Deliverables: []string{"a"}, RevisionCount: count(1), WorkspaceExpiresAt: time.Unix(1, 0),
	}
	got := rowOf(&order.Facts{Status: order.Paid}).over(stored)
	if want := (order.Facts{ID: "o1", Brief: "a fox", Raw: []byte("{}"), Status: order.Paid}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestOnlyWhatTheLedgerLacksIsKeptOfAnOrder(t *testing.T) {
	t.Parallel()
	before := earlier{record: order.Record{OrderID: "o1", Status: order.Delivered, Settled: true, Files: []string{"a"}}, ok: true}
	shown := func(files ...string) *seen {
		return &seen{facts: order.Facts{ID: "o1", Status: order.Delivered, Shown: order.ShownFiles, Deliverables: files}}
	}
	c := &Checker{Gate: NewGate(nil), o: Options{Store: &before}}
	keep := func(s *seen) *seen {
		kept, err := c.keep(t.Context(), "o1", s)
		if err != nil {
			t.Fatal(err)
		}
		return kept
	}
	if keep(shown("a")) != asRecorded {
		t.Error("what the ledger has is kept")
	}
	if s := keep(shown("a", "b")); len(s.missing.Files) != 1 {
		t.Errorf("a file that the ledger lacks is kept as %+v", s.missing)
	}
	if keep(new(seen)) == asRecorded {
		t.Error("an order that is not shown counts as recorded")
	}
	before = earlier{}
	if s := keep(shown("a")); s.missing.Rounds != 1 {
		t.Errorf("what the first poll has written, although the ledger lacked it, is kept as %+v", s.missing)
	}
}

// earlier is what a ledger had of its one order.
type earlier struct {
	Store
	record order.Record
	ok     bool
}

func (e *earlier) Before(context.Context, string) (order.Record, bool, error) {
	return e.record, e.ok, nil
}
