package fulfill

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/host"
	"atelierd/internal/logonce"
	"atelierd/internal/media"
	"atelierd/internal/order"
)

// This file makes samples: what the owner has a generator make to see what it can do. A
// sample is a call as that of an order is, so it is recorded before it is sent, resumed
// after a crash, and counted. It has no job, so the command that began it waits for it.

// SampleStore is what samples need of the database.
type SampleStore interface {
	BeginSample(c order.NewSample) (order.Call, error)
	CallSubmitted(id int64, ticket string) error
	CallLate(id int64) (time.Duration, error)
	CallRuns(id int64) error
	CloseCall(id int64, state order.CallState, cost order.USD, note string) error
}

// Sampler has generators make samples.
type Sampler struct {
	Store SampleStore
	// Dir is the absolute folder for the samples. Files are made in folders below it.
	Dir string
	// Agent is the agent's id, or empty.
	Agent string
	Caps  order.Caps
	// Service is what the generator learns of the service that the sample is for.
	Service generate.Service
	// Progress is called with how far the sample is; may be nil.
	Progress func(order.Progress)
	Log      *slog.Logger
}

// Sampled is a sample that was made.
type Sampled struct {
	generate.Result
	Took time.Duration // since its call was recorded
}

// sampling is the work on one sample.
type sampling struct {
	Sampler
	generator Generator
	call      order.Call
	sample    order.Sample
	resumed   bool
	// failing is since when its result cannot be had.
	failing time.Time
}

// Make has the generator make a sample. If its error is an *order.Failure and the call is
// still open, Resume resumes it.
func (s Sampler) Make(ctx context.Context, g Generator, wanted order.Sample) (Sampled, error) {
	c := order.NewSample{NewCall: order.NewCall{Agent: s.Agent, Generator: g.Name, Price: g.Price}, Sample: wanted}
	if !g.Free {
		c.Caps = order.Caps{Attempt: s.Caps.Attempt, Order: s.Caps.Order, Day: s.Caps.Day}
	}
	call, err := s.Store.BeginSample(c)
	if err != nil {
		return Sampled{}, sampleCapped(err)
	}
	w := &sampling{Sampler: s, generator: g, call: call, sample: wanted}
	return w.find(ctx)
}

// Resume fetches the result of a sample that an earlier process began. It makes no other
// call. A sample whose outcome cannot be learned is closed and stays counted as spent.
func (s Sampler) Resume(ctx context.Context, g Generator, o order.OpenSample) (Sampled, error) {
	w := &sampling{Sampler: s, generator: g, call: o.Call, sample: o.Sample, resumed: true}
	if _, _, kept := readResult(w.record()); kept || o.Call.Ticket != "" {
		return w.make(ctx)
	}
	return w.find(ctx)
}

// find resumes the job that the provider has under the key of the call. If it has none, the
// call is made. One that is resumed is made again only if it is paid for once then;
// otherwise its outcome cannot be learned.
func (w *sampling) find(ctx context.Context) (Sampled, error) {
	ticket, err := w.generator.find(ctx, w.call.Key)
	switch {
	case err != nil:
		if _, err = w.failed(ctx, err); err == nil {
			err = errors.New("the provider cannot say whether it has the sample")
		}
		return Sampled{}, w.hinted(err)
	case ticket != "":
		if err := w.submitted(ctx, ticket); err != nil {
			return Sampled{}, err
		}
	case w.resumed && !w.generator.Free && !w.generator.repeats():
		if err := w.close(ctx, order.CallOutcome{State: order.CallUnknown, Cost: w.call.Cost}, "its outcome was never learned"); err != nil {
			return Sampled{}, err
		}
		return Sampled{}, order.Failf(order.Fail, order.CodeUnknownCall,
			"the sample that was begun at %s cannot be resumed; it may have been paid for and stays counted with $%s",
			w.call.BeganAt.UTC().Format(time.DateTime), w.call.Cost).
			WithHint("look at your account at the provider; %s makes another sample, which is paid for", order.Command(`generators try --prompt "TEXT"`, w.generator.Name))
	}
	return w.make(ctx)
}

// make runs the generator until it has a result or has failed for good.
func (w *sampling) make(ctx context.Context) (Sampled, error) {
	for {
		made, _, kept := readResult(w.record())
		if kept {
			return w.done(ctx, made)
		}
		made, err := w.generate(ctx)
		if err == nil {
			if err := w.persist(ctx, func() error { return writeResult(w.record(), made, 0) }); err != nil {
				return Sampled{}, w.hinted(err)
			}
			return w.done(ctx, made)
		}
		pause, err := w.failed(ctx, err)
		if err != nil {
			return Sampled{}, w.hinted(err)
		}
		w.resumed = true
		select {
		case <-ctx.Done():
			return Sampled{}, w.hinted(generate.Stopped(ctx))
		case <-time.After(pause):
		}
		if w.call.Ticket == "" {
			return w.find(ctx) // the provider may have the job although its answer was lost
		}
	}
}

// generate runs the generator once.
func (w *sampling) generate(ctx context.Context) (generate.Result, error) {
	out := w.OutputDir(w.call)
	if err := os.MkdirAll(out, 0o700); err != nil {
		return generate.Result{}, order.Failf(order.Hold, order.CodeOutputDir, "%w", err).Nothing()
	}
	req := generate.Request{
		OrderID: "sample", Attempt: 1, Brief: w.sample.Prompt, Prompt: w.sample.Prompt,
		OutputDir: out, Service: w.Service,
		Call: generate.Call{
			Key: w.call.Key, Ticket: w.call.Ticket, Resumed: w.resumed, Began: w.call.BeganAt,
			Submitted: func(ticket string) error { return w.submitted(ctx, ticket) },
			Progress:  w.Progress,
		},
	}
	for _, file := range w.sample.References {
		info, err := media.Inspect(file)
		if err != nil {
			return generate.Result{}, order.Failf(order.Hold, order.CodeBadFile, "the reference %s: %w", file, err).Nothing()
		}
		req.References = append(req.References, generate.Reference{Path: file, MIME: info.MIME})
	}
	runs := false
	req.Call.Running = func() { runs = true }
	made, err := w.generator.Backend.Generate(ctx, req)
	if runs && !w.call.LateAt.IsZero() {
		w.call.LateAt = time.Time{}
		err = errors.Join(err, w.persist(ctx, func() error { return w.Store.CallRuns(w.call.ID) }))
	}
	if err == nil && made.Fetched {
		err = w.whole(made.Files)
	}
	return made, err
}

// whole returns a late failure if a file that was fetched is damaged, as long as it may be
// fetched again.
func (w *sampling) whole(files []string) error {
	for _, file := range files {
		_, err := media.Inspect(file)
		if fail, ok := errors.AsType[*order.Failure](err); ok && fail.Code == order.CodeBadFile {
			return order.LateResult(order.CodeExpired, "the file at the provider's link is not the result yet: %w", fail)
		}
	}
	return nil
}

// failed closes the call unless its result may still come. It returns how long to wait for
// that, or the error with which the sample ends.
func (w *sampling) failed(ctx context.Context, err error) (time.Duration, error) {
	fail := *order.Classify(ctx, err)
	said := fail.Error()
	var late time.Duration
	if fail.Late() {
		if err := w.persist(ctx, func() (err error) {
			late, err = w.Store.CallLate(w.call.ID)
			return err
		}); err != nil {
			return 0, err
		}
		w.call.LateAt = time.Now().Add(-late)
	}
	after := order.AfterCall(order.FailedCall{
		Call: w.call, Failure: fail, LateFor: late, Resumed: w.resumed, Repeats: w.generator.repeats(),
		HostsFault: host.Lacks(err) != host.None,
	})
	switch {
	case after.State == "" && w.generator.Free && after.Failure.Class == order.Stopped:
		after.State = order.CallFailed // there is nothing to resume
	case after.State == "" && w.waits(after.Failure):
		return max(after.Failure.After, firstPause), nil
	}
	if after.State != "" {
		if err := w.close(ctx, after, said); err != nil {
			return 0, err
		}
	}
	return 0, &after.Failure
}

// firstPause is the least time between two looks at a sample.
const firstPause = 5 * time.Second

// waits reports whether a call that stays open is looked at again now. A sample that cannot
// be had for longer than an order's result is left to the owner.
func (w *sampling) waits(f order.Failure) bool {
	if f.Class != order.Wait && f.Class != order.Retry {
		return false
	}
	if w.failing.IsZero() {
		w.failing = time.Now()
	}
	w.Log.Info("the sample waits", "generator", w.generator.Name, "reason", f.Error())
	return time.Since(w.failing) < order.LateLimit
}

// done moves the files to the owner's folder and closes the call.
func (w *sampling) done(ctx context.Context, made generate.Result) (Sampled, error) {
	if err := w.deliver(&made); err != nil {
		return Sampled{}, w.hinted(fmt.Errorf("keep the sample: %w", err))
	}
	state, cost := w.call.Done(made.Cost)
	if err := w.close(ctx, order.CallOutcome{State: state, Cost: cost}, ""); err != nil {
		return Sampled{}, err
	}
	_ = os.RemoveAll(w.folder(w.call)) // the files have another name
	return Sampled{Result: made, Took: time.Since(w.call.BeganAt)}, nil
}

// deliver gives each file a name of its own in the owner's folder.
func (w *sampling) deliver(made *generate.Result) error {
	to := w.sample.Output
	if to == "" {
		to = w.Dir
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	n := 0
	for i, file := range made.Files {
		name := filepath.Base(file)
		if info, err := media.Inspect(file); err == nil {
			name = media.Name("x", info.MIME)
		}
		for {
			n++
			kept := filepath.Join(to, fmt.Sprintf("%s-%d%s", w.generator.Name, n, filepath.Ext(name)))
			if _, err := os.Lstat(kept); errors.Is(err, fs.ErrNotExist) {
				if err := link(file, kept); err != nil {
					return err
				}
				made.Files[i] = kept
				break
			}
		}
	}
	return nil
}

func (w *sampling) submitted(ctx context.Context, ticket string) error {
	w.call.Ticket = ticket
	return w.persist(ctx, func() error { return w.Store.CallSubmitted(w.call.ID, ticket) })
}

func (w *sampling) close(ctx context.Context, end order.CallOutcome, note string) error {
	w.call.State, w.call.Cost = end.State, end.Cost
	return w.persist(ctx, func() error { return w.Store.CloseCall(w.call.ID, end.State, end.Cost, note) })
}

// persist stores what is known only in memory. While this machine lacks what the write
// needs, it tries again until the command is stopped.
func (w *sampling) persist(ctx context.Context, write func() error) error {
	var failures logonce.Logger
	defer failures.Recovered(w.Log, "the sample is stored again")
	return host.Persist(ctx, func(err error) {
		failures.Failed(w.Log, "the sample cannot be stored; trying again", err, "generator", w.generator.Name)
	}, write)
}

// OutputDir returns the folder that the generator of a sample writes to.
func (s Sampler) OutputDir(c order.Call) string { return filepath.Join(s.folder(c), "out") }

// folder is the folder of a sample that is not done. Its name is the key of the call, so that a
// restored database that gives the same sample the same key finds its result.
func (s Sampler) folder(c order.Call) string { return filepath.Join(s.Dir, "."+c.Key) }

func (w *sampling) record() string { return filepath.Join(w.folder(w.call), "result.json") }

// hinted returns the error with the commands of a sample in its hint.
func (w *sampling) hinted(err error) error {
	fail, ok := errors.AsType[*order.Failure](err)
	if !ok {
		fail = order.Failf(order.Hold, order.CodeError, "%w", err)
	}
	own := *fail
	retry, redo := order.Command("orders retry", order.AnyOrder), order.Command("orders redo", order.AnyOrder)
	try := order.Command(`generators try --prompt "TEXT"`, w.generator.Name)
	if w.call.State == order.CallStarted || w.call.State == order.CallSubmitted {
		own.Hint = fmt.Sprintf("the sample is open and counts with $%s; %s resumes it, %s gives it up", w.call.Cost,
			order.Command("generators try --resume", w.generator.Name), order.Command("generators try --give-up", w.generator.Name))
		return &own
	}
	if w.call.Cost > 0 {
		own.Err = fmt.Errorf("%w; the sample counts with $%s", fail, w.call.Cost)
	}
	own.Hint = strings.NewReplacer(retry, try, redo, try).Replace(own.Hint)
	return &own
}

// sampleCapped returns the error of a sample that was not begun. What a cap hints at for
// orders is not so for a sample.
func sampleCapped(err error) error {
	fail, ok := errors.AsType[*order.Failure](err)
	if !ok {
		return err
	}
	own := *fail
	own.Hint = "raise the cap in [spending], or wait until tomorrow (UTC) if it is that of the day"
	if strings.Contains(fail.Hint, "reconcile") {
		own.Hint = fail.Hint
	}
	return &own
}
