package fulfill_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/fulfill"
	"atelierd/internal/intake"
	"atelierd/internal/message"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// silent makes the world's process one that compared the ledger at the time. The thread of
// each order is full, or cannot be read.
type silent struct {
	*world
	compared time.Time
}

// inSilence runs f in a process that may have forgotten what was done before it has
// compared the ledger. Its service has every template that the daemon writes by itself.
func inSilence(t *testing.T, f func(t *testing.T, w *silent)) {
	t.Helper()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		s := &silent{world: w}
		w.options = func(o *fulfill.Options) { o.Compared = func() time.Time { return s.compared } }
		w.reopen(func(s *fulfill.Service) {
			s.Templates = map[string]*message.Template{}
			for name, text := range map[string]string{"received": "begun", "delivered": "delivered{{range .Links}} {{.}}{{end}}", "refused": "no: {{.Reason}}"} {
				parsed, err := message.Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				s.Templates[name] = parsed
			}
		}, func(s *intake.Service) { s.Templates = []string{"received", "delivered", "refused"} })
		f(t, s)
	})
}

// begins is a process that has compared the ledger after what was done so far.
func (s *silent) begins() {
	time.Sleep(time.Minute)
	s.compared = time.Now()
	time.Sleep(time.Minute)
}

// sends has the next message sent or not, and returns what it ended as.
func (s *silent) sends() order.OutState {
	s.t.Helper()
	return s.must(order.StageSend).Sent
}

// mayHold are orders with full threads: what is done on each around the comparison, and what
// its messages end as.
var mayHold = map[string]struct {
	do   func(w *silent) (id string)
	want []order.OutState
}{
	"an order from before": {func(w *silent) string {
		id := w.full()
		w.begins()
		return id
	}, []order.OutState{order.OutUnknown}},
	"an order from after": {func(w *silent) string {
		w.begins()
		return w.full()
	}, []order.OutState{order.OutSent}},
	"its thread cannot be read": {func(w *silent) string {
		id := w.place("paid")
		w.begins()
		w.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/messages") {
				return sandbox.Fault{Before: http.StatusNotFound}
			}
			return sandbox.Fault{}
		}})
		return id
	}, []order.OutState{order.OutUnknown}},
	"a delivery from before": {func(w *silent) string {
		id := w.full()
		w.deliver()
		w.begins()
		return id
	}, []order.OutState{order.OutUnknown, order.OutUnknown}},
	"a delivery from after": {func(w *silent) string {
		id := w.full()
		w.begins()
		w.deliver()
		return id
	}, []order.OutState{order.OutUnknown, order.OutSent}},
	"a refusal of an order from before": {func(w *silent) string {
		id := w.full()
		w.begins()
		w.painter.err = order.Failf(order.Fail, order.CodeRefused, "the generator refuses")
		w.fails(order.StageGenerate, order.Fail, order.CodeRefused)
		return id
	}, []order.OutState{order.OutUnknown, order.OutUnknown}},
	"what the owner wrote before": {func(w *silent) string {
		id := w.full()
		w.asOwner(func(o store.Owner) error { return o.QueueMessage(w.t.Context(), id, "owner-1", "hello") })
		w.begins()
		return id
	}, []order.OutState{order.OutUnknown, order.OutSent}},
}

// TestWhatAFullThreadMayHoldIsNotSaid guards a copy of the whole folder that was put back
// without a trace. What may have been said before is not said again, and what cannot have
// been is said.
func TestWhatAFullThreadMayHoldIsNotSaid(t *testing.T) {
	t.Parallel()
	for name, c := range mayHold {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inSilence(t, func(t *testing.T, w *silent) {
				id := c.do(w)
				var got []order.OutState
				for range c.want {
					got = append(got, w.sends())
				}
				sent := 0
				for _, s := range got {
					if s == order.OutSent {
						sent++
					}
				}
				if !slices.Equal(got, c.want) || len(w.said(id)) != sent {
					t.Errorf("the messages end as %s, want %s; the client reads %q", got, c.want, w.said(id))
				}
			})
		})
	}
}

// full places an order whose client has filled the thread.
func (s *silent) full() string {
	s.t.Helper()
	id := s.place("paid")
	s.talks(id, order.ThreadPage)
	return id
}

// deliver makes and delivers the order that is due.
func (s *silent) deliver() {
	s.t.Helper()
	s.must(order.StageGenerate)
	s.must(order.StageUpload)
	s.must(order.StageDeliver)
}

// TestAfterAReconcileWhatMayStillArriveIsWaitedFor guards a delivery that the lost process sent
// right before its end, and that a look right after the reconcile does not show.
func TestAfterAReconcileWhatMayStillArriveIsWaitedFor(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		files, err := w.store.Artifacts(t.Context(), id, order.KindDelivery, 0)
		if err != nil {
			t.Fatal(err)
		}
		w.scripted("/deliver", sandbox.Fault{Slow: settle - 20*time.Second})
		lost := w.base
		lost.Meter = nil
		var late sync.WaitGroup
		late.Go(func() {
			_ = atelier.New(lost).Deliver(t.Context(), id, []atelier.Deliverable{{URL: files[0].URL, Media: files[0].Media}})
		})
		synctest.Wait() // it is on its way, and the ledger lacks it
		if err := w.store.Reconciled("restored", nil, nil); err != nil {
			t.Fatal(err)
		}
		f := w.fails(order.StageDeliver, order.Wait, order.CodeSettling)
		if w.delivered(id) != 0 || w.delivery(id, 0).Tries != 0 {
			t.Fatal("it has arrived already, or was sent")
		}
		for range 100 {
			time.Sleep(f.After)
			r, next := w.run(order.StageDeliver)
			if next == nil {
				if r.Delivery == "" {
					t.Errorf("%+v", r)
				}
				break
			}
			f = next
		}
		late.Wait()
		time.Sleep(time.Hour)
		if n := len(w.sent(sandbox.CallDeliver)); n != 1 || w.delivered(id) != 1 {
			t.Errorf("sent %d times, delivered %d times", n, w.delivered(id))
		}
	})
}
