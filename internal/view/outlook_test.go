package view_test

import (
	"testing"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
	"atelierd/internal/view"
)

const price = 10 * order.Dollar

// reviewed returns a store with an order of which two files wait for approval, and the call
// that has made them.
func reviewed(t *testing.T) (*store.Store, order.Call) {
	t.Helper()
	st, err := store.Open(store.Options{Dir: storetest.Dir(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	_, err = st.Apply(order.Batch{
		Listing: order.Listing{Orders: []order.Facts{{
			ID: "o1", Status: order.Paid, ServiceTitle: "Images", Brief: "a cat", Price: new(price), CreatedAt: time.Now(), Raw: []byte("{}"),
		}}},
		Mark: 1 << 60, Vanished: func(order.Known) order.Decision { return order.Decision{} },
		Decide: func(order.Known, order.Facts) order.Decision {
			return order.Decision{State: order.StateWorking, Service: "Images", DueAt: time.Now(), Jobs: order.JobsOpen}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	turn, err := st.Turn(nil, order.LaneGenerate, true, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	call, err := st.BeginCall(*turn.Job, order.NewCall{Agent: "a", Generator: "studio", Price: 4 * order.Dollar / 100})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.CloseCall(call.ID, order.CallDone, call.Cost, ""); err != nil {
		t.Fatal(err)
	}
	_, err = st.Turn(&order.Done{Job: *turn.Job, Result: order.Result{
		Next: order.StageUpload, Hold: order.Failf(order.Hold, order.CodeReview, "look at it"),
		Artifacts: []order.Artifact{
			{Path: "a", Name: "a.png", SHA256: "00", MIME: "image/png", Media: "image"},
			{Path: "b", Name: "b.png", SHA256: "01", MIME: "image/png", Media: "image", Position: 1},
		},
	}}, order.LaneGenerate, false, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return st, call
}

// TestTheOutlookAddsUpWhatActionsTakeAndCost guards the numbers that stand below buttons.
func TestTheOutlookAddsUpWhatActionsTakeAndCost(t *testing.T) {
	t.Parallel()
	st, call := reviewed(t)
	cfg := &config.Config{
		Services:   []config.Service{{Title: "Images", Generator: "studio"}},
		Generators: map[string]config.Generator{"studio": {Cost: order.Dollar}},
		Budget:     config.Budget{Poll: 60, Upload: 30, Deliver: 20, Messages: 50},
		Spending:   config.Spending{Order: 7 * order.Dollar / 100, Day: order.Dollar},
	}
	reader := view.Reader{Config: func() *config.Config { return cfg }, Store: st}
	o, err := reader.Outlook(t.Context(), "o1")
	if err != nil {
		t.Fatal(err)
	}
	if o.Files != 2 || o.Approve != (view.Takes{Requests: 3, Left: 20}) || o.Message != (view.Takes{Requests: 1, Left: 50}) {
		t.Errorf("the requests are %+v", o)
	}
	if m := o.Make; m.Generator != "studio" || m.Jobs != 1 || m.Cost != call.Cost || !m.Known || m.OverCode != order.CodeOrderCap {
		t.Errorf("another making is %+v", m)
	}
	if o.Spent != call.Cost || o.SpentToday != call.Cost || o.OrderCap != 7*order.Dollar/100 || o.DayCap != order.Dollar {
		t.Errorf("the sums are %+v", o)
	}
	if got := o.Keeps(price); got != 9*order.Dollar {
		t.Errorf("of $10 the owner keeps $%s", got)
	}
	cfg.Spending.Order = 0
	if o, err = reader.Outlook(t.Context(), "o1"); err != nil || o.Make.Over != "" {
		t.Errorf("without a cap of an order: %q, %v", o.Make.Over, err)
	}
}
