package store

import (
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
)

// TestAThreadSaysWhenItWasRead guards what a page says of the age of a thread, and that an
// owner who asks has it read before its time.
func TestAThreadSaysWhenItWasRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openNew(t, Options{})
		paid(t, s, "o1")
		age := func() (read, due time.Duration) {
			o, err := s.Order(t.Context(), "o1")
			must(t, err)
			if o.ThreadReadAt.IsZero() {
				return -1, time.Until(o.ThreadDueAt)
			}
			return time.Since(o.ThreadReadAt), time.Until(o.ThreadDueAt)
		}
		if read, due := age(); read != -1 || due > 0 {
			t.Errorf("a new thread was read %s ago, and is due in %s", read, due)
		}
		next := time.Now().Add(time.Hour)
		_, err := s.ApplyThread(order.Thread{OrderID: "o1", Asked: time.Now(), Next: next, Unread: true})
		must(t, err)
		if read, _ := age(); read != -1 {
			t.Errorf("a thread that could not be read was read %s ago", read)
		}
		_, err = s.ApplyThread(order.Thread{OrderID: "o1", Asked: time.Now(), Next: next})
		must(t, err)
		time.Sleep(20 * time.Minute)
		if read, due := age(); read != 20*time.Minute || due != 40*time.Minute {
			t.Errorf("the thread was read %s ago, and is due in %s", read, due)
		}
		if at, err := s.ThreadsReadAt(t.Context()); err != nil || time.Since(at) != 20*time.Minute {
			t.Errorf("the oldest thread was read at %s, %v", at, err)
		}
		owner := Owner{Store: s, By: "console:jo"}
		must(t, owner.ReadThread("o1"))
		if read, due := age(); read != 20*time.Minute || due != 0 {
			t.Errorf("after the owner asked: read %s ago, due in %s", read, due)
		}
		apply(t, s, batch(facts("o1", order.Completed)))
		if err := owner.ReadThread("o1"); err == nil {
			t.Error("the thread of an order that has ended is read again")
		}
		if at, err := s.ThreadsReadAt(t.Context()); err != nil || !at.IsZero() {
			t.Errorf("without open threads the oldest was read at %s, %v", at, err)
		}
	})
}

// TestAThreadThatBecomesDueWhileItIsReadStaysDue guards that a hint of news is not lost to an
// answer that the marketplace gave before.
func TestAThreadThatBecomesDueWhileItIsReadStaysDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openNew(t, Options{})
		paid(t, s, "o1")
		time.Sleep(time.Minute)
		for _, hint := range []func() error{
			func() error { return s.ReadThread("o1") },
			func() error { return Owner{Store: s, By: "console:jo"}.ReadThread("o1") },
			func() error { apply(t, s, batch(facts("o1", order.InProgress))); return nil },
		} {
			asked := time.Now()
			time.Sleep(time.Second)
			must(t, hint())
			time.Sleep(time.Second)
			for _, want := range []bool{true, false} {
				_, err := s.ApplyThread(order.Thread{OrderID: "o1", Asked: asked, Next: time.Now().Add(time.Hour)})
				must(t, err)
				ids, _, err := s.DueThreads(t.Context(), time.Now(), 10)
				must(t, err)
				if due := len(ids) == 1; due != want {
					t.Errorf("asked %s ago: the thread is due: %v, want %v", time.Since(asked), due, want)
				}
				asked = time.Now()
				time.Sleep(time.Second)
			}
		}
	})
}
