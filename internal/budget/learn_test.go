package budget_test

import (
	"errors"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store/storetest"
)

// send takes a request and answers it with a, now.
func (d *daemon) send(t *testing.T, call order.RequestKind, a order.Answer) {
	t.Helper()
	done, err := d.budget.Take(t.Context(), call, "")
	if err != nil {
		t.Fatalf("%s: %v", call, err)
	}
	a.At = time.Now()
	done(a)
}

var fine = order.Answer{Status: 200}

// refused returns how long the budget makes a request of the kind wait. It returns
// 0, and counts the request, if the budget allows it.
func (d *daemon) refused(t *testing.T, call order.RequestKind) time.Duration {
	t.Helper()
	done, err := d.budget.Take(t.Context(), call, "")
	if err == nil {
		done(order.Answer{Status: 200, At: time.Now()})
		return 0
	}
	f, ok := errors.AsType[*order.Failure](err)
	if !ok || f.Class != order.Wait || f.After <= 0 {
		t.Fatalf("%s: %v is no Wait with a time", call, err)
	}
	return f.After
}

// inBubble runs f in simulated time with an empty data folder.
func inBubble(t *testing.T, f func(t *testing.T, w *world)) {
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t, dir, sandbox.Options{Separate: true})) })
}

func TestAnEarlyRefusalTeachesASharedCountAcrossARestart(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := w.open()
		for range 5 {
			d.send(t, order.RequestUpload, fine)
		}
		d.send(t, order.RequestDeliver, order.Answer{Status: 429, RetryAfter: 10 * time.Minute})
		d.stop()

		d = w.open()
		if got, err := d.store.Fact(t.Context(), "budget.counts"); err != nil || got != "shared" {
			t.Errorf("learned %q, %v", got, err)
		}
		// The refusal of one kind blocks the others too.
		for _, call := range []order.RequestKind{order.RequestDeliver, order.RequestUpload, order.RequestPoll} {
			if got := d.refused(t, call); got != 10*time.Minute {
				t.Errorf("%s waits %s", call, got)
			}
		}
		time.Sleep(10 * time.Minute)
		if got := d.refused(t, order.RequestDeliver); got != 0 {
			t.Errorf("a delivery waits %s after the time that the marketplace named", got)
		}
		// No probe is sent in a window that is known to be shared.
		for range 29 {
			d.send(t, order.RequestQuote, fine)
		}
		if got := d.refused(t, order.RequestDeliver); got < 59*time.Minute {
			t.Errorf("a delivery beyond the shared count waits %s", got)
		}
	})
}

func TestAProbeThatPassesTeachesSeparateCountsAcrossARestart(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := w.open()
		for range 30 {
			d.send(t, order.RequestQuote, fine)
		}
		if got := d.refused(t, order.RequestPoll); got == 0 {
			t.Error("a poll went beyond the count, to see")
		}
		done, err := d.budget.Take(t.Context(), order.RequestDeliver, "a")
		if err != nil {
			t.Fatalf("no probe: %v", err)
		}
		if got := d.refused(t, order.RequestDeliver); got != time.Second {
			t.Errorf("a second request during the probe waits %s", got)
		}
		done(order.Answer{Status: 201, At: time.Now()})
		d.stop()

		d = w.open()
		for range 29 {
			d.send(t, order.RequestDeliver, fine)
		}
		for _, call := range []order.RequestKind{order.RequestDeliver, order.RequestQuote} {
			if got := d.refused(t, call); got == 0 {
				t.Errorf("%s went beyond its own count", call)
			}
		}
		if got := d.refused(t, order.RequestPoll); got != 0 {
			t.Errorf("a poll waits %s, although its count is untouched", got)
		}
	})
}

func TestOneProbeIsSentAWindowAndOnlyASuccessTeaches(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]order.Answer{"no answer": {}, "a server error": {Status: 500}, "a refusal of the work": {Status: 400}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, w *world) {
				d := w.open()
				for range 30 {
					d.send(t, order.RequestQuote, fine)
				}
				d.send(t, order.RequestDeliver, answer)
				if got := d.refused(t, order.RequestDeliver); got < 59*time.Minute {
					t.Errorf("the next request beyond the count waits %s", got)
				}
				if got, _ := d.store.Fact(t.Context(), "budget.counts"); got != "" {
					t.Errorf("learned %q", got)
				}
			})
		})
	}
}

func TestARefusalBlocksUntilTheTimeItNames(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(now time.Time) order.Answer
		wait   time.Duration
	}{
		"Retry-After": {func(time.Time) order.Answer { return order.Answer{RetryAfter: 90 * time.Second} }, 90 * time.Second},
		"a reset":     {func(now time.Time) order.Answer { return order.Answer{Reset: now.Add(25 * time.Minute)} }, 25 * time.Minute},
		"both; Retry-After counts": {func(now time.Time) order.Answer {
			return order.Answer{RetryAfter: time.Minute, Reset: now.Add(time.Hour)}
		}, time.Minute},
		"a reset that has passed": {func(now time.Time) order.Answer { return order.Answer{Reset: now.Add(-time.Hour)} }, time.Minute},
		"nothing":                 {func(time.Time) order.Answer { return order.Answer{} }, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, w *world) {
				d := w.open()
				a := c.answer(time.Now())
				a.Status = 429
				d.send(t, order.RequestDeliver, a)
				d.stop()
				d = w.open() // the block is durable
				if got := d.refused(t, order.RequestDeliver); got != c.wait {
					t.Errorf("waits %s, want %s", got, c.wait)
				}
				time.Sleep(c.wait - time.Millisecond)
				if d.refused(t, order.RequestDeliver) == 0 {
					t.Error("went a moment before its time")
				}
				time.Sleep(time.Millisecond)
				if got := d.refused(t, order.RequestDeliver); got != 0 {
					t.Errorf("waits %s more", got)
				}
			})
		})
	}
}

func TestARefusalOfOneKindDoesNotShortenTheBlockOfAnother(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := w.open()
		d.send(t, order.RequestDeliver, order.Answer{Status: 429, RetryAfter: 30 * time.Minute})
		d.send(t, order.RequestMessage, order.Answer{Status: 429, RetryAfter: time.Minute})
		time.Sleep(2 * time.Minute)
		if got := d.refused(t, order.RequestDeliver); got != 28*time.Minute {
			t.Errorf("waits %s", got)
		}
	})
}

func TestALimitInARefusalLowersTheCeilingForADay(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := w.open()
		d.send(t, order.RequestDeliver, order.Answer{Status: 429, RetryAfter: time.Minute, Limit: 10})
		d.stop()
		d = w.open()
		count := func() (n int) {
			for d.refused(t, order.RequestDeliver) == 0 {
				n++
			}
			return n
		}
		time.Sleep(time.Minute)
		if got := count(); got != 10 {
			t.Errorf("%d deliveries in a window, want the 10 that the marketplace named", got)
		}
		time.Sleep(25 * time.Hour)
		if got := count(); got < 30 {
			t.Errorf("%d deliveries in a window a day later", got)
		}
	})
}

func TestACeilingLoweredByTheOwnerHoldsOverALearnedLimit(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := w.open()
		d.send(t, order.RequestDeliver, order.Answer{Status: 429, RetryAfter: time.Minute, Limit: 10})
		d.stop()
		time.Sleep(time.Minute)
		w.limits.Ceilings[order.RequestDeliver] = 4
		d = w.open()
		n := 0
		for d.refused(t, order.RequestDeliver) == 0 {
			n++
		}
		if n != 4 {
			t.Errorf("%d deliveries, want 4", n)
		}
	})
}

func TestALimitInARefusalDoesNotRaiseTheOwnersCeiling(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.limits.Ceilings[order.RequestDeliver] = 3
		d := w.open()
		d.send(t, order.RequestDeliver, order.Answer{Status: 429, RetryAfter: time.Second, Limit: 500})
		if got := d.refused(t, order.RequestMessage); got != 0 {
			t.Errorf("a message, whose ceiling is higher than that of a delivery, waits %s", got)
		}
		time.Sleep(time.Second)
		n := 0
		for d.refused(t, order.RequestDeliver) == 0 {
			n++
		}
		if n != 3 {
			t.Errorf("%d deliveries, want 3", n)
		}
	})
}

// The marketplace's window begins when the first request arrives there, between its
// sending and its answer.
func TestAWindowEndsAnHourAfterTheAnswerToItsFirstRequest(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := w.open()
		done, err := d.budget.Take(t.Context(), order.RequestDeliver, "a")
		if err != nil {
			t.Fatal(err)
		}
		d.send(t, order.RequestDeliver, fine) // is answered before the first
		time.Sleep(2 * time.Minute)
		done(order.Answer{Status: 200, At: time.Now()})
		for range 28 {
			d.send(t, order.RequestDeliver, fine)
		}
		d.stop()
		d = w.open()
		if got := d.refused(t, order.RequestDeliver); got != time.Hour {
			t.Errorf("waits %s after the answer, want an hour", got)
		}
		time.Sleep(time.Hour)
		if got := d.refused(t, order.RequestDeliver); got != 0 {
			t.Errorf("waits %s more", got)
		}
	})
}

func TestAnUncountedReadIsNeverRefused(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := w.open()
		d.send(t, order.RequestDeliver, order.Answer{Status: 429, RetryAfter: time.Hour})
		for range 100 {
			if got := d.refused(t, order.RequestRead); got != 0 {
				t.Fatalf("a read waits %s", got)
			}
		}
	})
}

// A late answer must not change the window that has begun since.
func TestALateAnswerDoesNotChangeTheNextWindow(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := w.open()
		late, err := d.budget.Take(t.Context(), order.RequestDeliver, "a")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		for range 30 {
			d.send(t, order.RequestDeliver, fine)
		}
		late(order.Answer{Status: 200, At: time.Now()})
		if got := d.refused(t, order.RequestDeliver); got != time.Hour {
			t.Errorf("waits %s, want an hour", got)
		}
	})
}

func TestARequestThatCannotBeCountedFailsAndDoesNotWait(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		var full atomic.Bool
		w.hook = func(string) error {
			if full.Load() {
				return syscall.ENOSPC
			}
			return nil
		}
		d := w.open()
		full.Store(true)
		for _, call := range []order.RequestKind{order.RequestPoll, order.RequestDeliver, order.RequestRead} {
			_, err := d.budget.Take(t.Context(), call, "")
			f, ok := errors.AsType[*order.Failure](err)
			if !ok || f.Class != order.Retry || !f.Outage || f.Code != order.CodeNotCounted || f.Hint == "" || !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("%s: %+v", call, err)
			}
		}
		if _, err := d.client.Orders(t.Context(), order.LiveStatuses()); !errors.Is(err, syscall.ENOSPC) || len(w.market.Requests()) != 0 {
			t.Errorf("%v, and %d requests were sent", err, len(w.market.Requests()))
		}
		full.Store(false)
		d.send(t, order.RequestPoll, fine)
	})
}
