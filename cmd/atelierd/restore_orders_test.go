package main_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/sandbox"
)

// drill is a fixture with orders in every state.
type drill struct {
	*fixture
	provider *charging
	orders   map[string]string // ids by name
}

func newDrill(t *testing.T) *drill {
	p := newCharging(t.Cleanup, 1, 0)
	p.anyBody = true // by then the thread may have more than when the key was first used
	s := newFixture(t, sandbox.Options{Seed: 1, Window: time.Second})
	generator := strings.ReplaceAll(providerShapes["a key"], "PROVIDER/", p.url+"/")
	s.write("atelierd.toml", strings.ReplaceAll(drillConfig, "MARKET", s.url)+generator, 0o600)
	return &drill{fixture: s, provider: p, orders: map[string]string{}}
}

func (d *drill) must(errs ...error) {
	d.t.Helper()
	if err := errors.Join(errs...); err != nil {
		d.t.Fatal(err)
	}
}

// order has a client order; its name is the brief.
func (d *drill) order(name string, n sandbox.NewOrder) {
	d.t.Helper()
	if n.Brief = name; n.ServiceTitle == "" {
		n.ServiceTitle = "Pictures"
	}
	id, err := d.market.PlaceOrder(n)
	d.must(err)
	d.orders[name] = id
}

// delivered waits until each of the orders has that many deliveries, and our record has
// them too.
func (d *drill) delivered(n int, names ...string) {
	d.t.Helper()
	for _, name := range names {
		d.until(fmt.Sprintf("%s has not %d deliveries\n%s", name, n, d.unsettled()), func() bool {
			o, _ := d.market.Order(d.orders[name])
			return len(o.Deliveries) >= n && d.count(fmt.Sprintf("SELECT count(*) FROM orders WHERE id = '%s' AND state IN ('delivered', 'completed')", o.ID)) == 1
		})
	}
}

// in waits until our record has the order in the state.
func (d *drill) in(state, name string) {
	d.t.Helper()
	d.until(name+" is not "+state, func() bool {
		return d.count(fmt.Sprintf("SELECT count(*) FROM orders WHERE id = '%s' AND state = '%s'", d.orders[name], state)) == 1
	})
}

// paidFor waits until the provider has begun the piece or round of an order.
func (d *drill) paidFor(name, what string) {
	d.t.Helper()
	d.until(name+" was not begun", func() bool { return d.provider.charges()[d.orders[name]+" "+what] == 1 })
}

// reads waits until the client can read a message of ours.
func (d *drill) reads(name, text string) {
	d.t.Helper()
	d.until("the client of "+name+" cannot read "+text, func() bool {
		o, _ := d.market.Order(d.orders[name])
		return agentWrote(o, text) > 0
	})
}

// polls waits for so many polls that are answered.
func (d *drill) polls(n int) {
	d.t.Helper()
	answered := func() (n int) {
		for _, r := range d.market.Requests() {
			if r.Call == sandbox.CallOrders && r.Handled {
				n++
			}
		}
		return n
	}
	before := answered()
	d.until("the daemon does not poll", func() bool { return answered() >= before+n })
}

// idle waits until no work is in hand, and for more polls.
func (d *drill) idle() {
	d.t.Helper()
	d.polls(3)
	d.until("work is still in hand\n"+d.unsettled(), func() bool {
		return d.count("SELECT count(*) FROM jobs WHERE state = 'leased' OR state = 'ready' AND code = ''") == 0
	})
}

// sendBack has clients ask for another round.
func (d *drill) sendBack(names ...string) {
	d.t.Helper()
	for _, name := range names {
		d.must(d.market.RequestRevision(d.orders[name], "not what I meant"))
	}
}

// begin brings the orders into every state, as the copy will have them.
func (d *drill) begin() {
	d.t.Helper()
	c := d.start()
	d.until("the services are not listed", func() bool { return len(d.market.Services()) == 4 })
	once := []string{"delivered", "revised before", "revised after", "twice revised after", "disputed after", "completed after"}
	for _, name := range slices.Concat(once, []string{"indecent", "slow, cancelled before", "slow, in generation", "slow, cancelled after"}) {
		d.order(name, sandbox.NewOrder{})
	}
	d.order("waits for approval", sandbox.NewOrder{ServiceTitle: "Checked"})
	d.order("unpaid", sandbox.NewOrder{ServiceTitle: "Quoted", Status: "pending_quote"})
	d.order("window", sandbox.NewOrder{ServiceTitle: "Weekly"})
	d.must(d.market.ClientMessage(d.orders["window"], "a red one"))
	d.delivered(1, once...)
	d.sendBack("revised before")
	d.in("failed", "indecent")
	d.in("held", "waits for approval")
	d.paidFor("slow, cancelled before", "round 0")
	d.must(d.market.Cancel(d.orders["slow, cancelled before"]))
	d.in("cancelled", "slow, cancelled before")
	d.reads("window", "Piece 1")
	d.must(d.market.ClientMessage(d.orders["window"], "a slow blue one"))
	d.paidFor("window", "piece 2")
	d.paidFor("slow, in generation", "round 0")
	d.paidFor("slow, cancelled after", "round 0")
	d.delivered(2, "revised before")
	d.until("no price is asked for", func() bool { o, _ := d.market.Order(d.orders["unpaid"]); return o.Status == "quoted" })
	d.polls(2)
	c.kill()

	d.order("in delivery", sandbox.NewOrder{})
	d.order("in upload or delivery", sandbox.NewOrder{})
	d.startAndDie("after:deliver.intent")
	d.order("not polled yet", sandbox.NewOrder{})
	d.order("quote not asked for yet", sandbox.NewOrder{ServiceTitle: "Quoted", Status: "pending_quote"})
}

// afterCopy is what happens after the copy was made, until all is done but one order, whose
// file is made and cannot be uploaded.
func (d *drill) afterCopy() {
	d.t.Helper()
	d.provider.release()
	d.must(d.market.Cancel(d.orders["slow, cancelled after"]))
	d.sendBack("revised after", "twice revised after")
	d.must(d.market.Dispute(d.orders["disputed after"], "not what I meant"),
		d.market.Approve(d.orders["completed after"]), d.market.Pay(d.orders["unpaid"]))
	if code, out := d.command("orders", "approve", d.orders["waits for approval"]); code != 0 {
		d.t.Fatalf("orders approve exits with %d: %s", code, out)
	}
	c := d.start()
	d.order("placed after", sandbox.NewOrder{})
	d.order("window after", sandbox.NewOrder{ServiceTitle: "Weekly"})
	d.must(d.market.ClientMessage(d.orders["window after"], "a green one"))
	d.delivered(2, "revised after", "twice revised after", "disputed after")
	d.sendBack("twice revised after")
	d.delivered(1, "slow, in generation", "waits for approval", "unpaid", "in delivery", "in upload or delivery",
		"not polled yet", "quote not asked for yet", "placed after")
	d.delivered(3, "twice revised after")
	d.reads("window", "Piece 2")
	d.reads("window after", "Piece 1")
	d.idle()
	d.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
		if strings.HasSuffix(r.URL.Path, "/upload") {
			return sandbox.Fault{Before: http.StatusServiceUnavailable}
		}
		return sandbox.Fault{}
	}})
	const made = "made, not delivered"
	d.order(made, sandbox.NewOrder{})
	d.until(made+" is not made", func() bool {
		return d.count(fmt.Sprintf("SELECT count(*) FROM artifacts WHERE order_id = '%s'", d.orders[made])) == 1
	})
	c.kill()
}

// done is all that was delivered, quoted and said, in all orders but two: the one whose
// file is made, and the one that is placed last.
func (d *drill) done() map[string]int {
	all := map[string]int{}
	for name, id := range d.orders {
		if name == "made, not delivered" || name == "placed last" {
			continue
		}
		o, _ := d.market.Order(id)
		all[name+": deliveries"], all[name+": quotes"] = len(o.Deliveries), len(o.Quotes)
		for _, m := range o.Messages {
			if m.From == "provider" {
				all[name+": says "+m.Content]++
			}
		}
	}
	return all
}

// same checks that nothing was done since.
func (d *drill) same(before map[string]int) {
	d.t.Helper()
	now := d.done()
	for _, what := range slices.Sorted(maps.Keys(now)) {
		if now[what] != before[what] {
			d.t.Errorf("%s: %d, before the restore %d", what, now[what], before[what])
		}
	}
}
