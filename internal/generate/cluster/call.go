package cluster

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/natsq"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// handOut makes the call known and queues it. The record comes first, then the ticket, then
// the queue: a call that may be in the queue has a ticket, and is never handed out a second time.
func (g *Generator) handOut(ctx context.Context, q *natsq.Queue, req generate.Request) (key string, err error) {
	if key = req.Call.Key; key == "" {
		key = rand.Text() // outside the daemon nothing is resumed
	}
	text, err := g.text(ctx, q, key, req)
	if err != nil {
		return key, err
	}
	if err := writeDurably(g.jobFile(req), text); err != nil {
		return key, fmt.Errorf("note the call: %w", err)
	}
	if _, err := q.Create(ctx, g.o.Route, key, natsq.Record{State: natsq.Wanted}); err != nil && !errors.Is(err, natsq.ErrChanged) {
		return key, g.unreachable(ctx, err)
	}
	if req.Call.Submitted != nil {
		if err := req.Call.Submitted(prefix + key); err != nil {
			return key, &order.Failure{
				Class: order.Retry, Code: order.CodeTicket, Charge: order.ChargePending,
				Err: fmt.Errorf("cannot store the ticket of the call: %w", err),
			}
		}
	}
	return key, nil
}

// text returns the call as workers get it, and stores its pictures for them.
func (g *Generator) text(ctx context.Context, q *natsq.Queue, key string, req generate.Request) ([]byte, error) {
	call := natsq.Call{Key: key, Route: g.o.Route, Request: anonymous(key, req)}
	for i, ref := range req.References {
		f, err := q.PutFile(ctx, natsq.BucketIn(g.o.Route), natsq.Input(key, i+1), ref.Path)
		if _, is := errors.AsType[*fs.PathError](err); is {
			return nil, order.Failf(order.Retry, order.CodeReference, "a picture of the client cannot be read: %w", err).Nothing()
		}
		if err != nil {
			return nil, g.unreachable(ctx, err)
		}
		f.MIME, f.URL = ref.MIME, ref.URL
		call.References = append(call.References, f)
	}
	text, err := call.Text()
	if err != nil {
		return nil, order.Failf(order.Hold, order.CodeBadRequest, "%w", err).Nothing()
	}
	return text, nil
}

// anonymous returns the request without what names the order or is a path of this machine.
func anonymous(key string, req generate.Request) generate.Request {
	req.OrderID, req.OutputDir, req.References, req.Made = key, "", nil, nil
	req.Attempt = 1
	req.PreviousTakes = slices.Clone(req.PreviousTakes)
	for i := range req.PreviousTakes {
		req.PreviousTakes[i].Files = nil
	}
	return req
}

// call is a call that is handed out.
type call struct {
	g   *Generator
	q   *natsq.Queue
	key string
	req generate.Request
	// release ends the count of the call as one that no worker has begun.
	release func()
	counted bool
	// queued is when this run has queued it.
	queued time.Time
	// seen is the record that this run has read last, unchanged since then.
	seen  natsq.Entry
	since time.Time
}

// unchanged returns for how long this run has seen the record as it is. A run ends when NATS
// does not answer, so no outage counts, in which a worker cannot be heard.
func (c *call) unchanged(e natsq.Entry) time.Duration {
	if c.since.IsZero() || !e.Same(c.seen) {
		c.seen, c.since = e, time.Now()
	}
	return time.Since(c.since)
}

// watch is how long a run looks at a silent worker itself until it counts as lost.
func (o Options) watch() time.Duration {
	return min(3*natsq.Beat, o.LostAfter, o.Timeout/2)
}

// await returns the record of the call once it has ended. Every failure before that leaves
// the call handed out.
func (c *call) await(ctx context.Context) (natsq.Entry, error) {
	defer func() { c.release() }()
	pause := firstLook
	for {
		e, err := c.q.Latest(ctx, c.g.o.Route, c.key)
		switch {
		case errors.Is(err, natsq.ErrAbsent):
			return e, order.LateResult(order.CodeExpired, "NATS has no record of the call that was handed out")
		case err != nil:
			return e, c.g.of(ctx, err, true)
		case e.State.Ended():
			return e, nil
		}
		if e, err = c.step(ctx, e); err != nil || e.State.Ended() {
			return e, err
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return e, c.withNote(ended(ctx), e.Note)
		case <-t.C:
		}
		pause = min(pause*5/4, lastLook)
	}
}

// withNote adds why the result is not there yet.
func (c *call) withNote(err error, note string) error {
	f, ok := errors.AsType[*order.Failure](err)
	if !ok || note == "" || f.Code != order.CodeSlow {
		return err
	}
	own := *f
	own.Err = fmt.Errorf("%w: %s", f.Err, term.Line(note, 300))
	return &own
}

// count counts the call as one that no worker has begun, once.
func (c *call) count() {
	if !c.counted {
		c.counted, c.release = true, c.g.wait()
	}
}

// step does what an open call needs now.
func (c *call) step(ctx context.Context, e natsq.Entry) (natsq.Entry, error) {
	if e.State == natsq.Wanted {
		return c.stepWanted(ctx, e)
	}
	c.release()
	if c.req.Call.Running != nil && e.Failure == nil {
		c.req.Call.Running()
	}
	progress := e.Progress
	progress.Phase = cmp.Or(progress.Phase, order.PhaseMaking)
	c.req.Call.Report(progress)
	if e.Failure != nil {
		return e, c.troubled(e)
	}
	if e.State != natsq.Calling && (e.State != natsq.Submitted || !e.Local) {
		return e, nil // another worker resumes it
	}
	watched := c.unchanged(e)
	silent, err := c.q.Silent(ctx, e)
	if err != nil {
		return e, c.g.of(ctx, err, true)
	}
	if silent < c.g.o.LostAfter || watched < c.g.o.watch() {
		return e, nil
	}
	r := e.Record
	r.State = natsq.Unknown
	return c.change(ctx, e, r)
}

// stepWanted queues a call that no worker has begun, or withdraws it.
func (c *call) stepWanted(ctx context.Context, e natsq.Entry) (natsq.Entry, error) {
	c.count()
	c.req.Call.Report(order.Progress{Phase: order.PhaseQueued})
	if limit := c.g.o.AcceptWithin; limit > 0 {
		silent, err := c.q.Silent(ctx, e)
		if err != nil {
			return e, c.g.of(ctx, err, true)
		}
		if silent >= limit {
			r := e.Record
			r.State = natsq.Cancelled
			return c.change(ctx, e, r)
		}
	}
	switch {
	case c.queued.IsZero():
	case time.Since(c.queued) < again:
		return e, nil
	default:
		if free, _, err := c.q.Free(ctx, c.g.o.Route); err != nil || free == 0 {
			return e, nil // what is queued waits for a worker
		}
	}
	text, err := os.ReadFile(c.g.jobFile(c.req))
	if err != nil {
		c.queued = time.Now() // an earlier run has queued it
		return e, nil
	}
	if err := c.q.Publish(ctx, c.g.o.Agent(), c.g.o.Route, c.key, text); err != nil {
		return e, c.g.of(ctx, err, true)
	}
	c.queued = time.Now()
	c.g.o.Log.Debug("call handed out", "order", c.req.OrderID, "round", c.req.Round, "attempt", c.req.Attempt, "key", c.key)
	return e, nil
}

// change changes the record. If somebody else has changed it, what was read stays, and the
// next look shows what it is now.
func (c *call) change(ctx context.Context, e natsq.Entry, r natsq.Record) (natsq.Entry, error) {
	now, err := c.q.Change(ctx, e, r)
	switch {
	case errors.Is(err, natsq.ErrChanged):
		return e, nil
	case err != nil:
		return e, c.g.of(ctx, err, true)
	}
	return now, nil
}

// failed returns the failure of a call that ended without a result.
func (c *call) failed(ctx context.Context, e natsq.Entry) error {
	c.g.clean(c.req)
	c.g.removePictures(ctx, c.q, c.key)
	switch {
	case e.State == natsq.Cancelled:
		f := order.Failf(order.Wait, order.CodeNoWorker, "no worker of route %s began the call in time", c.g.o.Route).Nothing()
		f.After = slowPause
		return f
	case e.State == natsq.Unknown:
		why := "before the provider's id was known"
		if e.Ticket != "" {
			why = "whose job is on its machine"
		}
		f := order.Failf(order.Retry, order.CodeWorkerLost, "worker %s was lost during the call, %s", term.Line(e.Worker, 40), why)
		f.Charge, f.Over = order.ChargeUnknown, true
		return f
	case e.Failure == nil:
		return order.Failf(order.Retry, order.CodeProviderFailed, "the call failed at worker %s without a reason", term.Line(e.Worker, 40))
	}
	f := c.told(e)
	if f.Charge == order.ChargePending {
		f.Charge = order.ChargeUnknown
	}
	f.Over = true
	return f
}

// troubled returns the failure of a call that still runs, and whose result is late or needs the
// owner. Its worker keeps looking for it.
func (c *call) troubled(e natsq.Entry) error {
	f := c.told(e)
	f.Charge = order.ChargePending
	return f
}

// told returns what a worker says about a call that has failed.
func (c *call) told(e natsq.Entry) *order.Failure {
	f := e.Failure.Failure()
	if !slices.Contains([]order.Class{order.Retry, order.Wait, order.Fail, order.Hold}, f.Class) {
		f.Class = order.Retry
	}
	f.Err = errors.New(term.Line(fmt.Sprintf("worker %s: %s", e.Worker, e.Failure.Text), 600))
	f.Hint = strings.ReplaceAll(term.Line(f.Hint, 400), c.key, order.AnyOrder)
	f.After, f.Cost = min(max(f.After, 0), 6*time.Hour), max(f.Cost, 0)
	return f
}

// fetch gets the files of the result into the folder of the attempt.
func (c *call) fetch(ctx context.Context, e natsq.Entry) (made generate.Result, err error) {
	r := e.Result
	if r == nil || len(r.Files) > generate.MaxFiles {
		return made, order.Failf(order.Retry, order.CodeBadAnswer, "the worker's result cannot be used")
	}
	if err := os.MkdirAll(c.req.OutputDir, 0o700); err != nil {
		return made, order.Failf(order.Retry, order.CodeOutputDir, "%w", err)
	}
	c.req.Call.Report(order.Progress{Phase: order.PhaseDownloading})
	made = generate.Result{URL: r.URL, MediaType: r.MediaType, Cost: max(r.Cost, 0), Message: term.Line(r.Message, 500), Log: tail(r.Log), Fetched: true}
	for i, f := range r.Files {
		path := filepath.Join(c.req.OutputDir, fileName(i, f.Name))
		if slices.Contains(made.Files, path) {
			path = filepath.Join(c.req.OutputDir, fmt.Sprintf("%d-%s", i+1, filepath.Base(path)))
		}
		if err := c.q.GetFile(ctx, natsq.BucketOut(c.g.o.Route), f, path); err != nil {
			return generate.Result{}, c.notFetched(ctx, e, err)
		}
		made.Files = append(made.Files, path)
	}
	c.g.clean(c.req)
	return made, nil
}

// fileName returns the name of a file of a worker. It stays in the folder, whatever the
// worker calls it, and hides nothing.
func fileName(i int, name string) string {
	name = filepath.Base(filepath.Clean("/" + name))
	if !filepath.IsLocal(name) || strings.HasPrefix(name, ".") || len(name) > 200 || term.Line(name, 200) != name {
		return fmt.Sprintf("file-%d%s", i+1, strings.ToLower(filepath.Ext(filepath.Base(name))))
	}
	return name
}

// tail returns the end of a worker's log, as far as a result may hold it.
func tail(log string) string {
	const most = 4 << 10
	return strings.ToValidUTF8(log[max(len(log)-most, 0):], "")
}

// notFetched returns the failure of a file. The worker keeps it in its spool, and stores it
// again where it is gone or damaged. Once the ledger has stored the result nobody keeps it: a
// ledger that asks for it was restored, and the owner decides whether it is paid for again.
func (c *call) notFetched(ctx context.Context, e natsq.Entry, err error) error {
	switch _, disk := errors.AsType[*fs.PathError](err); {
	case ctx.Err() != nil:
		return ended(ctx)
	case e.Stored && errors.Is(err, fs.ErrNotExist) && !disk:
		f := order.Failf(order.Hold, order.CodeFileGone, "the result of the call was fetched before the database was restored, and the workers keep it no longer").
			WithHint("%s delivers the file of the lost host; %s makes another call, which is paid for",
				order.Command("orders resubmit", order.AnyOrder, "--file", "FILE"), order.Command("orders redo", order.AnyOrder))
		f.Charge = order.ChargePending
		return f
	case errors.Is(err, natsq.ErrDamaged), errors.Is(err, fs.ErrNotExist) && !disk:
		return order.LateResult(order.CodeExpired, "a file of the worker: %w", err)
	case disk:
		return fmt.Errorf("store a file of the worker: %w", err)
	}
	f := order.Failf(order.Retry, order.CodeFetch, "a file of the worker cannot be fetched: %s", term.Line(err.Error(), 300))
	f.Outage, f.Charge = true, order.ChargePending
	return f
}

// writeDurably writes a small file that survives a power cut.
func writeDurably(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(text); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return os.Rename(part, path)
}
