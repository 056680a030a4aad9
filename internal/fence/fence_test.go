package fence

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// place keeps a lease as a server does.
type place struct {
	mu       sync.Mutex
	lease    *Lease
	revision uint64
	at       time.Time
	down     error
	forgets  bool // the answers to changes are lost
}

func (p *place) Lease(context.Context) (Entry, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.down != nil:
		return Entry{}, p.down
	case p.lease == nil:
		return Entry{}, ErrAbsent
	}
	return Entry{*p.lease, time.Since(p.at), p.revision}, nil
}

func (p *place) CreateLease(_ context.Context, l Lease) (uint64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lease != nil && p.down == nil {
		return 0, ErrChanged
	}
	return p.put(l)
}

func (p *place) ChangeLease(_ context.Context, l Lease, revision uint64) (uint64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down == nil && (p.lease == nil || revision != p.revision) {
		return 0, ErrChanged
	}
	return p.put(l)
}

func (p *place) put(l Lease) (uint64, error) {
	if p.down != nil {
		return 0, p.down
	}
	p.revision++
	p.lease, p.at = &l, time.Now()
	if p.forgets {
		return 0, errors.New("the answer is lost")
	}
	return p.revision, nil
}

func (p *place) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// options are those of a host whose ledger has an epoch.
func (p *place) options(host string, epoch int64) Options {
	return Options{Key: p, Self: Lease{Epoch: epoch, Host: host, Folder: "/data", Process: host}, Continues: true, Changed: func(string) {}, Log: slog.New(slog.DiscardHandler)}
}

func take(t *testing.T, o Options) (*Fence, Taken) {
	t.Helper()
	f, taken, err := Take(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return f, taken
}

func TestWhoMayTakeALease(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lease    Lease
		silent   time.Duration
		takeover bool
		copied   bool  // the ledger was restored, or another host worked with it last
		epoch    int64 // that is taken; 0 is a refusal
		restored bool
		within   time.Duration // of waiting
	}{
		"the same folder has stopped and continues":   {lease: Lease{Epoch: 2, Host: "north", Folder: "/data", Released: true}, epoch: 2},
		"the same folder crashed long ago":            {lease: Lease{Epoch: 2, Host: "north", Folder: "/data"}, silent: Dead, epoch: 2},
		"the same folder crashed just now":            {lease: Lease{Epoch: 2, Host: "north", Folder: "/data"}, silent: Beat, epoch: 2, within: Dead - Beat},
		"a copy of the same name and folder is alive": {lease: Lease{Epoch: 2, Host: "north", Folder: "/data"}, silent: Dead - 1, copied: true},
		"a copy of the same name and folder is dead":  {lease: Lease{Epoch: 2, Host: "north", Folder: "/data"}, silent: Dead, copied: true, epoch: 3, restored: true},
		"the same folder with a newer ledger lives":   {lease: Lease{Epoch: 3, Host: "north", Folder: "/data"}, silent: Dead - 1},
		"even if the owner takes over from it":        {lease: Lease{Epoch: 3, Host: "north", Folder: "/data"}, silent: Dead - 1, takeover: true},
		"the same folder with an older ledger":        {lease: Lease{Epoch: 3, Host: "north", Folder: "/data"}, silent: Dead, epoch: 4, restored: true},
		"another folder of the same host is alive":    {lease: Lease{Epoch: 2, Host: "north", Folder: "/copy"}},
		"another host is alive":                       {lease: Lease{Epoch: 2, Host: "south"}, silent: Dead - 1},
		"even if the owner wants to take over":        {lease: Lease{Epoch: 2, Host: "south"}, silent: Dead - 1, takeover: true},
		"another host is dead":                        {lease: Lease{Epoch: 2, Host: "south"}, silent: Dead, epoch: 3, restored: true},
		"another host has stopped":                    {lease: Lease{Epoch: 2, Host: "south", Released: true}, epoch: 3, restored: true},
		"another host has done what the ledger lacks": {lease: Lease{Epoch: 3, Host: "south"}, silent: time.Hour},
		"and the owner takes over without it":         {lease: Lease{Epoch: 3, Host: "south"}, silent: time.Hour, takeover: true, epoch: 4, restored: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &place{lease: &c.lease, revision: 7, at: time.Now()}
				time.Sleep(c.silent)
				o := p.options("north", 2)
				o.Takeover, o.Continues = c.takeover, !c.copied
				began := time.Now()
				f, taken, err := Take(t.Context(), o)
				if waited := time.Since(began); waited != c.within {
					t.Errorf("it waits for %s, want %s", waited, c.within)
				}
				if taken.Epoch != c.epoch || (taken.Restored != "") != c.restored || (err == nil) != (c.epoch > 0) {
					t.Errorf("it takes %+v, %v", taken, err)
				}
				if err == nil {
					f.Release(t.Context())
				}
			})
		})
	}
}

// TestACloneDoesNotTakeTheLeaseOfTheHostThatWorks guards a clone of a whole machine: it has
// the name, the folder, the ledger and its mark.
func TestACloneDoesNotTakeTheLeaseOfTheHostThatWorks(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"right after a renewal": 0, "right before one": Beat - 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &place{}
				first := p.options("north", 1)
				first.First = true
				north, _ := take(t, first)
				time.Sleep(10*Beat + after)
				o := p.options("north", 1)
				o.Self.Process = "clone"
				_, _, err := Take(t.Context(), o)
				if held, ok := errors.AsType[*HeldError](err); !ok || !held.Twin {
					t.Errorf("the clone takes the lease: %v", err)
				}
				time.Sleep(Beat)
				synctest.Wait()
				if err := north.Held(); err != nil {
					t.Errorf("the host that works has lost its lease: %v", err)
				}
				north.Release(t.Context())
			})
		})
	}
}

// TestWithoutALeaseEveryHostWaitsButTheFirst guards a server that was emptied: a host that
// works writes its lease again before one that has an old ledger may take it.
func TestWithoutALeaseEveryHostWaitsButTheFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		continues, first bool
		wait             time.Duration
		restored         bool
	}{
		"the first host ever":  {continues: true, first: true},
		"one that worked last": {continues: true, wait: Dead},
		"one with an old copy": {wait: Dead, restored: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &place{}
				o := p.options("north", 1)
				o.Continues, o.First = c.continues, c.first
				began := time.Now()
				f, taken := take(t, o)
				if waited := time.Since(began); waited != c.wait || (taken.Restored != "") != c.restored {
					t.Errorf("it takes %+v after %s", taken, waited)
				}
				f.Release(t.Context())
			})
		})
	}
}

// TestOnlyOneOfTwoHostsTakesADeadLease guards the compare-and-set.
func TestOnlyOneOfTwoHostsTakesADeadLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &place{lease: &Lease{Epoch: 1, Host: "north"}, revision: 1, at: time.Now()}
		time.Sleep(Dead)
		seen, err := p.Lease(t.Context()) // what a second host has read at the same moment
		if err != nil {
			t.Fatal(err)
		}
		first, _ := take(t, p.options("south", 1))
		if _, err := p.ChangeLease(t.Context(), Lease{Epoch: 2, Host: "east"}, seen.Revision); !errors.Is(err, ErrChanged) {
			t.Errorf("a second host takes it too: %v", err)
		}
		if _, _, err := Take(t.Context(), p.options("east", 1)); err == nil {
			t.Error("a second host takes what is held")
		}
		first.Release(t.Context())
	})
}

// TestAHostThatIsCutOffStopsBeforeItsLeaseIsDead guards the order of the two: the holder
// stops first, then another host may begin.
func TestAHostThatIsCutOffStopsBeforeItsLeaseIsDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &place{}
		var why string
		o := p.options("north", 1)
		o.Changed = func(s string) { why = s }
		north, _ := take(t, o)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if err := north.Held(); err != nil || why != "" {
			t.Fatalf("a lease that is renewed is not held: %v %s", err, why)
		}
		last := p.at
		p.set(func() { p.down = errors.New("no route to host") })
		for north.Held() == nil && time.Since(last) < 2*Dead {
			time.Sleep(time.Second)
		}
		if passed := time.Since(last); passed > Dead-Beat || passed < Dead-2*Beat {
			t.Errorf("it stops %s after the last renewal", passed)
		}
		time.Sleep(Beat)
		synctest.Wait()
		if why == "" {
			t.Error("nobody hears of it")
		}
		p.set(func() { p.down = nil })
		time.Sleep(Beat)
		synctest.Wait()
		if err := north.Held(); err != nil || why != "" {
			t.Errorf("a lease that nobody has taken is not held again: %v %s", err, why)
		}
		north.Release(t.Context())
		south, taken := take(t, p.options("south", 1))
		if taken.Epoch != 2 {
			t.Errorf("the other host begins with %+v", taken)
		}
		south.Release(t.Context())
	})
}

// TestAHostThatWasReplacedEnds guards a process that stood still: it holds nothing, and is
// told who does.
func TestAHostThatWasReplacedEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &place{}
		north, _ := take(t, p.options("north", 1))
		p.set(func() { p.lease, p.revision = &Lease{Epoch: 2, Host: "south"}, p.revision+1 })
		err := <-north.Lost()
		if held, ok := errors.AsType[*HeldError](err); !ok || held.Host != "south" || north.Held() == nil {
			t.Errorf("it hears %v, and holds: %v", err, north.Held())
		}
		north.Release(t.Context())
		if p.lease.Released {
			t.Error("it has released what is the other's")
		}
	})
}

func TestALostAnswerAndALostServerLoseNoLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &place{}
		north, _ := take(t, p.options("north", 1))
		p.set(func() { p.forgets = true })
		time.Sleep(Beat)
		synctest.Wait()
		p.set(func() { p.forgets = false })
		time.Sleep(Dead)
		synctest.Wait()
		if err := north.Held(); err != nil {
			t.Errorf("a lost answer has lost the lease: %v", err)
		}
		p.set(func() { p.lease = nil })
		time.Sleep(Beat)
		synctest.Wait()
		if err := north.Held(); err != nil || p.lease == nil {
			t.Errorf("a server that has lost everything has lost the lease: %v", err)
		}
		for _, continues := range []bool{true, false} {
			p.set(func() { p.lease = nil })
			began := time.Now()
			o := p.options("south", 1)
			o.Continues = continues
			if _, _, err := Take(t.Context(), o); err == nil || time.Since(began) < Dead {
				t.Errorf("another host begins after %s: %v", time.Since(began), err)
			}
		}
		north.Release(t.Context())
	})
}
