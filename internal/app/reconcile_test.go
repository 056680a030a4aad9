package app

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// TestAHeartbeatDoesNothingBeforeARestoredLedgerIsReconciled guards `once` while the
// marketplace cannot be reached: it ends, and no work is done.
func TestAHeartbeatDoesNothingBeforeARestoredLedgerIsReconciled(t *testing.T) {
	t.Parallel()
	dir, restored := storetest.Dir(t), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t, restore{})
		d.runOn(dir, func() { d.place("slow one", sandbox.NewOrder{}); time.Sleep(20 * time.Minute) })
		databaseAlone(t, restored, dir, "")
		d.down = true
		a := d.open(restored)
		defer a.Close()
		if err := a.Heartbeat(context.Background()); err == nil {
			t.Error("a heartbeat without the marketplace reports nothing")
		}
		a.loops.Wait()
		if len(d.made) != 0 {
			t.Errorf("made before the ledger was reconciled: %v", d.made)
		}
	})
}

// TestOrdersThatCannotBeReadHoldUpNoOther guards the comparison at a start: more orders
// fail than are read at once, and they come first.
func TestOrdersThatCannotBeReadHoldUpNoOther(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t, restore{})
		d.runOn(dir, func() {
			for n := range 13 {
				d.place(fmt.Sprint("slow ", n), sandbox.NewOrder{})
			}
			time.Sleep(10 * time.Minute)
		})
		ids := slices.Sorted(maps.Values(d.orders))
		d.broken = ids[:len(ids)-1]
		d.runOn(dir, func() { time.Sleep(12 * time.Hour) })
		if o, _ := d.market.Order(ids[len(ids)-1]); len(o.Deliveries) != 1 {
			t.Errorf("the order that can be read has %d deliveries, want 1", len(o.Deliveries))
		}
	})
}

// TestARunningDaemonReconcilesWhenTheOwnerWantsIt guards that what the daemon itself is
// doing meanwhile is not taken for another's.
func TestARunningDaemonReconcilesWhenTheOwnerWantsIt(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t, restore{})
		d.runOn(dir, func() {
			d.place("one", sandbox.NewOrder{})
			time.Sleep(time.Hour)
			before := d.done()
			owner, err := store.OpenOwner(dir, "cli:test")
			d.must(err)
			defer owner.Close()
			d.must(owner.WantReconcile(context.Background(), "a drill"))
			d.wake()
			time.Sleep(30 * time.Minute)
			d.seesRestore(dir)
			if missing := must(owner.Fact(context.Background(), string(order.AlertRestored.Code()))); !strings.Contains(missing, "no delivery, message or quote") {
				t.Errorf("the alert is %q", missing)
			}
			for what, n := range d.done() {
				if before[what] != n {
					t.Errorf("%s: %d times, before %d", what, n, before[what])
				}
			}
			_, err = owner.AcceptRestore()
			d.must(err)
			d.wake()
			d.place("two", sandbox.NewOrder{})
			time.Sleep(time.Hour)
		})
		if o, _ := d.market.Order(d.orders["two"]); len(o.Deliveries) != 1 {
			t.Errorf("an order after the reconcile has %d deliveries, want 1", len(o.Deliveries))
		}
	})
}

// TestAReconcileLeavesRunningGeneratorsAlone guards that a call that this process is
// making is not taken for one of unknown outcome.
func TestAReconcileLeavesRunningGeneratorsAlone(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t, restore{})
		d.runOn(dir, func() {
			d.place("slow one", sandbox.NewOrder{})
			time.Sleep(10 * time.Minute)
			owner, err := store.OpenOwner(dir, "cli:test")
			d.must(err)
			defer owner.Close()
			d.must(owner.WantReconcile(context.Background(), "a drill"))
			d.wake()
			time.Sleep(10 * time.Minute)
			d.seesRestore(dir)
			_, err = owner.AcceptRestore() // the delivery may be counted
			d.must(err)
			d.wake()
			time.Sleep(time.Hour)
		})
		if o, _ := d.market.Order(d.orders["slow one"]); len(o.Deliveries) != 1 || len(d.made) != 1 {
			t.Errorf("the order has %d deliveries and was made %v, want once", len(o.Deliveries), d.made)
		}
	})
}

// TestCredentialsOfAnotherAgentAreNotPickedUp guards a running daemon whose credentials
// file is replaced.
func TestCredentialsOfAnotherAgentAreNotPickedUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save := func(id, key string) {
		t.Helper()
		text := `{"agent_id": "` + id + `", "api_key": "` + key + `"}`
		err := os.WriteFile(filepath.Join(dir, credentialsFile), []byte(text), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	save("ext_1_own", "atelier_1")
	cfg := *newDrill(t, restore{}).cfg
	cfg.DataDir, cfg.Dir = dir, dir
	c, found, err := FindCredentials(&cfg, func(string) string { return "" })
	if err != nil || !found {
		t.Fatal(found, err)
	}
	var foreign []string
	c.belongTo("ext_1_own", func(id string) { foreign = append(foreign, id) })
	save("ext_2_other", "atelier_22")
	if c.changed() || c.AgentID() != "ext_1_own" {
		t.Errorf("the credentials of %s are used", c.AgentID())
	}
	save("ext_1_own", "atelier_333")
	if !c.changed() {
		t.Error("the agent's own new key is not used")
	}
	if len(foreign) != 2 || foreign[0] != "ext_2_other" || foreign[1] != "" {
		t.Errorf("the owner is shown %q", foreign)
	}
}

// TestOneDeliveryByHandIsNoRestore guards an owner who delivers an order at the
// marketplace while the daemon is down. Two orders show that the ledger was restored.
func TestOneDeliveryByHandIsNoRestore(t *testing.T) {
	t.Parallel()
	for _, hands := range []int{1, 2} {
		t.Run(fmt.Sprint(hands), func(t *testing.T) {
			t.Parallel()
			dir := storetest.Dir(t)
			synctest.Test(t, func(t *testing.T) {
				d := newDrill(t, restore{})
				d.runOn(dir, func() {
					d.place("slow one", sandbox.NewOrder{})
					d.place("slow two", sandbox.NewOrder{})
					time.Sleep(time.Minute)
				})
				byHand := []string{d.orders["slow one"], d.orders["slow two"]}[:hands]
				for _, id := range byHand {
					d.deliverByHand(dir, id)
				}
				d.runOn(dir, func() { d.place("three", sandbox.NewOrder{}); time.Sleep(2 * time.Hour) })
				for _, id := range byHand {
					if o, _ := d.market.Order(id); len(o.Deliveries) != 1 {
						t.Errorf("an order that was delivered by hand has %d deliveries", len(o.Deliveries))
					}
				}
				st, err := store.OpenReader(dir)
				d.must(err)
				defer st.Close()
				l := must(st.Ledger(context.Background()))
				if restored := !l.RestoredAt.IsZero(); restored != (hands > 1) {
					t.Errorf("taken for a restored ledger: %v, after %d deliveries by hand", restored, hands)
				}
				if o, _ := d.market.Order(d.orders["three"]); hands == 1 && len(o.Deliveries) != 1 {
					t.Errorf("a new order has %d deliveries, want 1", len(o.Deliveries))
				}
			})
		})
	}
}

// deliverByHand delivers an order as its owner does, with the key of the data folder.
func (d *drill) deliverByHand(dir, id string) {
	d.t.Helper()
	var own struct {
		Key string `json:"api_key"`
	}
	d.must(json.Unmarshal(must(os.ReadFile(filepath.Join(dir, credentialsFile))), &own))
	r := must(http.NewRequest(http.MethodPost, d.cfg.BaseURL+"/orders/"+id+"/deliver",
		strings.NewReader(`{"deliverable_url":"https://files.test/by-hand.png","deliverable_media_type":"image"}`)))
	r.Header.Set("Authorization", "Bearer "+own.Key)
	r.Header.Set("Content-Type", "application/json")
	answer := must((&http.Client{Transport: d.next}).Do(r))
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		d.t.Fatalf("the delivery by hand was answered with %d", answer.StatusCode)
	}
}

// unread is a drill whose marketplace shows no order until up, and one order's thread
// only at a later time.
type unread struct {
	*drill
	id        string
	up, until time.Time
}

func (u *unread) RoundTrip(r *http.Request) (*http.Response, error) {
	down := strings.Contains(r.URL.Path, "/orders/") && time.Now().Before(u.up)
	if r.Method == http.MethodGet && (down || strings.Contains(r.URL.Path, "/orders/"+u.id+"/messages") && time.Now().Before(u.until)) {
		return &http.Response{StatusCode: 500, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return u.drill.RoundTrip(r)
}

// TestAThreadThatCannotBeReadAfterARestoreIsWaitedFor guards pieces that the ledger has
// forgotten, because only the thread shows that they were made. While the marketplace
// shows no order at all, the wait has not begun.
func TestAThreadThatCannotBeReadAfterARestoreIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]time.Duration{"at once": 0, "after an outage": 20 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dirs := [4]string{storetest.Dir(t), t.TempDir(), t.TempDir(), t.TempDir()}
			synctest.Test(t, func(t *testing.T) {
				d := newDrill(t, restore{})
				d.runOn(dirs[0], func() {
					d.place("another, which can be read", sandbox.NewOrder{})
					d.place("window", sandbox.NewOrder{ServiceTitle: simWeekly})
					time.Sleep(time.Hour)
				})
				copyFolder(t, dirs[1], dirs[0])
				d.runOn(dirs[0], func() { d.must(d.market.ClientMessage(d.orders["window"], "a red one")); time.Sleep(time.Hour) })
				copyFolder(t, dirs[2], dirs[0])
				if len(d.made) != 2 {
					t.Fatalf("made before the restore: %v", d.made)
				}
				databaseBesideNewer(t, dirs[3], dirs[1], dirs[2])
				up := time.Now().Add(down)
				stop := d.start(d.openWith(dirs[3], &unread{d, d.orders["window"], up, up.Add(2 * time.Minute)}))
				time.Sleep(2 * time.Hour)
				d.seesRestore(dirs[3])
				owner, err := store.OpenOwner(dirs[3], "cli:test")
				d.must(err)
				defer owner.Close()
				must(owner.AcceptRestore())
				d.wake()
				time.Sleep(3 * time.Hour)
				stop()
				d.once()
			})
		})
	}
}

// failing is a drill whose marketplace lists orders and answers each read of one with 500.
type failing struct {
	*drill
	reads atomic.Int32
}

func (f *failing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/orders/") {
		f.reads.Add(1)
		return &http.Response{StatusCode: 500, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return f.drill.RoundTrip(r)
}

// TestAMarketplaceThatIsDownIsNotAskedForEveryOrder guards a comparison of many orders:
// after a few failures the rest is read later.
func TestAMarketplaceThatIsDownIsNotAskedForEveryOrder(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t, restore{})
		d.runOn(dir, func() {
			for n := range 60 {
				d.place(fmt.Sprint("slow ", n), sandbox.NewOrder{})
			}
			time.Sleep(10 * time.Minute)
		})
		f := &failing{drill: d}
		stop := d.start(d.openWith(dir, f))
		time.Sleep(time.Second)
		n := f.reads.Load()
		stop()
		if n == 0 || n > 20 {
			t.Errorf("%d reads in the first second, want a few", n)
		}
	})
}
