package store

import (
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

// block starts the store with a configuration that blocks clients.
func block(t *testing.T, s *Store, ids ...string) {
	t.Helper()
	if err := s.Configure(order.Configured{Digest: "1", Services: []order.Sending{auto}, Clients: order.ClientRules{Block: ids}}); err != nil {
		t.Fatal(err)
	}
}

// ofClient returns a paid order of a client.
func ofClient(t *testing.T, s *Store, id, wallet string) {
	t.Helper()
	f := facts(id, order.Paid)
	f.ClientWallet, f.Raw = wallet, []byte(`{"id":"`+id+`","client":"`+wallet+`"}`)
	apply(t, s, batch(f))
}

// TestABlockHoldsWhatIsNotSent guards that a block takes effect at the next start or reload
// on work in every stage, apart from what is being sent, and that it ends without news
// from the marketplace.
func TestABlockHoldsWhatIsNotSent(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	made(t, s, "upload", auto, order.StageUpload)
	made(t, s, "deliver", auto, order.StageDeliver)
	made(t, s, "sending", auto, order.StageDeliver)
	pricedIn(t, s, "quote", auto)
	for {
		j := take(t, s, order.LaneNetwork)
		if j.OrderID == "sending" {
			if err := s.Intend(j, []string{"https://x/a.png"}); err != nil {
				t.Fatal(err)
			}
			finish(t, s, order.Done{Job: j, Failure: order.Failf(order.Wait, order.CodeSettling, "no answer")})
			break
		}
		finish(t, s, order.Done{Job: j, Failure: order.Failf(order.Wait, order.CodeBudget, "not yet"), RunAt: time.Now().Add(day)})
	}
	paid(t, s, "generate")
	paid(t, s, "other")
	db := outside(t, s.dir)
	mustExec(t, db, "UPDATE orders SET client = 'pest' WHERE id <> 'other'")
	states := func() string {
		return scan[string](t, s.reads, "SELECT group_concat(id || ' ' || state || ' ' || code, ', ') FROM (SELECT * FROM orders ORDER BY id)")
	}
	const working = "deliver working , generate working , other working , quote working , sending working , upload working "
	if got := states(); got != working {
		t.Fatalf("before it they are %s", got)
	}
	block(t, s, "pest")
	block(t, s, "pest") // the second start finds nothing to do
	const blocked = "deliver held client_blocked, generate held client_blocked, other working , quote held client_blocked, sending working , upload held client_blocked"
	if got := states(); got != blocked {
		t.Errorf("blocked they are %s", got)
	}
	if o := getOrder(t, s, "generate"); !strings.Contains(o.Hint, "orders approve generate") {
		t.Errorf("the hint is %q", o.Hint)
	}
	owner := openOwner(t, s.dir)
	for _, id := range []string{"generate", "quote"} {
		if err := owner.Approve(t.Context(), id, 0); err != nil {
			t.Error(err)
		}
	}
	block(t, s, "pest")
	if got, want := states(), strings.NewReplacer("generate held client_blocked", "generate working ", "quote held client_blocked", "quote working ").Replace(blocked); got != want {
		t.Errorf("approved they are %s, want %s", got, want)
	}
	block(t, s)
	if got := states(); got != working {
		t.Errorf("unblocked they are %s", got)
	}
	if err := owner.Approve(t.Context(), "other", 0); err == nil {
		t.Error("an order that waits for nothing was approved")
	}
}

// TestTheCostOfAClientHasALimit guards the limit over all orders of a client, and that one
// which the owner has approved is free of it.
func TestTheCostOfAClientHasALimit(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	call := func(id, wallet string) error {
		t.Helper()
		ofClient(t, s, id, wallet)
		j := take(t, s, order.LaneGenerate)
		_, err := s.BeginCall(j, order.NewCall{Generator: "studio", Price: 40_000, Caps: order.Caps{Client: 100_000}})
		finish(t, s, order.Done{Job: j, Failure: order.Failf(order.Hold, order.CodeClientCost, "held")})
		return err
	}
	for id, wallet := range map[string]string{"a1": "a", "a2": "a", "b1": "b", "x1": "", "x2": "", "x3": ""} {
		if err := call(id, wallet); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if err := call("a3", "a"); err == nil || !strings.Contains(err.Error(), "$0.08 is spent, the limit is $0.10") {
		t.Errorf("a third call for one client: %v", err)
	}
	db := outside(t, s.dir)
	mustExec(t, db, "UPDATE books SET day = date('now', '-29 days') WHERE order_id = 'a1'")
	if err := call("a4", "a"); err == nil {
		t.Error("what was spent 29 days ago does not count")
	}
	mustExec(t, db, "UPDATE books SET day = date('now', '-30 days') WHERE order_id = 'a1'")
	if err := call("a5", "a"); err != nil {
		t.Errorf("what was spent 30 days ago counts: %v", err)
	}
	if err := openOwner(t, s.dir).Approve(t.Context(), "a3", 0); err != nil {
		t.Fatal(err)
	}
	j := take(t, s, order.LaneGenerate)
	if _, err := s.BeginCall(j, order.NewCall{Generator: "studio", Price: 40_000, Caps: order.Caps{Client: 100_000}}); err != nil || j.OrderID != "a3" {
		t.Errorf("%s was approved: %v", j.OrderID, err)
	}
}

// TestTheFirstOrdersOfAClientAreAhead guards the order in which a client's orders are
// worked on: held ones and those of others keep nobody waiting.
func TestTheFirstOrdersOfAClientAreAhead(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	for _, id := range []string{"o1", "o2", "o3", "o4"} {
		ofClient(t, s, id, "a")
	}
	ofClient(t, s, "o0", "b")
	mustExec(t, outside(t, s.dir), "UPDATE orders SET state = 'held' WHERE id = 'o2'")
	for id, want := range map[string]int{"o0": 0, "o1": 0, "o2": 1, "o3": 1, "o4": 2} {
		if n, err := s.ClientAhead(t.Context(), id); err != nil || n != want {
			t.Errorf("%d are ahead of %s, %v; want %d", n, id, err, want)
		}
	}
}

// TestAnOrderWithoutWorkIsApproved guards the order that was held before anything was begun,
// and that the approval is kept.
func TestAnOrderWithoutWorkIsApproved(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	for _, code := range order.ClientCodes() {
		id := string(code)
		decided(t, s, facts(id, order.Paid), order.Decision{State: order.StateHeld, Code: code})
		if err := openOwner(t, s.dir).Approve(t.Context(), id, 0); err != nil {
			t.Fatal(err)
		}
		if o := getOrder(t, s, id); o.State != order.StateWaiting || !o.ClientApproved {
			t.Errorf("%s: it is %+v", code, o)
		}
	}
}
