package intake_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

func TestAnOrderFromTheFutureIsPlacedNow(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		odd := w.place(func(n *sandbox.NewOrder) {
			n.Raw = map[string]any{"created_at": "9999-12-31T23:59:59Z", "delivered_at": "9999-12-31T23:59:59Z", "completed_at": "2999-01-01 00:00:00"}
		})
		w.place(nil)
		w.poll()
		o, now := w.state(odd), time.Now()
		if o.CreatedAt.After(now) || o.DeliveredAt.After(now) || o.CompletedAt.After(now) || o.DueAt.Sub(now) > 30*24*time.Hour {
			t.Errorf("placed %s, delivered %s, completed %s, due %s; it is %s", o.CreatedAt, o.DeliveredAt, o.CompletedAt, o.DueAt, now)
		}
		for range 2 {
			if turn, err := w.store.Turn(nil, order.LaneGenerate, true, time.Minute); err != nil || turn.Job == nil {
				t.Errorf("%+v, %v", turn, err)
			}
		}
	})
}

func TestAnOrderThatIsTooLargeIsHeldAndResumesWhenItIsSmaller(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"paid", "pending_quote"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				raw := map[string]any{"notes": strings.Repeat("x", 2<<20)}
				id := w.place(func(n *sandbox.NewOrder) { n.Raw, n.Status = raw, status })
				other := w.place(nil)
				for range 2 {
					w.poll()
					if o := w.state(id); o.State != order.StateHeld || o.Code != order.CodeOrderTooLarge || !strings.Contains(o.Hint, "orders cancel "+id) {
						t.Errorf("%s %s, hint %s", o.State, o.Code, o.Hint)
					}
				}
				if o := w.state(other); o.State != order.StateWorking {
					t.Errorf("the other order is %s", o.State)
				}
				delete(raw, "notes")
				w.poll()
				if o := w.state(id); o.Code == order.CodeOrderTooLarge || o.Brief != "a fox" {
					t.Errorf("once it is smaller it is %s %s", o.State, o.Code)
				}
			})
		})
	}
}

func TestWhatIsMadeIsDeliveredAlthoughTheOrderHasBecomeTooLarge(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		raw := map[string]any{}
		id := w.place(func(n *sandbox.NewOrder) { n.Raw = raw })
		w.poll()
		turn, err := w.store.Turn(nil, order.LaneGenerate, true, time.Minute)
		if err != nil || turn.Job == nil {
			t.Fatalf("%+v, %v", turn, err)
		}
		done := order.Done{Job: *turn.Job, Result: order.Result{Next: order.StageUpload}}
		if _, err := w.store.Turn(&done, order.LaneNetwork, false, time.Minute); err != nil {
			t.Fatal(err)
		}
		raw["notes"] = strings.Repeat("x", 2<<20)
		w.poll()
		if o := w.state(id); o.State != order.StateWorking || !o.TooLarge || o.Brief != "a fox" {
			t.Errorf("%s %s, too large %v, brief %q", o.State, o.Code, o.TooLarge, o.Brief)
		}
	})
}

func TestALongListingIsAppliedInPartsAndLosesNoOrder(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		ids := []string{w.place(nil), w.place(nil)}
		for i := range 2500 {
			if err := w.market.AddRawRow(fmt.Appendf(nil, `{"id":"row_%d","status":"completed"}`, i)); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			w.poll()
			for _, id := range append(ids, "row_0", "row_2499") {
				if o := w.state(id); o.ID == "" || o.Code == order.CodeVanished || !o.MissingAt.IsZero() {
					t.Errorf("%s: %s %s", id, o.State, o.Code)
				}
			}
		}
		if err := w.market.Vanish(ids[0]); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			w.poll()
		}
		if o := w.state(ids[0]); o.Code != order.CodeVanished {
			t.Errorf("an order that is listed in no part is %s %s", o.State, o.Code)
		}
	})
}

func TestAThreadThatCannotBeReadDelaysNoOther(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		broken, other := w.place(nil), w.place(nil)
		w.poll()
		w.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
			if strings.Contains(r.URL.Path, broken) {
				return sandbox.Fault{Before: http.StatusInternalServerError}
			}
			return sandbox.Fault{}
		}})
		w.readThreads()
		time.Sleep(time.Minute)
		before := w.threadReads()
		if err := w.market.ClientMessage(other, "with a hat"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if thread, err := w.store.Thread(t.Context(), other); err != nil || len(thread) != 1 {
			t.Errorf("the other thread holds %+v, %v", thread, err)
		}
		if n := w.threadReads() - before; n > 90 {
			t.Errorf("%d reads in an hour", n)
		}
	})
}
