package fulfill

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"atelierd/internal/disk"
	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// Generator is a generator that a service may use.
type Generator struct {
	Name    string
	Backend generate.Generator
	// Price is what one call costs, as long as the generator does not say
	// otherwise; 0 for nothing.
	Price order.USD
	// Free says that a call never costs anything, so that no cap can stop it.
	Free bool
	// HoldUnknown leaves a call of unknown outcome to the owner, instead of making
	// another.
	HoldUnknown bool
	// Breaker pauses the generator while it is down; nil for never.
	Breaker *generate.Breaker
}

func (m Generator) repeats() bool {
	r, ok := m.Backend.(generate.Repeater)
	return ok && r.Repeats()
}

// make has the files of the job made, and gives the place of the note of them. A
// result that an earlier run has brought in is not paid for again; a job that it
// has left at a provider is gone on with there, and nowhere else.
func (f *Fulfiller) make(ctx context.Context, j order.Job, o order.Order, s Service) (generate.Result, string, error) {
	open, err := f.o.Store.OpenCalls(ctx, j)
	if err != nil {
		return generate.Result{}, "", err
	}
	dir := f.attemptDir(j, open)
	if made, record, ok := unused(dir); ok {
		return made, record, f.finish(open, made)
	}
	makers, begun, lost, err := f.choose(s, open)
	if err != nil {
		return generate.Result{}, "", err
	}
	if err := clean(dir, len(open) > 0); err != nil {
		return generate.Result{}, "", err
	}
	req := generate.Request{OrderID: o.ID, Round: j.Round, OutputDir: dir}
	if begun == nil || begun.Ticket == "" { // a job that is under way was told already
		if req, err = f.request(ctx, j, o, s, dir); err != nil {
			return generate.Result{}, "", err
		}
		if req.References, req.Notes, err = f.references(ctx, j, o); err != nil {
			return generate.Result{}, "", err
		}
		if s.FromLast {
			last, err := f.last(ctx, j)
			if err != nil {
				return generate.Result{}, "", err
			}
			req.References = append(last, req.References...)
		}
		if req.Prompt, err = f.prompt(ctx, s, req); err != nil {
			return generate.Result{}, "", err
		}
	}
	req.Attempt = j.Attempt
	if begun != nil {
		req.Attempt = begun.Attempt // the same call is told the same
	}
	record := dir + recorded
	for i, m := range makers {
		made, err := f.call(ctx, j, m, begun, lost, req, record)
		if err == nil || i == len(makers)-1 || !standIn(m, err) {
			return made, record, err
		}
		f.o.Log.Warn("another generator stands in", "order", j.OrderID, "job", j.ID, "stage", j.Stage, "attempt", j.Attempt,
			"generator", makers[i+1].Name, "for", m.Name, "error", err)
		begun = nil
	}
	return generate.Result{}, "", order.Failf(order.Hold, order.CodeNoGenerator, "the service has no generator")
}

// attemptDir is where the programs of an attempt work: where those of an open call
// have begun, else the attempt's own folder.
func (f *Fulfiller) attemptDir(j order.Job, open []order.Call) string {
	attempt := j.Attempt
	if len(open) > 0 {
		attempt = open[len(open)-1].Attempt
	}
	return filepath.Join(f.o.Dir, folder(workDir, j.OrderID, j.Kind, j.Round), fmt.Sprintf("a%d", attempt))
}

// clean makes the folder of an attempt. What lies in it stays only if it belongs
// to an open call: the number may be that of an attempt before the owner's retry.
func clean(dir string, open bool) error {
	if !open {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return os.MkdirAll(dir, 0o700)
}

// standIn says whether another generator may take over: only when nothing was
// spent on the first and it is paused, or asks to be left alone itself. A single
// outage is waited out, and a refusal is an answer.
func standIn(m Generator, err error) bool {
	fail, ok := errors.AsType[*order.Failure](err)
	if !ok || fail.Charge != order.ChargeNone || !generate.Down(fail) {
		return false
	}
	return m.Breaker == nil || m.Breaker.Paused() || fail.Code == order.CodeTryLater
}

// choose gives the makers to try, and the call of the first that is to be gone
// on with. Those that nobody can go on with are lost: they count as spent.
func (f *Fulfiller) choose(s Service, open []order.Call) (makers []Generator, begun *order.Call, lost []order.Call, err error) {
	makers = s.Generators
	for _, g := range open {
		m, known := f.maker(s, g.Generator)
		switch {
		case known && begun == nil && (g.Ticket != "" || m.repeats()):
			begun, makers = &g, []Generator{m}
		case known && m.HoldUnknown && g.Ticket == "":
			return nil, nil, nil, unknownCall(m.Name, errors.New("atelierd ended during it"))
		case !known && g.Ticket != "":
			return nil, nil, nil, order.Failf(order.Hold, order.CodeNoGenerator, "generator %s, which has begun the job %s, is not configured any more", g.Generator, g.Ticket).
				WithHint("configure it again and restart, then `atelierd orders retry`; or `orders redo`, which is paid for")
		default:
			lost = append(lost, g)
		}
	}
	return makers, begun, lost, nil
}

// maker finds a generator: one of the service's or any other that is configured.
func (f *Fulfiller) maker(s Service, name string) (Generator, bool) {
	if i := slices.IndexFunc(s.Generators, func(m Generator) bool { return m.Name == name }); i >= 0 {
		return s.Generators[i], true
	}
	m, known := f.o.Generators[name]
	return m, known
}

// unknownCall leaves a call that may have been paid for to the owner.
func unknownCall(generator string, err error) *order.Failure {
	return order.Failf(order.Hold, order.CodeUnknownCall, "nobody can tell whether a call of generator %s was paid for: %w", generator, err).
		WithHint("look at your account there; `atelierd orders retry` makes another call, which is paid for")
}

// call makes one call, or goes on with begun, and settles it as far as its
// outcome is known. Lost calls are settled after it has begun: a crash in between
// must not hide that the folder's files belong to a call that was cut.
func (f *Fulfiller) call(ctx context.Context, j order.Job, m Generator, begun *order.Call, lost []order.Call, req generate.Request, record string) (generate.Result, error) {
	if m.Breaker != nil {
		if err := m.Breaker.Ready(ctx); err != nil {
			return generate.Result{}, err
		}
	}
	resumed := begun != nil
	g := order.Call{Generator: m.Name, Key: newKey(), Cost: m.Price}
	if resumed {
		g = *begun
	} else {
		var err error
		caps := f.o.Caps
		if m.Free {
			caps = order.Caps{}
		}
		if g, err = f.o.Store.BeginCall(j, g, caps); err != nil {
			return generate.Result{}, err
		}
	}
	for _, l := range lost {
		if err := f.o.Store.CloseCall(l.ID, order.CallUnknown, l.Cost, "its outcome was never learned"); err != nil {
			return generate.Result{}, err
		}
	}
	req.Call = generate.Call{Key: g.Key, Ticket: g.Ticket, Resumed: resumed, Began: g.BeganAt,
		Submitted: func(ticket string) error { return f.o.Store.CallSubmitted(g.ID, ticket) }}
	made, err := m.Backend.Generate(ctx, req)
	if err != nil {
		return generate.Result{}, f.failed(ctx, m, g, resumed, err)
	}
	if m.Breaker != nil {
		m.Breaker.Report(nil)
	}
	if err := writeResult(record, made); err != nil {
		err = order.Failf(order.Retry, order.CodeNotNoted, "what was made could not be kept: %w", err)
		return generate.Result{}, errors.Join(err, f.finish([]order.Call{g}, made))
	}
	return made, f.finish([]order.Call{g}, made)
}

// finish settles the calls that have led to the result.
func (f *Fulfiller) finish(open []order.Call, made generate.Result) error {
	for _, g := range open {
		state, cost := g.Done(made.Cost)
		if err := f.o.Store.CloseCall(g.ID, state, cost, ""); err != nil {
			return err
		}
	}
	return nil
}

// failed settles a call that has failed, unless it may still be gone on with.
func (f *Fulfiller) failed(ctx context.Context, m Generator, g order.Call, resumed bool, err error) error {
	fail := *order.Classify(ctx, err)
	said := fail.Error()
	if m.Breaker != nil {
		m.Breaker.Report(&fail)
		fail = m.Breaker.Instead(fail)
	}
	if resumed && g.Ticket == "" && fail.Charge == order.ChargeNone && fail.Class != order.Fail {
		fail.Charge = order.ChargePending // it cost nothing to ask again; the first time may have
	}
	if fail.Class == order.Stopped || fail.Class == order.Lost || fail.Charge == order.ChargePending {
		return &fail
	}
	if fail.Charge == order.ChargeUnknown {
		if m.repeats() {
			return &fail // the same call is made again, under its key
		}
		if m.HoldUnknown {
			return unknownCall(m.Name, &fail)
		}
	}
	state, cost := g.Ended(&fail)
	if err := f.o.Store.CloseCall(g.ID, state, cost, said); err != nil {
		return err
	}
	fail.Cost = 0 // the generation has it
	if cost == 0 && disk.IsFull(&fail) {
		fail.Charge = order.ChargeNone // so that it waits for room
	}
	if cost > 0 {
		// What was paid for counts as an attempt, or it would be paid for without end.
		fail.Outage = false
		if fail.Class == order.Wait {
			fail.Class = order.Retry
		}
	}
	return &fail
}

// newKey is a random UUID.
func newKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
