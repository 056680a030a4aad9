package budget_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/budget"
	"atelierd/internal/budget/shared"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store/storetest"
	"atelierd/internal/testdir"
)

// inPair runs f in simulated time with two agents that share a count, in a folder and in a
// bucket. Nothing of theirs runs but what f calls.
func inPair(t *testing.T, o sandbox.Options, f func(t *testing.T, a, b *daemon, all together)) {
	t.Helper()
	inPlaces(t, func(t *testing.T, folder string) { pair(t, folder, o, f) })
}

// pair is inPair with the folder of the count; empty for a bucket.
func pair(t *testing.T, folder string, o sandbox.Options, f func(t *testing.T, a, b *daemon, all together)) {
	dirs := []string{storetest.Dir(t), storetest.Dir(t)}
	synctest.Test(t, func(t *testing.T) {
		all := newTogether(t, dirs, folder, o)
		f(t, all[0].open(), all[1].open(), all)
	})
}

// alive shows the other agents that d runs, with what it needs now.
func (d *daemon) alive(t *testing.T) {
	t.Helper()
	if err := d.budget.Beat(t.Context(), budget.About{}); err != nil {
		t.Fatal(err)
	}
}

// pending has the store wait for the delivery of an order.
func (d *daemon) pending(t *testing.T, w *world) {
	t.Helper()
	d.addOrders(t, w, 1)
	turn, err := d.store.Turn(nil, order.LaneGenerate, true, time.Hour)
	if err != nil || turn.Job == nil {
		t.Fatalf("no job: %v", err)
	}
	if _, err := d.store.Turn(&order.Done{Job: *turn.Job, Result: order.Result{
		Next: order.StageDeliver, Artifacts: []order.Artifact{{URL: "https://a.test/x.png", Media: "image"}},
	}}, order.LaneGenerate, false, 0); err != nil {
		t.Fatal(err)
	}
}

func TestWhatOneAgentSendsCountsForTheOther(t *testing.T) {
	t.Parallel()
	inPair(t, sandbox.Options{}, func(t *testing.T, a, b *daemon, _ together) {
		for range 15 {
			a.send(t, order.RequestService, fine)
		}
		for range 5 {
			b.send(t, order.RequestService, fine)
		}
		if a.refused(t, order.RequestService) == 0 || b.refused(t, order.RequestService) == 0 {
			t.Error("more than 20 are sent together")
		}
	})
}

func TestARefusalOfOneAgentBlocksTheOther(t *testing.T) {
	t.Parallel()
	inPair(t, sandbox.Options{}, func(t *testing.T, a, b *daemon, _ together) {
		a.send(t, order.RequestDeliver, order.Answer{Status: 429, RetryAfter: 10 * time.Minute, Limit: 12})
		if got := b.refused(t, order.RequestDeliver); got < 9*time.Minute {
			t.Errorf("a delivery waits %s", got)
		}
		time.Sleep(11 * time.Minute)
		for range 12 {
			b.send(t, order.RequestDeliver, fine)
		}
		if b.refused(t, order.RequestDeliver) == 0 {
			t.Error("the limit that one agent has learned is not the other's")
		}
	})
}

func TestAPollLeavesWhatADeliveryOfAnotherAgentNeeds(t *testing.T) {
	t.Parallel()
	for _, half := range []int{0, 14} {
		inPair(t, sandbox.Options{}, func(t *testing.T, a, b *daemon, all together) {
			a.stop()
			all[0].limits.Reserve = 0 // which polls leave in any case
			a = all[0].open()
			b.pending(t, all[1]) // with a poll
			a.send(t, order.RequestPoll, fine)
			for range half {
				a.send(t, order.RequestMessage, fine)
			}
			for b.budget.Left()[order.RequestPoll] > 1 {
				b.send(t, order.RequestMessage, fine)
			}
			b.alive(t)
			calls := []order.RequestKind{order.RequestPoll, order.RequestUpload, order.RequestQuote}
			if half == 0 {
				calls = calls[:1] // the other has used more than its part
			}
			for _, call := range calls {
				if got := a.refused(t, call); got == 0 || got > time.Minute {
					t.Errorf("after %d requests of its own, with one left, which a delivery of the other needs, %s waits %s", half, call, got)
				}
			}
			if got := b.refused(t, order.RequestDeliver); got != 0 {
				t.Errorf("the delivery waits %s", got)
			}
		})
	}
}

// A daemon that was killed says nothing more.
func TestWhatADeadAgentNeedsIsKeptForShort(t *testing.T) {
	t.Parallel()
	inPair(t, sandbox.Options{}, func(t *testing.T, a, b *daemon, all together) {
		b.pending(t, all[1])
		b.alive(t)
		a.alive(t)
		for a.budget.Wait(t.Context(), order.RequestUpload) == 0 {
			a.send(t, order.RequestUpload, fine)
		}
		if left := a.budget.Left()[order.RequestUpload]; left == 0 {
			t.Error("nothing is kept for the other")
		}
		time.Sleep(2 * time.Minute)
		a.send(t, order.RequestDeliver, fine)
	})
}

func TestAnAgentThatStopsLeavesItsPartAtOnce(t *testing.T) {
	t.Parallel()
	inPair(t, sandbox.Options{}, func(t *testing.T, a, b *daemon, all together) {
		b.pending(t, all[1])
		b.alive(t)
		for a.budget.Wait(t.Context(), order.RequestUpload) == 0 {
			a.send(t, order.RequestUpload, fine)
		}
		if err := b.budget.Leave(t.Context(), budget.About{}); err != nil {
			t.Fatal(err)
		}
		if left := a.budget.Left()[order.RequestDeliver]; left == 0 || a.refused(t, order.RequestDeliver) != 0 {
			t.Errorf("%d are left, and none may be used", left)
		}
	})
}

func TestWithoutItsFolderAnAgentCountsAloneAndIsCountedAfterwards(t *testing.T) {
	t.Parallel()
	folder := testdir.New(t)
	pair(t, folder, sandbox.Options{}, func(t *testing.T, a, b *daemon, _ together) {
		for range 4 {
			a.send(t, order.RequestService, fine)
		}
		b.send(t, order.RequestService, fine)
		b.send(t, order.RequestService, fine)
		if a.budget.Wait(t.Context(), order.RequestService) != 0 { // it looks
			t.Fatal("nothing is left")
		}
		file, away := filepath.Join(folder, shared.FileName), filepath.Join(folder, "away")
		if err := os.Rename(file, away); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(file, 0o700); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			a.send(t, order.RequestService, fine)
		}
		if a.budget.ShareError() == nil || shared.Hint(a.budget.ShareError()) == "" {
			t.Errorf("it failed with %v", a.budget.ShareError())
		}
		if left := a.budget.Left()[order.RequestService]; left != 11 {
			t.Errorf("%d of 20 are left", left)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(away, file); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		a.send(t, order.RequestService, fine)
		if a.budget.ShareError() != nil {
			t.Errorf("it still fails: %v", a.budget.ShareError())
		}
		b.send(t, order.RequestService, fine)
		if left := b.budget.Left()[order.RequestService]; left != 9 {
			t.Errorf("after 11 requests of both %d of 20 are left", left)
		}
	})
}

// Whoever begins the file again knows what was counted.
func TestAFileThatIsRemovedLosesNoCount(t *testing.T) {
	t.Parallel()
	folder := testdir.New(t)
	pair(t, folder, sandbox.Options{}, func(t *testing.T, a, b *daemon, all together) {
		for range 6 {
			a.send(t, order.RequestService, fine)
		}
		b.send(t, order.RequestService, fine)
		if err := os.Remove(filepath.Join(folder, shared.FileName)); err != nil {
			t.Fatal(err)
		}
		a.send(t, order.RequestService, fine)
		b.send(t, order.RequestService, fine)
		a.stop()
		a = all[0].open()
		a.send(t, order.RequestService, fine)
		if left := a.budget.Left()[order.RequestService]; left < 9 || left > 11 {
			t.Errorf("after 10 requests %d of 20 are left", left)
		}
	})
}

// lossy is a shared count that takes what it is given once and says that it did not.
type lossy struct {
	budget.Share
	loses *bool
}

func (l lossy) Update(ctx context.Context, f func(*budget.Common) error) error {
	if !*l.loses {
		return l.Share.Update(ctx, f)
	}
	c, err := l.Read(ctx)
	if err == nil {
		err = f(&c)
	}
	return errors.Join(err, errors.New("the answer is lost"))
}

// A request that was decided is sent, whatever becomes of the write. It is added later.
func TestARequestWhoseCountIsLostIsCountedAfterwards(t *testing.T) {
	t.Parallel()
	loses := false
	dirs := []string{storetest.Dir(t), storetest.Dir(t)}
	synctest.Test(t, func(t *testing.T) {
		all := newTogether(t, dirs, "", sandbox.Options{})
		all[0].wrap = func(s budget.Share) budget.Share { return lossy{s, &loses} }
		a, b := all[0].open(), all[1].open()
		a.send(t, order.RequestService, fine)
		loses = true
		a.send(t, order.RequestService, fine)
		if a.budget.ShareError() == nil {
			t.Fatal("nothing was lost")
		}
		a.send(t, order.RequestService, fine)
		loses = false
		time.Sleep(time.Minute)
		a.send(t, order.RequestService, fine)
		b.send(t, order.RequestService, fine)
		if left := b.budget.Left()[order.RequestService]; left != 15 {
			t.Errorf("after 5 requests of both %d of 20 are left", left)
		}
	})
}

// away is a shared count that cannot be used for a while.
type away struct {
	budget.Share
	gone *bool
}

func (s away) Update(ctx context.Context, f func(*budget.Common) error) error {
	if *s.gone {
		return errors.New("it is away")
	}
	return s.Share.Update(ctx, f)
}

func (s away) Read(ctx context.Context) (budget.Common, error) {
	if *s.gone {
		return budget.Common{}, errors.New("it is away")
	}
	return s.Share.Read(ctx)
}

// The marketplace refuses the address, so a refusal holds for all, also one that an agent
// met while it counted alone.
func TestARefusalWhileTheCountIsAwayBlocksTheOtherAfterwards(t *testing.T) {
	t.Parallel()
	gone := false
	dirs := []string{storetest.Dir(t), storetest.Dir(t)}
	synctest.Test(t, func(t *testing.T) {
		all := newTogether(t, dirs, "", sandbox.Options{})
		all[0].wrap = func(s budget.Share) budget.Share { return away{s, &gone} }
		a, b := all[0].open(), all[1].open()
		a.send(t, order.RequestDeliver, fine)
		b.send(t, order.RequestDeliver, fine)
		gone = true
		a.send(t, order.RequestDeliver, order.Answer{Status: 429, RetryAfter: 10 * time.Minute, Limit: 12})
		if b.refused(t, order.RequestDeliver) != 0 {
			t.Fatal("the other knows of it already")
		}
		gone = false
		time.Sleep(time.Minute)
		a.alive(t)
		for name, d := range map[string]*daemon{"the agent": a, "the other": b} {
			if got := d.refused(t, order.RequestDeliver); got < 8*time.Minute {
				t.Errorf("a delivery of %s waits %s", name, got)
			}
		}
	})
}
