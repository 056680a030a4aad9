package fence

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// folder keeps a memo as a data folder does.
type folder struct{ memo Memo }

func (d *folder) Recall() (Memo, error) { return d.memo, nil }
func (d *folder) Keep(m Memo) error     { d.memo = m; return nil }

// in returns the options of a process in a folder.
func (p *place) in(d *folder, host, process string, epoch int64) Options {
	o := p.options(host, epoch)
	o.Memory, o.Self.Process = d, process
	return o
}

// TestAHostThatWasReplacedRemembersItWhereTheServerWasEmptied guards an old ledger: the lease
// that shows what it lacks is gone, or the server was put back from a copy.
func TestAHostThatWasReplacedRemembersItWhereTheServerWasEmptied(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		running bool // while it was replaced; else it was started once since
		left    *Lease
	}{
		"it worked, and the lease is gone":  {running: true},
		"it started, and the lease is gone": {},
		"it worked, and the lease is old":   {running: true, left: &Lease{Epoch: 1, Host: "north", Folder: "/data", Process: "n1", Released: true}},
		"it started, and the lease is old":  {left: &Lease{Epoch: 1, Host: "north", Folder: "/data", Process: "n1", Released: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, d := &place{}, &folder{}
				north, _ := take(t, p.in(d, "north", "n1", 1))
				if !c.running {
					north.Release(t.Context())
				}
				p.set(func() {
					p.lease, p.revision, p.at = &Lease{Epoch: 2, Host: "south", Folder: "/data"}, p.revision+1, time.Now()
				})
				if c.running {
					<-north.Lost()
					north.Release(t.Context())
				} else if _, _, err := Take(t.Context(), p.in(d, "north", "n2", 1)); err == nil {
					t.Fatal("it takes the lease of a host that works")
				}
				p.set(func() { p.lease, p.revision, p.at = c.left, p.revision+1, time.Now() })
				_, taken, err := Take(t.Context(), p.in(d, "north", "n3", 1))
				if stale, ok := errors.AsType[*StaleError](err); !ok || stale.Host != "south" || stale.Epoch != 2 || stale.Seen != 1 {
					t.Errorf("the old ledger begins with %+v, %v", taken, err)
				}
				o := p.in(d, "north", "n4", 1)
				o.Takeover = true
				f, taken := take(t, o)
				f.Release(t.Context())
				if taken.Epoch != 3 || taken.Restored == "" {
					t.Errorf("the owner takes over with %+v", taken)
				}
				f, taken = take(t, p.in(d, "north", "n5", 3))
				f.Release(t.Context())
				if taken.Epoch != 3 || taken.Restored != "" {
					t.Errorf("then it begins with %+v", taken)
				}
			})
		})
	}
}

// TestAHostWhoseCloneHasWorkedComparesItsLedger guards two machines with one name, one folder
// and one epoch that work one after the other.
func TestAHostWhoseCloneHasWorkedComparesItsLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, d := &place{}, &folder{}
		run := func(d *folder, process string, epoch int64) Taken {
			f, taken := take(t, p.in(d, "north", process, epoch))
			f.Release(t.Context())
			return taken
		}
		for _, process := range []string{"n1", "n2", "n3", "n4", "n5", "n6", "n7"} {
			if taken := run(d, process, 1); taken != (Taken{Epoch: 1}) {
				t.Fatalf("%s of the only machine begins with %+v", process, taken)
			}
		}
		clone := *d
		if taken := run(&clone, "c1", 1); taken != (Taken{Epoch: 1}) {
			t.Errorf("the clone of a host that has stopped begins with %+v", taken)
		}
		if taken := run(d, "n8", 1); taken.Epoch != 2 || taken.Restored == "" {
			t.Errorf("the host begins with %+v after its clone has worked", taken)
		}
		if taken := run(&clone, "c2", 1); taken.Epoch != 3 || taken.Restored == "" {
			t.Errorf("the clone begins with %+v after the host has worked", taken)
		}
	})
}

// TestALeaseWhoseAnswerWasLostIsTheFoldersOwn guards a start that was cut: its process is noted
// before the lease has it.
func TestALeaseWhoseAnswerWasLostIsTheFoldersOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, d := &place{}, &folder{}
		f, _ := take(t, p.in(d, "north", "n1", 1))
		f.Release(t.Context())
		p.set(func() { p.forgets = true })
		if _, _, err := Take(t.Context(), p.in(d, "north", "cut", 1)); err == nil {
			t.Error("a lost answer has taken the lease")
		}
		p.set(func() { p.forgets = false })
		f, taken := take(t, p.in(d, "north", "n2", 1))
		f.Release(t.Context())
		if taken != (Taken{Epoch: 1}) {
			t.Errorf("it begins with %+v", taken)
		}
	})
}
