package intake_test

import (
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/intake"
	"atelierd/internal/sandbox"
)

// TestAShorterIntervalAppliesToTheNextPoll guards a reload: the owner does not wait for the
// end of the old interval.
func TestAShorterIntervalAppliesToTheNextPoll(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.poller.Change(intake.Pace{Interval: 12 * time.Hour})
		w.start()
		synctest.Wait()
		if wait := time.Until(w.poller.State().Next); wait < 11*time.Hour {
			t.Fatalf("the next poll is due in %s", wait)
		}
		time.Sleep(time.Minute)
		w.poller.Change(intake.Pace{Interval: interval})
		time.Sleep(2 * interval)
		if ago := time.Since(w.poller.State().At); ago > 2*interval {
			t.Errorf("the last poll was %s ago", ago)
		}
		w.poller.Change(intake.Pace{Interval: 12 * time.Hour})
		synctest.Wait()
		at := w.poller.State().At
		time.Sleep(6 * time.Hour)
		if later := w.poller.State().At; later.Sub(at) > 2*interval {
			t.Errorf("with a longer interval it polled at %s and %s", at, later)
		}
	})
}
