package budget_test

import (
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store/storetest"
)

// TestWhatIsLeftFollowsHowRequestsAreCounted guards the number that metrics show: a shared
// count is one for all kinds, a 429 that shows one leaves nothing, and a new window is full.
func TestWhatIsLeftFollowsHowRequestsAreCounted(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		d := newWorld(t, dir, sandbox.Options{}).open()
		defer d.stop()
		d.send(t, order.RequestDeliver, fine)
		d.send(t, order.RequestUpload, fine)
		expect := func(poll, message int) {
			t.Helper()
			if left := d.budget.Left(); left[order.RequestPoll] != poll || left[order.RequestMessage] != message {
				t.Errorf("left are %v, want %d polls and %d messages", left, poll, message)
			}
		}
		expect(28, 58)
		d.send(t, order.RequestMessage, order.Answer{Status: 429, RetryAfter: 10 * time.Minute})
		expect(0, 0)
		time.Sleep(2 * time.Hour)
		expect(30, 60)
	})
}
