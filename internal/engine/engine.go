// Package engine runs durable jobs. It leases a job, renews the lease, runs the
// job's stage on one of two lanes of workers, and commits the result. A failed
// stage is retried, held for the owner or failed for good. Work starts on a signal
// or when the next job is due; the engine never polls the database.
//
// It must not know SQL, HTTP, or what a stage does.
package engine

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// Store is the part of the database that the engine needs. Turn and Renew are
// durable when they return. They take no context, because a result is committed
// even while the daemon stops.
type Store interface {
	Turn(done *order.Done, lane order.Lane, more bool, lease time.Duration) (order.Turn, error)
	Renew(jobs []order.Job, lease time.Duration) (lost []order.Job, err error)
	HasWork(now time.Time) (bool, error)
}

// Runner runs one stage of one job. When ctx is cancelled, Run must return soon and
// do nothing more for the job. An error that is an
// *order.Failure decides what happens to the job next; any other is retried.
type Runner interface {
	Run(ctx context.Context, job order.Job) (order.Result, error)
}

// Options are the engine's settings. A zero value means the default, which follows
// each name.
type Options struct {
	Store  Store
	Runner Runner
	Log    *slog.Logger
	// Generators and Network are the numbers of workers of the two lanes: 2 and 4.
	Generators int
	Network    int
	// MaxAttempts is how often a stage is tried: 5. Attempts that met an outage do
	// not count.
	MaxAttempts int
	// Backoff is the time between attempts: 5 s, doubled up to 10 min.
	Backoff order.Backoff
	// Lease is the duration of a lease, which is renewed each third of it: 1 min. Work
	// continues when a renewal is late.
	Lease time.Duration
	// Ended is called with each attempt whose outcome was committed. May be nil.
	Ended func(Ended)
	// Drain is how long running work may continue after a stop: 0, it is cut at once.
	Drain time.Duration
}

// Settings are what Change changes. A zero value means the default.
type Settings struct {
	Generators  int
	MaxAttempts int
	Backoff     order.Backoff
	Drain       time.Duration
}

func (s Settings) withDefaults() Settings {
	def(&s.Generators, 2)
	def(&s.MaxAttempts, 5)
	if s.Backoff == (order.Backoff{}) {
		s.Backoff = order.Backoff{Base: 5 * time.Second, Max: 10 * time.Minute}
	}
	return s
}

// Engine is a set of workers. Create it with New and call Run or RunUntilIdle once.
type Engine struct {
	o      Options
	set    atomic.Pointer[Settings]
	lanes  map[order.Lane]*lane
	keeper *keeper

	mu     sync.Mutex
	paused map[string]bool // why no new work is taken; empty while it is taken
	// outages counts the outages in a row by job. They are no attempts, but they
	// lengthen the backoff.
	outages map[int64]int
	waits   map[int64]order.Code // codes of what jobs wait for, which are logged once
	parked  int
	resized chan struct{} // receives, without blocking, after a Change
	idle    chan struct{} // receives, without blocking, when the last worker parks

	hurry     context.CancelCauseFunc
	hurryCtx  context.Context
	storeLost logonce.Logger
}

// New returns an engine. It panics without a Store or a Runner.
func New(o Options) *Engine {
	if o.Store == nil || o.Runner == nil {
		panic("engine: Options need a Store and a Runner")
	}
	def(&o.Network, 4)
	def(&o.Lease, time.Minute)
	if o.Ended == nil {
		o.Ended = func(Ended) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{o: o, resized: make(chan struct{}, 1), idle: make(chan struct{}, 1), outages: map[int64]int{}, waits: map[int64]order.Code{}, paused: map[string]bool{}}
	e.hurryCtx, e.hurry = context.WithCancelCause(context.Background())
	e.keeper = newKeeper(o.Store, o.Lease, o.Log)
	e.lanes = map[order.Lane]*lane{
		order.LaneGenerate: newLane(order.LaneGenerate, 0),
		order.LaneNetwork:  newLane(order.LaneNetwork, o.Network),
	}
	e.Change(Settings{Generators: o.Generators, MaxAttempts: o.MaxAttempts, Backoff: o.Backoff, Drain: o.Drain})
	return e
}

// Change replaces the settings. Work that runs is not cut: with fewer generators than
// before, a worker leaves once its work is done.
func (e *Engine) Change(s Settings) {
	s = s.withDefaults()
	e.set.Store(&s)
	e.lanes[order.LaneGenerate].resize(s.Generators)
	select {
	case e.resized <- struct{}{}:
	default:
	}
}

func def[T int | time.Duration](v *T, to T) {
	if *v == 0 {
		*v = to
	}
}

// Wake signals that a commit has made work of these lanes ready, or has revoked
// leases. It does not block.
func (e *Engine) Wake(generate, network, revoked bool) {
	if generate {
		e.lanes[order.LaneGenerate].signal()
	}
	if network {
		e.lanes[order.LaneNetwork].signal()
	}
	if revoked {
		e.keeper.recheck()
	}
}

// Attempt is an attempt that runs.
type Attempt struct {
	Job   order.Job
	Since time.Time
}

// Ended is an attempt that has ended.
type Ended struct {
	Job  order.Job
	Took time.Duration
	// Failure is nil if the stage is done.
	Failure *order.Failure
}

// Running returns the attempts that run, the oldest first.
func (e *Engine) Running() []Attempt { return e.keeper.running() }

// Pause stops the engine from taking new work until Resume for the same reason.
// Running work continues.
func (e *Engine) Pause(reason string) { e.setPaused(reason, true) }

// Resume ends a Pause for the reason.
func (e *Engine) Resume(reason string) {
	e.setPaused(reason, false)
	e.Wake(true, true, false)
}

func (e *Engine) setPaused(reason string, paused bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if paused {
		e.paused[reason] = true
	} else {
		delete(e.paused, reason)
	}
}

func (e *Engine) taking() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.paused) == 0
}

// Run works until ctx is cancelled. Then it takes no new work, lets running work
// continue for the drain time, puts back what still runs, and returns. The error is
// always nil: neither a job nor a database error stops the engine.
func (e *Engine) Run(ctx context.Context) error {
	// Running work outlives ctx by the drain time.
	work, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	stopHurry := context.AfterFunc(e.hurryCtx, func() { cut(order.ErrStopping) })
	defer stopHurry()
	stopDrain := context.AfterFunc(ctx, func() {
		t := time.NewTimer(e.set.Load().Drain)
		defer t.Stop()
		select {
		case <-t.C:
		case <-work.Done():
		}
		cut(order.ErrStopping)
	})
	defer stopDrain()
	defer cut(order.ErrStopping)

	keeping, stopKeeping := context.WithCancel(context.WithoutCancel(ctx))
	var keeper, workers sync.WaitGroup
	beat.Idle(ctx)
	keeper.Go(func() { e.keeper.run(keeping) })
	workers.Go(func() {
		for ctx.Err() == nil {
			for _, l := range e.lanes {
				for l.grows() {
					workers.Go(func() { e.work(ctx, work, l) })
				}
			}
			select {
			case <-ctx.Done():
			case <-e.resized:
			}
		}
	})
	workers.Wait()
	stopKeeping()
	keeper.Wait()
	return nil
}

// StopNow cuts running work at once, as the end of the drain time does.
func (e *Engine) StopNow() { e.hurry(order.ErrStopping) }

// RunUntilIdle works until no job is due now, then returns like Run.
func (e *Engine) RunUntilIdle(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-e.idle:
			}
			more, err := e.o.Store.HasWork(time.Now())
			if err != nil || (!more && e.allParked()) {
				stop()
				return
			}
			e.Wake(true, true, false)
		}
	})
	err := e.Run(ctx)
	stop()
	watch.Wait()
	return err
}

func (e *Engine) allParked() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.parked == e.set.Load().Generators+e.o.Network
}

func (e *Engine) park(by int) {
	e.mu.Lock()
	e.parked += by
	all := e.parked == e.set.Load().Generators+e.o.Network
	e.mu.Unlock()
	if all {
		select {
		case e.idle <- struct{}{}:
		default:
		}
	}
}
