// Package fence keeps two hosts from working as one agent. A lease is a key that both can
// reach: whoever holds it changes it every few seconds by compare-and-set, and one that has
// not changed for long enough is dead. Another host may take a dead lease, in a new epoch.
// A holder that cannot renew it stops sending before it is dead.
//
// The package must not know where the key is kept, the database or what is sent.
package fence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"atelierd/internal/order"
)

// The times of a lease.
const (
	// Beat is how often the holder renews it.
	Beat = 10 * time.Second
	// Dead is how long after its last change a lease may be taken, by the clock of the
	// server that keeps it.
	Dead = time.Minute
)

// Lease is who works as the agent.
type Lease struct {
	// Epoch counts the hosts that have worked as the agent.
	Epoch int64 `json:"epoch"`
	// Host and Folder are where the holder works. Process is random.
	Host    string `json:"host"`
	Folder  string `json:"folder"`
	Process string `json:"process"`
	// Released: the holder has stopped, so nobody needs to wait.
	Released bool `json:"released,omitempty"`
}

// Entry is a lease as it was read.
type Entry struct {
	Lease

	// Silent is how long ago it was changed, by the server's clock.
	Silent   time.Duration
	Revision uint64
}

// The errors of a Key. Others say that the server could not be asked.
var (
	ErrAbsent  = errors.New("there is no lease")
	ErrChanged = errors.New("somebody else has changed the lease")
)

// Key is where the lease is kept.
type Key interface {
	// Lease fails with ErrAbsent if there is none.
	Lease(ctx context.Context) (Entry, error)
	// CreateLease fails with ErrChanged if there is one.
	CreateLease(ctx context.Context, l Lease) (revision uint64, err error)
	// ChangeLease fails with ErrChanged if the revision is not the newest.
	ChangeLease(ctx context.Context, l Lease, revision uint64) (uint64, error)
}

// Options say who wants to hold a lease.
type Options struct {
	Key Key
	// Self is the holder. Its epoch is that of the ledger.
	Self Lease
	// Continues: this host worked with the ledger last, and it was not restored.
	Continues bool
	// First: no host has worked as the agent before.
	First bool
	// Takeover: the owner wants to work with a ledger that another host has left behind.
	Takeover bool
	// Memory is what this folder remembers; nil for nothing.
	Memory Memory
	// Beat and Dead replace the constants in tests.
	Beat, Dead time.Duration
	// Changed is called when the lease can no longer be renewed, with why, and with "" when
	// it is held again.
	Changed func(why string)
	Log     *slog.Logger
}

// HeldError says that another host works as the agent.
type HeldError struct {
	Host   string
	Silent time.Duration
	// Twin: it has the name and the folder of this host.
	Twin bool
}

// Error describes the error.
func (e *HeldError) Error() string {
	text := fmt.Sprintf("host %.80q works as this agent: it has renewed its lease %s ago", e.Host, e.Silent.Round(time.Second))
	if e.Twin {
		text += "; it has the name and the folder of this host"
	}
	return text
}

// StaleError says that another host has worked as the agent since the ledger was copied.
type StaleError struct {
	Host        string
	Epoch, Seen int64
}

// Error describes the error.
func (e *StaleError) Error() string {
	return fmt.Sprintf("host %.80q has worked as this agent in epoch %d, and this ledger knows epoch %d only: it lacks what was done there", e.Host, e.Epoch, e.Seen)
}

// Taken is a lease that was taken.
type Taken struct {
	Epoch int64
	// Restored is why the ledger counts as restored, or empty.
	Restored string
}

// same reports whether a lease has the name and the folder of this host. A clone has both.
func (o Options) same(e Entry) bool { return e.Host == o.Self.Host && e.Folder == o.Self.Folder }

// claim returns what follows from a lease that was read. The epoch of the ledger says
// what it may lack. A process that this folder does not know has worked in a clone, which has its
// name and its epoch.
func (o Options) claim(e Entry, m Memo) (Taken, error) {
	same := o.same(e)
	switch {
	case e.Alive(o.Dead):
		return Taken{}, &HeldError{e.Host, e.Silent, same}
	case same && o.Continues && e.Epoch <= o.Self.Epoch && m.owns(e.Process):
		return Taken{Epoch: o.Self.Epoch}, nil
	case same && o.Continues && e.Epoch <= o.Self.Epoch:
		return Taken{o.Self.Epoch + 1, fmt.Sprintf("a clone of host %s with the same folder has held the lease since", e.Host)}, nil
	case same && e.Epoch > o.Self.Epoch:
		return Taken{e.Epoch + 1, fmt.Sprintf("the lease has epoch %d, and the ledger has %d", e.Epoch, o.Self.Epoch)}, nil
	case e.Epoch > o.Self.Epoch && !o.Takeover:
		return Taken{}, &StaleError{e.Host, e.Epoch, o.Self.Epoch}
	}
	return Taken{max(e.Epoch, o.Self.Epoch) + 1, fmt.Sprintf("host %s takes over from host %s, whose lease has ended", o.Self.Host, e.Host)}, nil
}

// crashed reports whether a lease that is alive may be the one of a process that has crashed
// in this folder. It may also be the one of a clone of this host, which has the same name, the
// same folder and a ledger that is as new: only a renewal shows that.
func (o Options) crashed(e Entry) bool {
	return o.Continues && e.Alive(o.Dead) && o.same(e) && e.Epoch <= o.Self.Epoch
}

// Fence holds a lease. It is safe for concurrent use.
type Fence struct {
	o    Options
	lost chan error

	end  context.CancelFunc
	done chan struct{}
	memo Memo // used by one goroutine at a time

	mu       sync.Mutex
	lease    Lease
	revision uint64
	renewed  time.Time // before the request that has last renewed it
	gone     error     // another one holds it
	failing  bool      // Changed was called
}

// Take takes the lease and renews it until Release. It fails with a HeldError or a
// StaleError where the host must not work. Where there is no lease, it waits as long as one
// would live. It waits for the lease of a crashed process of its own too, and fails if that
// one is renewed.
func Take(ctx context.Context, o Options) (*Fence, Taken, error) {
	if o.Beat == 0 {
		o.Beat = Beat
	}
	if o.Dead == 0 {
		o.Dead = Dead
	}
	f := &Fence{o: o, lost: make(chan error, 1), done: make(chan struct{})}
	t, err := f.take(ctx)
	if err != nil {
		return nil, t, err
	}
	in, end := context.WithCancel(context.WithoutCancel(ctx))
	f.end = end
	go func() {
		defer close(f.done)
		f.renew(in)
	}()
	return f, t, nil
}

func (f *Fence) take(ctx context.Context) (Taken, error) {
	if err := f.recall(); err != nil {
		return Taken{}, err
	}
	waited := f.o.First
	var seen uint64 // the revision of a lease that may be that of a crashed process
	for {
		began := time.Now()
		e, err := f.o.Key.Lease(ctx)
		t := Taken{Epoch: f.o.Self.Epoch}
		switch {
		case err == nil && f.o.crashed(e) && (seen == 0 || seen == e.Revision):
			if err := f.outlive(ctx, e, seen == 0); err != nil {
				return t, err
			}
			seen = e.Revision
			continue
		case err == nil:
			if t, err = f.claim(e); err != nil {
				return t, err
			}
		case !errors.Is(err, ErrAbsent):
			return t, err
		case !waited:
			waited = true
			f.o.Log.Info("there is no lease; waiting for a host that may have had one", "wait", f.o.Dead.String())
			if err := sleep(ctx, f.o.Dead); err != nil {
				return t, err
			}
			continue
		case f.memo.lacks(f.o.Self.Epoch):
			if t, err = f.claim(Entry{}); err != nil {
				return t, err
			}
		case !f.o.Continues:
			t = Taken{f.o.Self.Epoch + 1, fmt.Sprintf("host %s takes over, and the lease is gone", f.o.Self.Host)}
		}
		l := f.o.Self
		l.Epoch = t.Epoch
		if err := f.keep(f.memo.with(l.Process)); err != nil { // first: the answer may be lost
			return t, err
		}
		revision, err := f.write(ctx, l, e.Revision)
		if errors.Is(err, ErrChanged) {
			continue // whoever was first holds it
		}
		if err == nil {
			f.lease, f.revision, f.renewed = l, revision, began
		}
		return t, err
	}
}

// outlive waits for a while, at most until a lease is dead.
func (f *Fence) outlive(ctx context.Context, e Entry, first bool) error {
	left := f.o.Dead - e.Silent
	if first {
		f.o.Log.Info("a process of this host and folder had the lease and has not released it; waiting until it is dead", "wait", left.Round(time.Second).String())
	}
	return sleep(ctx, min(left, f.o.Beat))
}

// write changes the lease of a revision, or creates it at revision 0.
func (f *Fence) write(ctx context.Context, l Lease, revision uint64) (uint64, error) {
	if revision == 0 {
		return f.o.Key.CreateLease(ctx, l)
	}
	return f.o.Key.ChangeLease(ctx, l, revision)
}

// valid is how long after it was renewed a lease is held. The rest of its life is for
// requests that are on their way.
func (f *Fence) valid() time.Duration { return f.o.Dead - f.o.Beat }

// Held is nil while the lease is held. Else it is a failure of class Wait, and nothing may
// be sent. It asks nobody, so that it holds for a process that was stopped for a while.
func (f *Fence) Held() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone == nil && since(f.renewed) < f.valid() {
		return nil
	}
	return &order.Failure{
		Class: order.Wait, Code: order.CodeLease, After: f.o.Beat, Charge: order.ChargeNone,
		Err: errors.New("the lease that keeps other hosts away is not renewed"),
	}
}

// since is the longer of the times that the clock and the timer of this machine show. A
// timer may stand still while the machine sleeps.
func since(t time.Time) time.Duration { return max(time.Since(t), time.Now().Round(0).Sub(t.Round(0))) }

// Lost gets the reason once another host has taken the lease.
func (f *Fence) Lost() <-chan error { return f.lost }

// renew renews the lease until ctx ends or another host has it.
func (f *Fence) renew(ctx context.Context) {
	for {
		wait := f.o.Beat
		if f.failing {
			wait /= 5
		}
		if sleep(ctx, wait) != nil {
			return
		}
		err := f.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if gone := f.note(err); gone != nil {
			f.lost <- gone
			return
		}
	}
}

// note takes the outcome of a renewal. It returns the error if the lease is gone for good.
func (f *Fence) note(err error) (gone error) {
	held := f.Held() == nil
	f.mu.Lock()
	gone = f.gone
	changes := held == f.failing
	if changes {
		f.failing = !held
	}
	f.mu.Unlock()
	if !changes {
		return gone
	}
	why := ""
	if !held {
		why = fmt.Sprintf("the lease that keeps other hosts away could not be renewed: %v", err)
	}
	f.o.Changed(why)
	return gone
}

// once renews the lease.
func (f *Fence) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, f.o.Beat)
	defer cancel()
	began := time.Now()
	revision, err := f.write(ctx, f.lease, f.revision)
	if errors.Is(err, ErrChanged) {
		revision, err = f.look(ctx)
	}
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revision, f.renewed = revision, began
	return nil
}

// look finds out why the lease was changed. A renewal whose answer was lost is our own, and
// a server that has lost everything has nobody else's.
func (f *Fence) look(ctx context.Context) (uint64, error) {
	e, err := f.o.Key.Lease(ctx)
	switch {
	case errors.Is(err, ErrAbsent):
		return f.o.Key.CreateLease(ctx, f.lease)
	case err != nil:
		return 0, err
	case e.Process == f.lease.Process:
		return f.o.Key.ChangeLease(ctx, f.lease, e.Revision)
	}
	if err := f.notice(e.Lease, f.lease.Epoch); err != nil {
		f.o.Log.Warn("the lease of the other host could not be noted", "error", err)
	}
	err = &HeldError{e.Host, e.Silent, e.Host == f.lease.Host && e.Folder == f.lease.Folder}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone = err
	return 0, err
}

// Release ends the renewals, and lets another host begin at once. Call it when nothing is
// sent any more.
func (f *Fence) Release(ctx context.Context) {
	f.end()
	<-f.done
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone != nil {
		return
	}
	f.lease.Released = true
	f.gone = errors.New("the lease is released")
	if _, err := f.write(ctx, f.lease, f.revision); err != nil {
		f.o.Log.Warn("the lease could not be released; another host waits until it is dead", "error", err)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
