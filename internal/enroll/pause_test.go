package enroll_test

import (
	"testing"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// TestWhatIsOffTheMarketplaceIsListedAgainOnceItsPauseIsOver guards the process that had
// listed the service itself, and one that finds what a set-up stored at the same moment.
func TestWhatIsOffTheMarketplaceIsListedAgainOnceItsPauseIsOver(t *testing.T) {
	t.Parallel()
	for name, raced := range map[string]bool{"": false, "a set-up was under way": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.addAgent()
				s := w.setup("", pictures("Pictures", fit))
				w.once(s)
				first := w.listed("Pictures")
				o := store.Owner{Store: w.store, By: "cli:test"}
				if err := o.Pause(order.Pause{Service: "Pictures", Delisted: true}, []order.Listed{first}); err != nil {
					t.Fatal(err)
				}
				w.once(s) // the marketplace shows it still
				if l := w.listed("Pictures"); l.State != order.ServiceDelisted {
					t.Errorf("it is %+v", l)
				}
				if err := w.client.DeleteService(t.Context(), first.RemoteID); err != nil {
					t.Fatal(err)
				}
				if raced {
					if err := w.store.PutService(first); err != nil {
						t.Fatal(err)
					}
				}
				for _, s := range []*setup{s, w.setup("", pictures("Pictures", fit))} {
					if !w.once(s) || w.sent("POST", "/services") != 1 {
						t.Error("it was listed during the pause")
					}
				}
				if err := o.Resume("Pictures"); err != nil {
					t.Fatal(err)
				}
				for range 3 {
					w.once(s)
				}
				l := w.listed("Pictures")
				if w.sent("POST", "/services") != 2 || l.State != order.ServiceListed || l.RemoteID == first.RemoteID {
					t.Errorf("after the pause it is %+v, listed %d times", l, w.sent("POST", "/services"))
				}
			})
		})
	}
}
