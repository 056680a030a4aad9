// Package ping shows a monitor elsewhere that the daemon works: it calls an address after
// polls that the marketplace has answered. The monitor raises the alarm when the calls stop,
// so the owner hears of a daemon that is dead or hangs.
//
// It must not know how the address is called, or what a poll is.
package ping

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/logonce"
)

// every is the least time between two calls of the address.
const every = time.Minute

// Options are the settings of a Pinger.
type Options struct {
	// Get calls the address, with below added to its path; nil is no address.
	Get func(ctx context.Context, below string) error
	// Loops are those of the daemon.
	Loops *beat.Loops
	Log   *slog.Logger
}

// Pinger calls an address while all is well. Create it with New.
type Pinger struct {
	o        Options
	get      atomic.Pointer[func(context.Context, string) error]
	good     chan struct{} // a poll was answered
	last     time.Time     // of the last call; only one goroutine calls
	ending   atomic.Bool   // Fail was called
	failures logonce.Logger
	hangs    logonce.Logger
}

// New returns a Pinger.
func New(o Options) *Pinger {
	p := &Pinger{o: o, good: make(chan struct{}, 1)}
	p.Change(o.Get)
	return p
}

// Change replaces Get; nil is no address.
func (p *Pinger) Change(get func(ctx context.Context, below string) error) { p.get.Store(&get) }

// Polled records that the marketplace has answered a poll. It does not block.
func (p *Pinger) Polled() {
	select {
	case p.good <- struct{}{}:
	default: // a call is already pending
	}
}

// Run calls the address after answered polls, at most once a minute, until ctx ends. It
// does not while a loop of the daemon hangs.
func (p *Pinger) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		beat.Idle(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-p.good:
		}
		beat.Turn(ctx)
		p.ping(ctx)
	}
	return nil
}

// Once calls the address if a poll was answered.
func (p *Pinger) Once(ctx context.Context) {
	select {
	case <-p.good:
		p.ping(ctx)
	default:
	}
}

func (p *Pinger) ping(ctx context.Context) {
	get := *p.get.Load()
	if get == nil || p.ending.Load() || !p.last.IsZero() && time.Since(p.last) < every {
		return
	}
	if stuck := p.o.Loops.Stuck(); len(stuck) > 0 {
		p.hangs.Failed(p.o.Log, "no ping is sent, because a loop of the daemon hangs", fmt.Errorf("stuck: %s", strings.Join(stuck, ", ")))
		return
	}
	p.hangs.Recovered(p.o.Log, "no loop of the daemon hangs any more")
	p.last = time.Now()
	if err := get(ctx, ""); err != nil && ctx.Err() == nil {
		p.failures.Failed(p.o.Log, "the ping was not sent", err, "hint", "check [ping] in the configuration")
	} else if err == nil {
		p.failures.Recovered(p.o.Log, "pings are sent again")
	}
}

// Fail calls the address with /fail: the process ends by an internal error. No other call
// begins after it.
func (p *Pinger) Fail(ctx context.Context) {
	p.ending.Store(true)
	get := *p.get.Load()
	if get == nil {
		return
	}
	if err := get(ctx, "fail"); err != nil {
		p.o.Log.Warn("the monitor was not notified of the failure", "error", err)
	}
}
