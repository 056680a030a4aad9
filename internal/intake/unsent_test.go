package intake_test

import (
	"testing"
	"time"

	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// placeMade places an order whose files are made, and wait for the owner with a code.
func (w *world) placeMade(code order.Code) string {
	w.t.Helper()
	id := w.place(func(n *sandbox.NewOrder) { n.ServiceID = "svc_1" })
	w.restart(intake.Catalog{pictures})
	w.poll()
	turn, err := w.store.Turn(nil, order.LaneGenerate, true, time.Minute)
	if err != nil || turn.Job == nil {
		w.t.Fatalf("no job: %v", err)
	}
	made := order.Done{Job: *turn.Job, Result: order.Result{
		Next: order.StageUpload, Hold: order.Failf(order.Hold, code, "look at it"),
		Artifacts: []order.Artifact{{Path: "artifacts/a.png", Name: "a.png", Bytes: 3, SHA256: "aa", MIME: "image/png", Media: "image"}},
	}}
	if _, err := w.store.Turn(&made, order.LaneGenerate, false, time.Minute); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// openings open an order again whose work was cancelled.
var openings = map[string]func(w *world, id string) error{
	"cancelled by the owner and sent back by the client": func(w *world, id string) error {
		err := store.Owner{Store: w.store}.Cancel(w.t.Context(), id, "not for me")
		w.poll()
		w.status(id, "revision_requested")
		return err
	},
	"cancelled at the marketplace and paid again": func(w *world, id string) error {
		w.status(id, "cancelled")
		w.poll()
		w.status(id, "paid")
		return nil
	},
	"cancelled by the owner, then at the marketplace, and paid again": func(w *world, id string) error {
		err := store.Owner{Store: w.store}.Cancel(w.t.Context(), id, "")
		w.status(id, "cancelled")
		w.poll()
		w.status(id, "revision_requested")
		return err
	},
	"cancelled and assigned by the owner": func(w *world, id string) error {
		o := store.Owner{Store: w.store}
		if err := o.Cancel(w.t.Context(), id, ""); err != nil {
			return err
		}
		return o.Assign(w.t.Context(), id, "Pictures", intake.Catalog{pictures}.Decide)
	},
}

// TestAnOrderThatIsOpenAgainSendsNothingUnasked guards that what waits for the owner still
// does, whoever has cancelled the order and opened it again.
func TestAnOrderThatIsOpenAgainSendsNothingUnasked(t *testing.T) {
	t.Parallel()
	for name, open := range openings {
		for _, code := range []order.Code{order.CodeReview, order.CodeDryRun} {
			t.Run(name+" "+string(code), func(t *testing.T) {
				t.Parallel()
				inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
					id, o := w.placeMade(code), store.Owner{Store: w.store}
					if err := open(w, id); err != nil {
						t.Fatal(err)
					}
					for range 2 {
						w.poll()
						if got := w.state(id); got.State != order.StateHeld || got.Code != code || got.Reason == "" || w.ready() != 0 {
							t.Fatalf("it is %s %q %q, with %d jobs", got.State, got.Code, got.Reason, w.ready())
						}
					}
					send := func() error { return o.Approve(t.Context(), id, 0) }
					if code == order.CodeDryRun {
						send = func() error { return o.Retry(t.Context(), id) }
					}
					if err := send(); err != nil || w.ready() != 1 {
						t.Errorf("asked to be sent: %v, with %d jobs", err, w.ready())
					}
				})
			})
		}
	}
}
