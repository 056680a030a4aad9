package fulfill_test

import (
	"testing"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// tryLater is how the owner's program fails that exits with 75.
func tryLater() *order.Failure {
	f := fails(order.Retry, order.CodeTryLater, order.ChargeNone)
	f.Outage = true
	return f
}

// laterFor runs the stage each ten minutes until it is held, and returns after how long.
func (w *world) laterFor() time.Duration {
	w.t.Helper()
	began := time.Now()
	for {
		w.poll()
		j := w.lease(order.StageGenerate)
		_, err := w.f.Run(w.t.Context(), j)
		f := order.Classify(w.t.Context(), err)
		if _, err := w.store.Turn(&order.Done{Job: j, Failure: f}, order.LaneGenerate, false, 0); err != nil {
			w.t.Fatal(err)
		}
		switch {
		case f == nil || f.Code != order.CodeTryLater || j.Attempt != 1 || time.Since(began) > 30*24*time.Hour:
			w.t.Fatalf("attempt %d after %s: %v", j.Attempt, time.Since(began), f)
		case f.Class == order.Hold:
			return time.Since(began)
		case !f.Outage:
			w.t.Fatalf("it uses an attempt: %+v", f)
		}
		time.Sleep(10 * time.Minute)
	}
}

func TestAProgramThatAsksToBeRunLaterIsWaitedForUntilTheOrderIsDue(t *testing.T) {
	t.Parallel()
	const turnaround = 24 * time.Hour
	for name, c := range map[string]struct{ after, want time.Duration }{
		"until it is due":    {0, turnaround},
		"for six hours":      {turnaround - time.Hour, order.LaterLeast},
		"an order long late": {3 * turnaround, order.LaterLeast},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.reopen(nil, func(s *intake.Service) { s.Turnaround = turnaround })
				id := w.order()
				time.Sleep(c.after)
				w.painter.err = tryLater()
				if got := w.laterFor(); got < c.want || got > c.want+20*time.Minute {
					t.Errorf("it waited %s, want %s", got, c.want)
				}
				w.retry(id) // begins the time again
				if got := w.laterFor(); got < order.LaterLeast {
					t.Errorf("after a retry it waited %s", got)
				}
				w.painter.err = nil
				w.retry(id)
				w.must(order.StageGenerate)
			})
		})
	}
}

func TestAPieceWaitsForItsProgramUntilTheMarginOfItsWindow(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(weekly, weeklyOffer)
		id := w.subscribed(sandbox.NewOrder{Price: "25.00"})
		w.asks(id, 1)
		w.painter.err = tryLater()
		if got := w.laterFor(); got < week-margin-time.Hour || got > week-margin+time.Hour {
			t.Errorf("it waited %s, want %s", got, week-margin)
		}
	})
}

// A job that a restart of ComfyUI has lost is made again, and costs no attempt, also
// where each job has a price.
func TestAJobThatComfyUIHasLostIsMadeAgain(t *testing.T) {
	t.Parallel()
	for name, each := range map[string]order.USD{"free": 0, "priced": price} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) { w.losesJobs(each) })
		})
	}
}

// losesJobs has ComfyUI lose seven jobs of an order, each of which costs the price.
func (w *world) losesJobs(each order.USD) {
	w.t.Helper()
	fake := w.useComfyUI()
	comfy := w.service
	w.service = func(s *fulfill.Service) {
		comfy(s)
		s.Generators[0].Price, s.Generators[0].Free = each, each == 0
	}
	w.restart()
	id := w.order()
	const jobs = 7
	for range jobs {
		w.crashed(fake)
		j := w.lease(order.StageGenerate)
		calls := w.calls(id)
		c := calls[len(calls)-1]
		if err := w.store.CallSubmitted(c.ID, c.Key); err != nil {
			w.t.Fatal(err)
		}
		fake.Forget()
		_, err := w.f.Run(w.t.Context(), j)
		f := order.Classify(w.t.Context(), err)
		if f == nil || f.Code != order.CodeJobLost || f.Class != order.Retry || !f.Outage || j.Attempt != 1 {
			w.t.Fatalf("attempt %d: %+v", j.Attempt, f)
		}
		if _, err := w.store.Turn(&order.Done{Job: j, Failure: f}, order.LaneGenerate, false, 0); err != nil {
			w.t.Fatal(err)
		}
	}
	w.must(order.StageGenerate)
	if got := w.spent(id); got != (jobs+1)*each {
		w.t.Errorf("$%s is spent, want %d times $%s", got, jobs+1, each)
	}
}
