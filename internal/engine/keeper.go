package engine

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// keeper renews the leases of all running jobs in one transaction, which shows the
// leases that were revoked. Work is cancelled for that reason alone. Nobody else can
// take a job while this process holds the data folder, and the token at the commit is
// the fence. So a renewal that failed, or that came late, does not end paid work.
type keeper struct {
	store Store
	lease time.Duration
	log   *slog.Logger
	wake  chan struct{}

	mu       sync.Mutex
	held     map[string]*held // by token
	check    bool
	failures logonce.Logger
}

type held struct {
	job    order.Job
	since  time.Time
	cancel context.CancelCauseFunc
}

func newKeeper(s Store, lease time.Duration, log *slog.Logger) *keeper {
	return &keeper{store: s, lease: lease, log: log, wake: make(chan struct{}, 1), held: map[string]*held{}}
}

func (k *keeper) hold(job order.Job, cancel context.CancelCauseFunc) {
	k.mu.Lock()
	k.held[job.Token] = &held{job: job, since: time.Now(), cancel: cancel}
	first := len(k.held) == 1
	k.mu.Unlock()
	if first {
		k.nudge()
	}
}

func (k *keeper) forget(job order.Job) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.held, job.Token)
}

// running returns the attempts that run, the oldest first.
func (k *keeper) running() []Attempt {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := make([]Attempt, 0, len(k.held))
	for _, h := range k.held {
		list = append(list, Attempt{h.job, h.since})
	}
	slices.SortFunc(list, func(a, b Attempt) int { return a.Since.Compare(b.Since) })
	return list
}

// recheck requests a renewal now, which finds revoked leases.
func (k *keeper) recheck() {
	k.mu.Lock()
	k.check = true
	k.mu.Unlock()
	k.nudge()
}

func (k *keeper) nudge() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// run renews every third of a lease while jobs run, and more often after a failed
// renewal. It sleeps without a timer while no job runs.
func (k *keeper) run(ctx context.Context) {
	self := beat.Branch(ctx)
	defer self.End()
	ctx = self.In(ctx)
	t := time.NewTimer(k.lease / 3)
	defer t.Stop()
	for {
		beat.Turn(ctx)
		jobs, now := k.jobs()
		pause := k.lease / 3
		if now && len(jobs) > 0 && !k.renew(jobs) {
			pause = k.lease / 12
		}
		var tick <-chan time.Time
		if len(jobs) > 0 {
			t.Reset(pause)
			tick = t.C
			beat.Within(ctx, pause)
		} else {
			beat.Idle(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		case <-tick:
			k.mu.Lock()
			k.check = true
			k.mu.Unlock()
		}
	}
}

func (k *keeper) jobs() (list []order.Job, now bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range k.held {
		list = append(list, h.job)
	}
	now, k.check = k.check, false
	return list, now
}

func (k *keeper) renew(jobs []order.Job) bool {
	late := time.AfterFunc(k.lease, func() { k.failures.Failed(k.log, renewalFailed, errLate) })
	lost, err := k.store.Renew(jobs, k.lease)
	late.Stop()
	if err != nil {
		k.failures.Failed(k.log, renewalFailed, err)
		return false
	}
	k.failures.Recovered(k.log, "lease renewal works again")
	k.mu.Lock()
	defer k.mu.Unlock()
	gone := map[string]bool{}
	for _, j := range lost {
		gone[j.Token] = true
	}
	for _, j := range jobs {
		if h := k.held[j.Token]; h != nil && gone[j.Token] {
			h.cancel(order.ErrLeaseLost)
		}
	}
	return true
}

const renewalFailed = "leases are not renewed; running work continues"

// errLate is logged while a renewal waits for the database, as behind the lock of
// another process.
var errLate = errors.New("the renewal waits for longer than a lease")
