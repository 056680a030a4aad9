package intake_test

import (
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/sandbox"
)

// TestTheLogSaysWhenTheNextPollIsAndDoesNotRepeatIt guards an owner who waits for an
// order against silence, and the log of a quiet day against noise.
func TestTheLogSaysWhenTheNextPollIsAndDoesNotRepeatIt(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		said := func() int { return w.log.count("next poll in ") }
		w.start()
		synctest.Wait()
		if said() != 1 {
			t.Errorf("after the first poll it was said %d times", said())
		}
		time.Sleep(4 * interval)
		synctest.Wait()
		if said() != 1 {
			t.Errorf("after polls that found nothing it was said %d times", said())
		}
		w.place(nil)
		time.Sleep(2 * interval)
		synctest.Wait()
		if said() != 2 {
			t.Errorf("after a poll with a new order it was said %d times", said())
		}
		for range 60 { // until the rest of the requests is kept for deliveries
			if _, err := w.poller.Ask(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if all := w.log.count("next poll in "); all < 3 || all > 10 {
			t.Errorf("a longer wait was said %d times in all", all)
		}
	})
}
