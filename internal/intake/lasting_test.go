package intake_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// alerted reports whether the owner is shown the alert.
func (w *world) alerted(a order.Alert) bool {
	synctest.Wait()
	return slices.ContainsFunc(w.attention(), func(a2 store.Attention) bool { return a2.Code == a.Code() })
}

// staysBroken checks that the owner is shown the alert when a failure has lasted for
// hours, and not before or after.
func (w *world) staysBroken(a order.Alert, end func()) {
	w.t.Helper()
	time.Sleep(order.StuckAfter - 10*time.Minute)
	if w.alerted(a) {
		w.t.Errorf("%s is shown too early", a)
	}
	time.Sleep(20 * time.Minute)
	if !w.alerted(a) {
		w.t.Errorf("%s is not shown: %+v", a, w.attention())
	}
	end()
	time.Sleep(20 * time.Minute)
	if w.alerted(a) {
		w.t.Errorf("%s is still shown: %+v", a, w.attention())
	}
}

func TestPollsThatFailForHoursAreShown(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(_ *testing.T, w *world) {
		w.start()
		w.market.SetDown(true)
		w.staysBroken(order.AlertPoll, func() { w.market.SetDown(false) })
	})
}

func TestAThreadThatFailsForHoursIsShown(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]func(broken, path string) bool{
		"while others can be read": func(broken, path string) bool { return strings.Contains(path, broken) },
		"with all others":          func(_, path string) bool { return strings.Contains(path, "/messages") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(_ *testing.T, w *world) {
				broken := w.place(nil)
				w.place(nil)
				w.poll()
				w.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
					if fails(broken, r.URL.Path) {
						return sandbox.Fault{Before: http.StatusInternalServerError}
					}
					return sandbox.Fault{}
				}})
				w.readThreads()
				w.staysBroken(order.AlertThreads, func() { w.market.SetFaults(sandbox.Faults{}) })
			})
		})
	}
}
