package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// This file is what clients and the owner do in a restore drill, and what is checked.

func (d *drill) place(name string, n sandbox.NewOrder) {
	d.t.Helper()
	if n.ServiceTitle == "" {
		n.ServiceTitle = simTitle
	}
	if n.Brief == "" {
		n.Brief = name
	}
	id, err := d.market.PlaceOrder(n)
	if err != nil {
		d.t.Fatalf("%s: %v", name, err)
	}
	d.orders[name] = id
}

// must fails the drill, unless the marketplace of the guide lacks what a client does.
func (d *drill) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// sendBack has a client ask for another round: by a dispute where there are no
// revisions.
func (d *drill) sendBack(name string, dispute bool) {
	d.t.Helper()
	id := d.orders[name]
	if dispute || d.guide {
		d.must(d.market.Dispute(id, "not what I meant"))
	} else {
		d.must(d.market.RequestRevision(id, "not what I meant"))
	}
	d.must(d.market.ClientMessage(id, "not what I meant"))
}

// begin brings the orders into every state, as the copy will have them.
func (d *drill) begin() {
	for _, name := range []string{"delivered", "revised before", "revised after", "twice revised after", "disputed after", "completed after", "something indecent"} {
		d.place(name, sandbox.NewOrder{})
	}
	d.place("quoted before", sandbox.NewOrder{ServiceTitle: simQuoted, Status: "pending_quote"})
	d.place("window", sandbox.NewOrder{ServiceTitle: simWeekly})
	d.must(d.market.ClientMessage(d.orders["window"], "a red one"))
	time.Sleep(40 * time.Minute)
	d.sendBack("revised before", false)
	time.Sleep(40 * time.Minute)
	d.place("slow, in generation", sandbox.NewOrder{})
	d.place("slow, cancelled after", sandbox.NewOrder{})
	time.Sleep(11 * time.Minute)
	d.must(d.market.ClientMessage(d.orders["window"], "a blue one"))
	d.place("not polled yet", sandbox.NewOrder{})
	d.place("quote not asked for yet", sandbox.NewOrder{ServiceTitle: simQuoted, Status: "pending_quote"})
	owner, err := store.OpenOwner(d.dir, "cli:test")
	d.must(err)
	defer owner.Close()
	d.must(owner.QueueMessage(context.Background(), d.orders["delivered"], "owner-1", "do you like it?"))
}

// afterCopy is what happens after the copy was made, until nothing is left to do.
func (d *drill) afterCopy() {
	d.must(d.market.Cancel(d.orders["slow, cancelled after"]))
	for _, name := range []string{"revised after", "twice revised after"} {
		d.sendBack(name, false)
	}
	d.sendBack("disputed after", true)
	d.must(d.market.Approve(d.orders["completed after"]))
	d.must(d.market.Pay(d.orders["quoted before"]))
	d.place("placed after", sandbox.NewOrder{})
	d.place("window after", sandbox.NewOrder{ServiceTitle: simWeekly})
	d.must(d.market.ClientMessage(d.orders["window after"], "a green one"))
	time.Sleep(time.Hour)
	d.sendBack("twice revised after", false)
	time.Sleep(3 * time.Hour)
	if n := len(d.orders); n < 15 {
		d.t.Errorf("the drill has only %d orders", n)
	}
}

// done is all that was made, delivered and said so far.
func (d *drill) done() map[string]int {
	all := map[string]int{}
	d.mu.Lock()
	maps.Copy(all, d.made)
	d.mu.Unlock()
	for name, id := range d.orders {
		o, ok := d.market.Order(id)
		if !ok {
			d.t.Fatalf("%s is gone", name)
		}
		all[name+": deliveries"] = len(o.Deliveries)
		for _, delivery := range o.Deliveries {
			all[fmt.Sprintf("%s: deliveries of round %d", name, delivery.Round)]++
		}
		for _, m := range o.Messages {
			if m.From != "client" {
				all[name+": message: "+strings.Fields(m.Content)[0]+" "+m.Content]++
			}
		}
	}
	return all
}

// same checks that nothing was done since, and nothing twice.
func (d *drill) same(before map[string]int) {
	d.t.Helper()
	now := d.done()
	for _, what := range slices.Sorted(maps.Keys(now)) {
		switch {
		case strings.HasSuffix(what, ": deliveries"):
			if now[what] != before[what] {
				d.t.Errorf("%s: %d, before the restore %d", what, now[what], before[what])
			}
		case now[what] != 1 || before[what] != 1:
			d.t.Errorf("%s: %d times, before the restore %d times", what, now[what], before[what])
		}
	}
	for _, want := range []string{"delivered", "placed after", "slow, in generation", "not polled yet", "quoted before"} {
		if now[want+": deliveries"] != 1 {
			d.t.Errorf("%s: %d deliveries, want 1", want, now[want+": deliveries"])
		}
	}
}

// seesRestore checks that the owner is shown the restore.
func (d *drill) seesRestore(dir string) {
	st, err := store.OpenReader(dir)
	d.must(err)
	defer st.Close()
	l, err := st.Ledger(context.Background())
	d.must(err)
	alert, err := st.Fact(context.Background(), string(order.AlertRestored.Code()))
	d.must(err)
	if l.RestoredAt.IsZero() || l.Reconcile != "" || !strings.Contains(alert, "may lack what was done since") {
		d.t.Errorf("after the restore the ledger is %+v, and the alert is %q", l, alert)
	}
}

// accepts has the owner accept the restore. Until then the day's cap counts as reached.
func (d *drill) accepts(dir string) {
	d.place("placed last", sandbox.NewOrder{})
	d.sendBack("twice revised after", true)
	id := d.orders["twice revised after"]
	o, _ := d.market.Order(id)
	rounds := len(o.Deliveries)
	time.Sleep(2 * time.Hour)
	if o, _ := d.market.Order(d.orders["placed last"]); len(o.Deliveries) != 0 && d.cfg.Spending.Day > 0 {
		d.t.Error("a call was made on the day of the restore, before it was accepted")
	}
	owner, err := store.OpenOwner(dir, "cli:test")
	d.must(err)
	defer owner.Close()
	if o := must(owner.Order(context.Background(), id)); d.cfg.Spending.Day == 0 && (o.State != order.StateHeld || o.Code != order.CodeRestored) {
		d.t.Errorf("an order under a cap of its own is %s %s after a restore, want it held", o.State, o.Code)
	}
	open, err := owner.AcceptRestore()
	d.must(err)
	if !open {
		d.t.Error("there was nothing to accept")
	}
	d.wake()
	time.Sleep(3 * time.Hour)
	if o, _ := d.market.Order(d.orders["placed last"]); len(o.Deliveries) != 1 {
		d.t.Errorf("once the restore is accepted, a new order has %d deliveries, want 1", len(o.Deliveries))
	}
	if o, _ := d.market.Order(id); len(o.Deliveries) != rounds+1 {
		d.t.Errorf("a round after the restore has made %d deliveries of %d", len(o.Deliveries), rounds)
	}
	if o := must(owner.Order(context.Background(), id)); !d.guide && o.Round != rounds {
		d.t.Errorf("after %d deliveries the next round is counted as %d", rounds, o.Round)
	}
}

// once checks that no piece was made twice, and nothing said twice.
func (d *drill) once() {
	d.t.Helper()
	now := d.done()
	for _, what := range slices.Sorted(maps.Keys(now)) {
		piece := strings.Contains(what, " piece ") && !strings.HasSuffix(what, " piece 0")
		if now[what] != 1 && (piece || strings.Contains(what, ": message: ")) {
			d.t.Errorf("%s: %d times", what, now[what])
		}
	}
}
