package worker

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/natsq"
	"atelierd/internal/order"
)

// making is one call that this worker makes or resumes.
type making struct {
	w     *Worker
	route Route
	call  natsq.Call
	// delivery is how it came; nil for one that was left in the spool.
	delivery *natsq.Delivery
	log      *slog.Logger
	dir      string

	mu     sync.Mutex // held while the record is changed
	entry  natsq.Entry
	ticket string
	// foreign: the job is on the machine of another worker, and can only be given up.
	foreign bool
	// taken: another worker has taken the call over.
	taken bool

	showing  sync.Mutex // never held for long
	progress order.Progress
	// stop ends the generator's run.
	stop context.CancelCauseFunc
}

// The causes for which the run of a generator ends.
var (
	errUnwanted = errors.New("the call is not needed any more")
	errTaken    = errors.New("another worker has taken the call over")
)

const (
	// leastPause and mostPause are those between two runs for the same job.
	leastPause, mostPause = 5 * time.Second, time.Minute
	// mostRepeats is how often a call is made again under its key after an unknown outcome.
	mostRepeats = 5
	// changePause is the pause until a change is tried again. A server may show an old record
	// for a moment.
	changePause = 20 * time.Millisecond
)

// run makes the call. It reports whether the call has ended; otherwise it is resumed
// later.
func (m *making) run(ctx context.Context) bool {
	m.dir = m.w.spool.folder(m.route.Name, m.call.Key)
	if err := m.w.spool.begin(m.dir, m.call); err != nil {
		m.log.Error("a call cannot be kept on the disk", "error", err)
		return false
	}
	m.foreign = m.entry.Local && m.entry.Worker != m.w.o.Name
	if m.ticket = m.entry.Ticket; m.ticket == "" {
		m.ticket = m.w.spool.ticket(m.dir)
	}
	req, err := m.request(ctx)
	if err != nil {
		m.log.Warn("the pictures of a call cannot be fetched", "error", err)
		return false
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	m.stop = stop
	req.Call.Resumed = m.entry.State != natsq.Wanted
	if err := m.claim(ctx); err != nil {
		m.log.Debug("a call was not claimed", "error", err)
		return false
	}
	if req.Call.Began = m.entry.Began; m.entry.State == natsq.Stopping {
		return m.stopped(ctx)
	}
	m.log.Info("call begun", "resumed", req.Call.Resumed, "ticket", m.ticket)
	var beats sync.WaitGroup
	beating, end := context.WithCancel(ctx)
	beats.Go(func() { m.beat(beating) })
	ended := m.generate(ctx, req)
	end()
	beats.Wait()
	return ended
}

// request returns the request of the call on this machine.
func (m *making) request(ctx context.Context) (generate.Request, error) {
	req := m.call.Request
	req.OutputDir = filepath.Join(m.dir, "out")
	req.Call = generate.Call{
		Key: m.call.Key, Ticket: m.ticket, Submitted: m.submitted,
		Progress: func(p order.Progress) {
			m.showing.Lock()
			m.progress = p.After(m.progress)
			m.showing.Unlock()
		},
	}
	if m.ticket != "" {
		return req, m.w.spool.makeOut(m.dir)
	}
	for i, f := range m.call.References {
		path := filepath.Join(m.dir, "in", strconv.Itoa(i+1))
		if err := m.w.o.Queue.GetFile(ctx, natsq.BucketIn(m.route.Name), f, path); err != nil {
			return req, err
		}
		req.References = append(req.References, generate.Reference{Path: path, MIME: f.MIME, URL: f.URL})
	}
	return req, m.w.spool.makeOut(m.dir)
}

// claim makes the call this worker's. Nothing is paid for before it succeeds.
func (m *making) claim(ctx context.Context) error {
	r := m.entry.Record
	r.Worker, r.Failure, r.Note = m.w.o.Name, nil, ""
	if r.Began.IsZero() {
		r.Began = time.Now().UTC()
	}
	if r.State == natsq.Wanted || r.State == "" {
		r.Local = m.route.local()
	}
	switch {
	case r.State == natsq.Wanted:
		r.State = natsq.Calling
	case r.State == "" && m.ticket == "":
		return natsq.ErrAbsent
	case r.State == "":
		r.State = natsq.Submitted
	}
	if r.Ticket = m.ticket; r.State == natsq.Calling && m.ticket != "" {
		r.State = natsq.Submitted
	}
	var err error
	if m.entry.State == "" {
		m.entry, err = m.w.o.Queue.Create(ctx, m.route.Name, m.call.Key, r)
	} else {
		m.entry, err = m.w.o.Queue.Change(ctx, m.entry, r)
	}
	return err
}

// beat shows that the call is worked on, until ctx ends.
func (m *making) beat(ctx context.Context) {
	for {
		sleep(ctx, m.w.o.Beat)
		if ctx.Err() != nil {
			return
		}
		if m.delivery != nil {
			m.delivery.Works()
		}
		if err := m.update(ctx, nil); err != nil && ctx.Err() == nil {
			m.log.Debug("a beat was not noted", "error", err)
		}
	}
}

// submitted makes the provider's id durable: on this machine, and in the record, so that
// another worker can resume it. While NATS cannot be asked, the next beat has it.
func (m *making) submitted(ticket string) error {
	if err := m.w.spool.writeTicket(m.dir, ticket); err != nil {
		return err
	}
	m.mu.Lock()
	m.ticket = ticket
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	switch err := m.update(ctx, nil); {
	case errors.Is(err, errTaken), errors.Is(err, errUnwanted):
		return err
	case err != nil:
		m.log.Warn("the id of a job is not in NATS yet", "error", err)
	}
	return nil
}

// update changes the record, whatever others have written to it meanwhile. change may be
// nil for a sign of life. It fails with errTaken or errUnwanted once the call is no longer
// this worker's, or not needed; a final change of one that is not needed succeeds.
func (m *making) update(ctx context.Context, change func(*natsq.Record)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		r := m.entry.Record
		m.showing.Lock()
		r.Ticket, r.Progress = m.ticket, m.progress
		m.showing.Unlock()
		if m.ticket != "" && (r.State == natsq.Calling || r.State == natsq.Unknown) {
			r.State = natsq.Submitted
		}
		if change != nil {
			change(&r)
		}
		if r.State == natsq.Unknown {
			return nil // the agent has given it up; only a result is news
		}
		now, err := m.w.o.Queue.Change(ctx, m.entry, r)
		if err == nil {
			m.entry = now
			return m.wanted(change)
		}
		if !errors.Is(err, natsq.ErrChanged) {
			return err
		}
		if err := m.read(ctx, r); err != nil {
			return err
		}
		if sleep(ctx, changePause); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// wanted returns errUnwanted for a sign of life of a call that is to be stopped.
func (m *making) wanted(change func(*natsq.Record)) error {
	if m.entry.State != natsq.Stopping || change != nil {
		return nil
	}
	// A call that is being made is not cut where its job can be cancelled: the id is about
	// to be known.
	if c, ok := m.route.Backend.(generate.Canceller); m.ticket != "" || !ok || !c.Cancels() {
		m.stop(errUnwanted)
	}
	return errUnwanted
}

// read reads the record again after somebody else has changed it. One that is gone is
// written again: what was paid for must not be lost with it.
func (m *making) read(ctx context.Context, r natsq.Record) error {
	e, err := m.w.o.Queue.Get(ctx, m.route.Name, m.call.Key)
	switch {
	case errors.Is(err, natsq.ErrAbsent):
		e, err = m.w.o.Queue.Create(ctx, m.route.Name, m.call.Key, r)
	case err == nil && e.Worker != m.w.o.Name:
		m.taken = true
		m.stop(errTaken)
		return errTaken
	}
	if errors.Is(err, natsq.ErrChanged) {
		return nil // it is there again, and is read at the next try
	}
	if err == nil {
		m.entry = e
	}
	return err
}

// generate runs the generator until the call has ended.
func (m *making) generate(ctx context.Context, req generate.Request) bool {
	if f, ok := m.route.Backend.(generate.Finder); ok && req.Call.Ticket == "" {
		ticket, err := f.Find(ctx, m.call.Key)
		if err == nil && ticket != "" {
			err = m.submitted(ticket)
		}
		if err != nil {
			return m.failed(ctx, err)
		}
		req.Call.Ticket = ticket
	}
	for try := 1; ; try++ {
		made, err := m.route.Backend.Generate(ctx, req)
		if err == nil {
			return m.finish(ctx, made)
		}
		f := failure(err)
		switch {
		case ctx.Err() != nil || f.Class == order.Stopped || errors.Is(err, errUnwanted) || errors.Is(err, errTaken):
			return m.interrupted(ctx)
		case f.Charge == order.ChargePending:
		case f.Charge == order.ChargeUnknown && m.route.repeats() && try < mostRepeats:
		default:
			return m.failed(ctx, f)
		}
		m.log.Info("the result is not there yet", "error", f)
		if m.trouble(ctx, f) != nil {
			continue // it is not this worker's any more; ctx has ended, or the next run shows it
		}
		sleep(ctx, min(max(f.After, leastPause), mostPause))
		m.mu.Lock()
		req.Call.Ticket, req.Call.Resumed = m.ticket, true
		m.mu.Unlock()
	}
}

// trouble notes why the result is not there yet.
func (m *making) trouble(ctx context.Context, f *order.Failure) error {
	err := m.update(ctx, func(r *natsq.Record) {
		r.Note, r.Failure = f.Error(), nil
		if f.Late() || f.Class == order.Hold {
			r.Failure = natsq.FailureOf(f)
		}
	})
	if errors.Is(err, errTaken) {
		return err
	}
	return nil
}

// failure returns the failure that an error of a generator is.
func failure(err error) *order.Failure {
	if f, ok := errors.AsType[*order.Failure](err); ok {
		return f
	}
	return &order.Failure{Class: order.Retry, Code: order.CodeError, Err: err}
}
