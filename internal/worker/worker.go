// Package worker makes the calls that agents hand out over NATS, with the generators of this
// machine. It claims the record of a call before it makes the call, notes the provider's id
// before the first poll, and keeps finished files until the agent has them. A worker takes over
// a call of a worker that died if the provider's id is known.
//
// The package must not know the marketplace, orders, the database or the configuration
// file.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"atelierd/internal/filelock"
	"atelierd/internal/generate"
	"atelierd/internal/natsq"
	"atelierd/internal/term"
)

// Route is a route that the worker serves.
type Route struct {
	Name    string
	Backend generate.Generator
	// Free means that a call never costs anything, so a call of unknown outcome is made again.
	Free bool
	// Slots is how many calls of the route the worker makes at the same time.
	Slots int
}

// Options are the settings of a Worker.
type Options struct {
	Queue *natsq.Queue
	// Name is the worker's name. No two workers may have the same one.
	Name   string
	Routes []Route
	// Dir is the folder that keeps its calls and finished files.
	Dir string
	// Drain is how long calls may still run once Run is asked to stop.
	Drain time.Duration
	// Program is the version of the program.
	Program string
	Log     *slog.Logger
	// Beat and Dead replace natsq.Beat and natsq.Dead in tests.
	Beat, Dead time.Duration
}

// Worker makes the calls of its routes.
type Worker struct {
	o     Options
	lock  *os.File
	spool spool
	// places are by route.
	places map[string]*places

	mu      sync.Mutex
	running map[string]bool // by key
	busy    map[string]int  // by route
	shown   chan struct{}   // wakes the loop that shows the worker
}

const (
	// fetchWait is how long one request for a call waits. A stop waits for it.
	fetchWait = 2 * time.Second
	// failPause is the pause after NATS could not be asked.
	failPause = 2 * time.Second
	// laterPause is when a call that nobody may make now comes again.
	laterPause = 10 * time.Second
)

// Open returns a worker that has locked its folder. It fails if another process holds the
// folder.
func Open(o Options) (*Worker, error) {
	if o.Beat == 0 {
		o.Beat = natsq.Beat
	}
	if o.Dead == 0 {
		o.Dead = natsq.Dead
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(o.Dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := filelock.Lock(lock, true); err != nil {
		lock.Close()
		return nil, fmt.Errorf("another worker has the folder %s, or it cannot be locked: %w", o.Dir, err)
	}
	w := &Worker{
		o: o, lock: lock, spool: spool{dir: filepath.Join(o.Dir, "calls")}, places: map[string]*places{},
		running: map[string]bool{}, busy: map[string]int{}, shown: make(chan struct{}, 1),
	}
	for _, r := range o.Routes {
		w.places[r.Name] = &places{free: max(r.Slots, 1)}
	}
	return w, nil
}

// Close unlocks the folder.
func (w *Worker) Close() error { return w.lock.Close() }

// errDrain is the cause for which calls are cut at the end of a stop.
var errDrain = errors.New("the worker is stopping")

// Run makes calls until ctx ends. It then takes no new call, waits up to Options.Drain for
// those that run, and returns.
func (w *Worker) Run(ctx context.Context) {
	work, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	var loops, slots sync.WaitGroup
	loops.Go(func() { w.showing(work) })
	for _, r := range w.o.Routes {
		looked := make(chan struct{})
		slots.Go(func() { w.keepSpool(ctx, work, r, looked) })
		for range max(r.Slots, 1) {
			slots.Go(func() {
				<-looked // what was begun comes before what is new
				w.serve(ctx, work, r)
			})
		}
	}
	ended := make(chan struct{})
	go func() { slots.Wait(); close(ended) }()
	<-ctx.Done()
	w.o.Log.Info("stopping; no call is taken any more", "running", w.count())
	select {
	case <-ended:
	case <-time.After(max(w.o.Drain, 2*fetchWait)):
		w.o.Log.Warn("calls are cut; those with an id at a provider are resumed later", "running", w.count())
		cut(errDrain)
		<-ended
	}
	cut(nil)
	loops.Wait()
	w.hide()
}

// count returns how many calls run.
func (w *Worker) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.running)
}

// begin marks a call as in hand. It returns false if it is already.
func (w *Worker) begin(key string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running[key] {
		return false
	}
	w.running[key] = true
	return true
}

func (w *Worker) end(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.running, key)
}

// occupy takes a slot of the route until the release.
func (w *Worker) occupy(route string) (release func()) {
	change := func(by int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.busy[route] += by
		w.wakeShowing()
	}
	change(1)
	return func() { change(-1) }
}

func (w *Worker) wakeShowing() {
	select {
	case w.shown <- struct{}{}:
	default:
	}
}

// serve takes calls of a route, one after the other, until ctx ends. They run under work.
func (w *Worker) serve(ctx, work context.Context, r Route) {
	slots := w.places[r.Name]
	for ctx.Err() == nil && came(ctx, slots.turn()) {
		w.serveOne(ctx, work, r)
		slots.leave()
	}
}

// serveOne takes a call, if there is one, and makes it.
func (w *Worker) serveOne(ctx, work context.Context, r Route) {
	d, err := w.o.Queue.Fetch(work, r.Name, fetchWait)
	switch {
	case err != nil:
		if ctx.Err() == nil {
			w.o.Log.Warn("no call can be taken; trying again", "route", r.Name, "error", err)
		}
		sleep(ctx, failPause)
	case d == nil:
	case ctx.Err() != nil:
		d.Later(0)
	case d.Err != nil:
		// A newer worker may know it.
		w.o.Log.Error("a call cannot be read", "route", r.Name, "error", term.Line(d.Err.Error(), 200))
		d.Later(time.Minute)
	default:
		w.handle(work, r, d)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// handle makes a call, unless its record says otherwise.
func (w *Worker) handle(ctx context.Context, r Route, d *natsq.Delivery) {
	key := d.Call.Key
	if !safeKey(key) || d.Call.Route != r.Name {
		w.o.Log.Error("a call of a wrong route or key is dropped", "route", r.Name)
		d.Ack()
		return
	}
	if !w.begin(key) {
		d.Later(laterPause)
		return
	}
	defer w.end(key)
	log := w.o.Log.With("route", r.Name, "key", key)
	e, err := w.o.Queue.Get(ctx, r.Name, key)
	switch {
	case errors.Is(err, natsq.ErrAbsent) && d.Times > 5:
		d.Ack() // NATS was emptied: nobody knows whether the call was made
		return
	case err != nil:
		log.Warn("the record of a call cannot be read", "error", err)
		d.Later(laterPause)
		return
	}
	why, err := w.mine(ctx, r, e)
	if err != nil || why == later {
		d.Later(laterPause)
		return
	}
	if why == over {
		d.Ack()
		return
	}
	defer w.occupy(r.Name)()
	m := &making{w: w, route: r, call: d.Call, delivery: d, log: log, entry: e}
	switch ended := m.run(ctx); {
	case m.taken:
		// The message may be the one that the other worker holds.
	case ended:
		d.Ack()
	default:
		d.Later(laterPause)
	}
}

// verdict is whether a worker may make a call.
type verdict int

const (
	later verdict = iota // somebody else works on it, or the agent decides first
	over                 // it has ended
	take                 // it may
)

// mine decides whether this worker may work on the call.
func (w *Worker) mine(ctx context.Context, r Route, e natsq.Entry) (verdict, error) {
	switch {
	case e.State.Ended():
		return over, nil
	case e.State == natsq.Wanted:
		return take, nil
	}
	foreign := e.Worker != "" && e.Worker != w.o.Name
	if foreign {
		silent, err := w.o.Queue.Silent(ctx, e)
		if err != nil || silent < w.o.Dead {
			return later, err
		}
	}
	switch {
	case e.State == natsq.Stopping:
		return take, nil
	case foreign && e.Local:
		return later, nil // it comes back, or the agent gives the call up
	case e.State != natsq.Calling || r.repeats():
		return take, nil
	}
	return later, nil // it may have been paid for; the agent decides
}

// local reports whether only this worker can resume what it has begun.
func (r Route) local() bool {
	l, ok := r.Backend.(generate.Local)
	return ok && l.Local()
}

// repeats reports whether a call that was cut without an id may be made again.
func (r Route) repeats() bool {
	again, ok := r.Backend.(generate.Repeater)
	return r.Free || ok && again.Repeats()
}

// safeKey reports whether a key can be the name of a folder.
func safeKey(key string) bool { return natsq.ValidName(key) }

// showing shows the worker until ctx ends.
func (w *Worker) showing(ctx context.Context) {
	for ctx.Err() == nil {
		for _, r := range w.o.Routes {
			w.mu.Lock()
			busy := w.busy[r.Name]
			w.mu.Unlock()
			err := w.o.Queue.Show(ctx, natsq.Worker{Name: w.o.Name, Route: r.Name, Slots: max(r.Slots, 1), Busy: busy, Program: w.o.Program})
			if err != nil && ctx.Err() == nil {
				w.o.Log.Debug("the worker cannot be shown", "error", err)
			}
		}
		t := time.NewTimer(w.o.Beat)
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-w.shown:
		}
		t.Stop()
	}
}

func (w *Worker) hide() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, r := range w.o.Routes {
		_ = w.o.Queue.Hide(ctx, r.Name, w.o.Name) // it is not shown once it is silent
	}
}
