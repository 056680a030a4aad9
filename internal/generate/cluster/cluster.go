// Package cluster is the generator whose calls are made by workers on other machines. It
// hands a call out over NATS, waits for it, and fetches the files. Its ticket is nats:KEY,
// so a call is resumed after a crash like that of any provider with jobs.
//
// What is handed out twice is made once: a worker claims the record of a call before it
// makes it. A call whose record is gone is not handed out again.
//
// The package must not know the marketplace, the database or the configuration file.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/generate"
	"atelierd/internal/natsq"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// Options configure a generator.
type Options struct {
	// Open returns the connection. It is called for each call, and connects once.
	Open func() (*natsq.Queue, error)
	// Agent returns the id of the agent.
	Agent func() string
	// Route is what the call needs. Its workers make it.
	Route string
	// Timeout limits one run. 0 means 10 minutes. A call that is not done by then stays
	// handed out, and the next run waits for it.
	Timeout time.Duration
	// AcceptWithin is how long no worker may have begun the call until it is withdrawn, so
	// that another generator can stand in. 0 is no limit.
	AcceptWithin time.Duration
	// LostAfter is how long a worker may be silent during a call whose id at the provider
	// is not known. 0 means 2 minutes.
	LostAfter time.Duration
	Log       *slog.Logger
}

// Generator is a generate.Generator.
type Generator struct {
	o Options

	mu sync.Mutex
	// waiting is how many calls of this process no worker has begun.
	waiting int
}

const (
	prefix           = "nats:"
	defaultTimeout   = 10 * time.Minute
	defaultLostAfter = 2 * time.Minute
	probeTimeout     = 20 * time.Second
	// firstLook and lastLook are the pauses between two looks at a call.
	firstLook, lastLook = 50 * time.Millisecond, 2 * time.Second
	// again is how long a call waits next to free workers until it is queued again.
	again = 2*time.Minute + 10*time.Second
	// slowPause is the pause after a run that has reached its limit.
	slowPause = 30 * time.Second
	// roomPause is the pause while every worker is busy.
	roomPause = 5 * time.Second
)

// New returns a generator. It connects to nothing. Check does.
func New(o Options) (*Generator, error) {
	if !natsq.ValidName(o.Route) {
		return nil, fmt.Errorf("route %.60q is no name; use letters, digits, _ and -", o.Route)
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.LostAfter == 0 {
		o.LostAfter = defaultLostAfter
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Generator{o: o}, nil
}

// Repeats implements generate.Repeater: a call that is handed out again is made once.
func (g *Generator) Repeats() bool { return true }

// Check implements generate.Generator. It finds out whether NATS is set up and a worker of
// the route is there.
func (g *Generator) Check(ctx context.Context) error {
	ctx, cancel := beat.TimeoutCause(ctx, probeTimeout, errSilent)
	defer cancel()
	held := func(err error) error {
		f, _ := errors.AsType[*order.Failure](g.unreachable(ctx, err))
		if f.Class != order.Stopped {
			f.Class, f.Outage = order.Hold, false
			if errors.Is(err, natsq.ErrNotSetUp) {
				f.Code = order.CodeMisconfigured
			}
		}
		return f
	}
	q, err := g.o.Open()
	if err != nil {
		return held(err)
	}
	_, any, err := q.Free(ctx, g.o.Route)
	if err != nil {
		return held(err)
	}
	if !any {
		return order.Failf(order.Hold, order.CodeNoWorker, "no worker of route %s is there", g.o.Route).
			WithHint("run atelierd worker on a machine that serves the route").Nothing()
	}
	return nil
}

// Room implements generate.Limited: as many calls are handed out as workers are free, and
// one more. The others wait in the ledger, where the most urgent order is first. While NATS
// cannot be asked there is room: the call then fails, which pauses the generator, so that
// another one can stand in. So it is without any worker, where calls are withdrawn in time.
func (g *Generator) Room(ctx context.Context) error {
	q, err := g.o.Open()
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	free, any, err := q.Free(ctx, g.o.Route)
	if err != nil || !any && g.o.AcceptWithin > 0 {
		return nil //nolint:nilerr // see above
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting <= free {
		return nil
	}
	f := order.Failf(order.Wait, order.CodeWorkersBusy, "every worker of route %s is busy", g.o.Route).Nothing()
	f.After = roomPause
	return f
}

// wait counts a call that no worker has begun, until the release.
func (g *Generator) wait() (release func()) {
	g.mu.Lock()
	g.waiting++
	g.mu.Unlock()
	return sync.OnceFunc(func() {
		g.mu.Lock()
		g.waiting--
		g.mu.Unlock()
	})
}

// Find implements generate.Finder.
func (g *Generator) Find(ctx context.Context, key string) (string, error) {
	q, err := g.o.Open()
	if err != nil {
		return "", g.unreachable(ctx, err)
	}
	_, err = q.Latest(ctx, g.o.Route, key)
	switch {
	case errors.Is(err, natsq.ErrAbsent):
		return "", nil
	case err != nil:
		return "", g.unreachable(ctx, err)
	}
	return prefix + key, nil
}

// Generate implements generate.Generator. It hands the call out, or waits for one that an
// earlier run has handed out, and fetches its files.
func (g *Generator) Generate(ctx context.Context, req generate.Request) (generate.Result, error) {
	made, err := g.generate(ctx, req)
	if f, ok := errors.AsType[*order.Failure](err); ok {
		if !req.Call.Began.IsZero() {
			f = f.Overdue(time.Since(req.Call.Began))
		}
		return made, f.For(req.OrderID)
	}
	return made, err
}

func (g *Generator) generate(ctx context.Context, req generate.Request) (made generate.Result, err error) {
	if ctx.Err() != nil {
		return made, ended(ctx)
	}
	key, resumed := strings.CutPrefix(req.Call.Ticket, prefix)
	q, err := g.o.Open()
	if err != nil {
		return made, g.of(ctx, err, resumed)
	}
	limit, cancel := beat.TimeoutCause(ctx, g.o.Timeout, errSlow)
	defer cancel()
	c := call{g: g, q: q, key: key, req: req, release: func() {}}
	defer func() { c.release() }()
	if !resumed {
		c.count() // its pictures may take a while, and the next call asks for room meanwhile
		if c.key, err = g.handOut(limit, q, req); err != nil {
			return made, err
		}
	}
	last, err := c.await(limit)
	if err != nil {
		return made, err
	}
	if last.State != natsq.Done {
		return made, c.failed(ctx, last)
	}
	return c.fetch(ctx, last)
}

// Committed implements generate.Committer: the agent has stored the result, so neither
// NATS nor the worker need keep it.
func (g *Generator) Committed(ctx context.Context, ticket string) {
	key, ok := strings.CutPrefix(ticket, prefix)
	q, err := g.o.Open()
	if !ok || err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if err := g.committed(ctx, q, key); err != nil {
		g.o.Log.Debug("a finished call stays in NATS until it is old", "key", key, "error", err)
	}
}

func (g *Generator) committed(ctx context.Context, q *natsq.Queue, key string) error {
	e, err := q.Get(ctx, g.o.Route, key)
	if err != nil || e.State != natsq.Done {
		return err
	}
	r := e.Record
	r.Stored = true
	if _, err := q.Change(ctx, e, r); err != nil {
		return err
	}
	g.removePictures(ctx, q, key)
	return q.RemoveFiles(ctx, natsq.BucketOut(g.o.Route), e.Result.Files)
}

// removePictures removes the client's pictures of a call that has ended.
func (g *Generator) removePictures(ctx context.Context, q *natsq.Queue, key string) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if err := q.RemoveInput(ctx, g.o.Route, key); err != nil {
		g.o.Log.Debug("the pictures of a call stay in NATS until they are old", "key", key, "error", err)
	}
}

// jobFile holds the call as it is handed out, in the folder of the attempt.
const jobFile = ".call.json"

func (g *Generator) jobFile(req generate.Request) string {
	return filepath.Join(req.OutputDir, jobFile)
}

// clean removes what was noted for a call that is over.
func (g *Generator) clean(req generate.Request) { _ = os.Remove(g.jobFile(req)) }

// The causes of a limit: that of a run, and that of an answer.
var (
	errSlow   = errors.New("the call is not done yet")
	errSilent = errors.New("NATS did not answer in time")
)

// of returns the failure of NATS. A call that may be handed out stays pending.
func (g *Generator) of(ctx context.Context, err error, out bool) error {
	f, _ := errors.AsType[*order.Failure](g.unreachable(ctx, err))
	if out && f.Charge == order.ChargeNone {
		own := *f
		own.Charge = order.ChargePending
		return &own
	}
	return f
}

// unreachable returns the failure of a request to NATS that costs nothing.
func (g *Generator) unreachable(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ended(ctx)
	case errors.Is(err, natsq.ErrNotSetUp):
		// A server that has just started answers so too, until it knows what there is.
		f := order.Failf(order.Retry, order.CodeProviderUnreachable, "%w", err).Nothing()
		f.Outage, f.Hint = true, "if this continues, run "+order.Command("nats setup")+"; work resumes by itself"
		return f
	}
	f := order.Failf(order.Retry, order.CodeProviderUnreachable, "NATS cannot be asked: %s", term.Line(err.Error(), 300)).Nothing()
	f.Outage, f.Hint = true, "see whether its servers run; work resumes by itself"
	return f
}

// ended returns the failure of a run whose context has ended.
func ended(ctx context.Context) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errSlow):
		return &order.Failure{Class: order.Wait, Code: order.CodeSlow, Charge: order.ChargePending, Err: errSlow, After: slowPause}
	case errors.Is(cause, errSilent):
		return &order.Failure{Class: order.Retry, Code: order.CodeProviderUnreachable, Outage: true, Charge: order.ChargePending, Err: errSilent}
	default:
		return &order.Failure{Class: order.Stopped, Code: order.CodeStopped, Charge: order.ChargePending, Err: cause}
	}
}
