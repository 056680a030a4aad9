package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/natsq"
	"atelierd/internal/order"
)

// This file ends calls.

// endWithin limits what is sent to end a call, next to its files. The spool sends it again
// later.
const endWithin = 2 * time.Minute

// deliverWithin returns how long the delivery of files may take.
func deliverWithin(files []string) time.Duration {
	within := endWithin
	for _, path := range files {
		if info, err := os.Stat(path); err == nil { // one that is not there fails at once
			within += natsq.TransferWithin(info.Size())
		}
	}
	return within
}

// finish keeps the result on the disk, stores it in NATS and ends the call.
func (m *making) finish(ctx context.Context, made generate.Result) bool {
	if err := m.w.spool.writeResult(m.dir, made); err != nil {
		m.log.Error("a result cannot be kept on the disk", "error", err)
		return false
	}
	if err := m.deliver(ctx, made); err != nil {
		m.log.Warn("a result is not in NATS yet; it is kept and stored later", "error", err)
		return false
	}
	m.log.Info("call done", "files", len(made.Files))
	return true
}

// deliver stores the files in NATS and ends the call, also once the run's context has ended. A
// worker that stops does not wait for slow files: the spool has them.
func (m *making) deliver(run context.Context, made generate.Result) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(run), deliverWithin(made.Files))
	defer cancel()
	defer context.AfterFunc(run, func() {
		if errors.Is(context.Cause(run), errDrain) {
			sleep(ctx, endWithin)
			cancel()
		}
	})()
	result, err := m.w.store(ctx, m.call, made)
	if err != nil {
		return err
	}
	return ignoreTaken(m.update(ctx, func(r *natsq.Record) {
		r.State, r.Result, r.Failure, r.Note, r.Worker = natsq.Done, result, nil, "", m.w.o.Name
	}))
}

// ignoreTaken returns nil for a call that another worker has taken over: that one ends it.
func ignoreTaken(err error) error {
	if errors.Is(err, errTaken) {
		return nil
	}
	return err
}

// store stores the files of a result in NATS.
func (w *Worker) store(ctx context.Context, c natsq.Call, made generate.Result) (*natsq.Result, error) {
	r := &natsq.Result{URL: made.URL, MediaType: made.MediaType, Cost: made.Cost, Message: made.Message, Log: made.Log}
	for i, path := range made.Files {
		f, err := w.o.Queue.PutFile(ctx, natsq.BucketOut(c.Route), fmt.Sprintf("%s/%d%s", c.Key, i+1, filepath.Ext(path)), path)
		if err != nil {
			return nil, err
		}
		r.Files = append(r.Files, f)
	}
	return r, nil
}

// failed ends the call with a failure.
func (m *making) failed(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return m.interrupted(ctx)
	}
	f := failure(err)
	state := natsq.Failed
	if f.Code == order.CodeRefused {
		state = natsq.Refused
	}
	m.log.Warn("call failed", "error", f)
	return m.endWith(state, f)
}

func (m *making) endWith(state natsq.State, f *order.Failure) bool {
	ctx, cancel := context.WithTimeout(context.Background(), endWithin)
	defer cancel()
	wire := natsq.FailureOf(f)
	err := ignoreTaken(m.update(ctx, func(r *natsq.Record) { r.State, r.Failure, r.Note = state, wire, "" }))
	if err != nil {
		m.log.Warn("the end of a call is not in NATS", "error", err)
		return false
	}
	return true
}

// interrupted is a call whose generator was ended from here.
func (m *making) interrupted(ctx context.Context) bool {
	if errors.Is(context.Cause(ctx), errTaken) {
		return true
	}
	m.mu.Lock()
	stopping := m.entry.State == natsq.Stopping
	m.mu.Unlock()
	if stopping {
		return m.stopped(ctx)
	}
	m.release()
	return false
}

// release lets another worker resume at once a call that was cut by a stop.
func (m *making) release() {
	m.mu.Lock()
	ticket := m.ticket
	m.mu.Unlock()
	if m.route.local() || ticket == "" && !m.route.repeats() {
		return // no other worker can resume it, or it may have been paid for and the agent decides
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := m.update(ctx, func(r *natsq.Record) { r.Worker = "" }); err != nil {
		m.log.Warn("a call that was cut waits until the worker counts as dead", "error", err)
		return
	}
	if m.delivery != nil {
		m.delivery.Later(0)
	}
}

// stopped cancels the provider's job of a call that is not needed any more.
func (m *making) stopped(ctx context.Context) bool {
	f := order.Failf(order.Retry, order.CodeStopped, "the call was stopped, because it is not needed any more")
	f.Charge = order.ChargeUnknown
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	m.mu.Lock()
	ticket := m.ticket
	m.mu.Unlock()
	c, can := m.route.Backend.(generate.Canceller)
	switch {
	case m.foreign:
	case m.route.Free:
		f.Charge = order.ChargeNone
	case ticket == "" || !can || !c.Cancels():
	default:
		res, err := c.Cancel(ctx, ticket)
		if err != nil {
			m.log.Warn("a job that is not needed any more was not cancelled", "error", err)
			return false // it is tried again
		}
		if !res.Ended && !res.Missing {
			f.Charge, f.Cost = order.ChargeFull, res.Cost
			if res.CostKnown && res.Cost == 0 {
				f.Charge = order.ChargeNone
			}
		}
	}
	return m.endWith(natsq.Failed, f)
}
