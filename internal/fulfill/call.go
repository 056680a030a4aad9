package fulfill

import (
	"context"
	"errors"
	"slices"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/host"
	"atelierd/internal/order"
)

// Generator is a generator that a service may use.
type Generator struct {
	Name    string
	Backend generate.Generator
	// Price is what one call costs unless the generator names another cost; 0 is free.
	Price order.USD
	// Free: a call never costs anything, so no cap applies.
	Free bool
	// HoldUnknown leaves a call of unknown outcome to the owner. Otherwise another
	// call is made.
	HoldUnknown bool
	// Breaker pauses the generator while it is down; nil for never.
	Breaker *generate.Breaker
}

// repeats reports whether the same call can be made again and is paid for once.
func (g Generator) repeats() bool {
	r, ok := g.Backend.(generate.Repeater)
	return ok && r.Repeats()
}

// cancels reports whether the generator can cancel jobs that are not needed any more.
func (g Generator) cancels() bool {
	c, ok := g.Backend.(generate.Canceller)
	return ok && c.Cancels()
}

// standIn reports whether another generator may take over from g.
func standIn(g Generator, err error) bool {
	fail, ok := errors.AsType[*order.Failure](err)
	return ok && fail.StandIn(g.Breaker == nil || g.Breaker.Paused())
}

// plan is which generators a run tries.
type plan struct {
	// generators are tried in order.
	generators []Generator
	// resumed is the open call that the only generator resumes; nil for none.
	resumed *order.Call
	// lost are open calls that cannot be resumed. They stay charged.
	lost []order.Call
}

// choose returns the generators to try. An open call that can be resumed is
// returned with its generator alone.
func (r *run) choose() (plan, error) {
	p := plan{generators: r.service.Generators}
	for _, c := range r.open {
		g, known := r.generator(c.Generator)
		switch (order.OpenCall{
			Call: c, Configured: known, Repeats: known && g.repeats(), HoldUnknown: g.HoldUnknown,
			Superseded: p.resumed != nil,
		}).Fate() {
		case order.FateResume:
			p.resumed, p.generators = &c, []Generator{g}
		case order.FateAsk:
			return plan{}, order.UnknownCall(g.Name, errors.New("atelierd ended during it"))
		case order.FateStranded:
			return plan{}, order.Failf(order.Hold, order.CodeNoGenerator, "generator %s, which began the job %s, is not configured any more", c.Generator, c.Ticket).
				WithHint("configure it again and run %s, and work resumes by itself; or make another call, which is paid for: %s",
					order.Command("reload"), order.Command("orders redo", r.job.OrderID))
		case order.FateUnknown:
			p.lost = append(p.lost, c)
		}
	}
	return p, nil
}

// generator finds a generator: one of the service's or any other that is configured.
func (r *run) generator(name string) (Generator, bool) {
	if i := slices.IndexFunc(r.service.Generators, func(g Generator) bool { return g.Name == name }); i >= 0 {
		return r.service.Generators[i], true
	}
	g, known := r.o.Generators[name]
	return g, known
}

// ready returns nil unless the generator is paused.
func (g Generator) ready(ctx context.Context) error {
	if g.Breaker == nil {
		return nil
	}
	return g.Breaker.Ready(ctx)
}

// room returns nil if the generator has room for another call. A call that has begun has
// its place.
func (g Generator) room(ctx context.Context, p plan) error {
	limited, ok := g.Backend.(generate.Limited)
	if !ok || p.resumed != nil {
		return nil
	}
	return limited.Room(ctx)
}

// call makes one call, or resumes the one of the plan, and closes it as far as
// its outcome is known.
func (r *run) call(ctx context.Context, g Generator, p plan, req generate.Request) (generate.Result, error) {
	if err := g.ready(ctx); err != nil {
		return generate.Result{}, err
	}
	if err := g.room(ctx, p); err != nil {
		return generate.Result{}, err
	}
	if err := r.mayBegin(ctx, g, p); err != nil {
		return generate.Result{}, err
	}
	if err := r.reserve(g, p); err != nil {
		return generate.Result{}, err
	}
	defer r.unreserve()
	c, err := r.begin(g, p)
	if err != nil {
		return generate.Result{}, err
	}
	if p.resumed == nil {
		if c, err = r.foundOrNew(ctx, g, c); err != nil {
			return generate.Result{}, err
		}
	}
	taken := c.Ticket
	req.Call = generate.Call{
		Key: c.Key, Ticket: c.Ticket, Resumed: p.resumed != nil, Began: c.BeganAt,
		Submitted: func(ticket string) error {
			taken = ticket
			return r.keep(ctx, r.job, func() error { return r.o.Store.CallSubmitted(c.ID, ticket) })
		},
		MakeRoom: r.makeRoom, Progress: r.progress(g, c),
	}
	req.Call.Report(order.Progress{Phase: order.PhaseMaking})
	running := false
	req.Call.Running = func() { running = true }
	made, err := r.send(ctx, g, p, req)
	if running && !c.LateAt.IsZero() {
		c.LateAt = time.Time{}
		if err := r.keep(ctx, r.job, func() error { return r.o.Store.CallRuns(c.ID) }); err != nil {
			return generate.Result{}, err
		}
	}
	if err == nil {
		err = r.arrived(made)
	}
	if err != nil {
		return generate.Result{}, r.failed(ctx, g, c, req, err)
	}
	if g.Breaker != nil {
		g.Breaker.Report(nil)
	}
	if err := r.keep(ctx, r.job, func() error { return writeResult(r.record(), made, r.take) }); err != nil {
		err = order.Failf(order.Retry, order.CodeNotNoted, "the result could not be stored: %w", err)
		return generate.Result{}, errors.Join(err, r.closeDone(ctx, []order.Call{c}, made))
	}
	c.Ticket = taken
	return made, r.closeKept(ctx, g, c, made)
}

// closeKept closes a call whose result is durable, and lets its generator forget the result.
func (r *run) closeKept(ctx context.Context, g Generator, c order.Call, made generate.Result) error {
	if err := r.closeDone(ctx, []order.Call{c}, made); err != nil {
		return err
	}
	if keeper, ok := g.Backend.(generate.Committer); ok {
		keeper.Committed(ctx, c.Ticket)
	}
	return nil
}

// send makes the call, unless another host may work as the agent. What a provider already
// has is fetched all the same.
func (r *run) send(ctx context.Context, g Generator, p plan, req generate.Request) (generate.Result, error) {
	if p.resumed == nil || p.resumed.Ticket == "" {
		if err := r.o.Held(); err != nil {
			return generate.Result{}, err
		}
	}
	return r.generate(ctx, g, req)
}

// progress returns what the progress of a call is reported to.
func (r *run) progress(g Generator, c order.Call) func(order.Progress) {
	return func(p order.Progress) {
		p.Generator, p.Began = g.Name, c.BeganAt
		r.o.Progress(r.job, p)
	}
}

// begin writes a new call down, or returns the one to resume. Lost calls are
// closed after it: a crash in between must not hide that the files in the folder
// belong to a call that was cut.
func (r *run) begin(g Generator, p plan) (c order.Call, err error) {
	if p.resumed != nil {
		c = *p.resumed
	} else if c, err = r.beginNew(g); err != nil {
		return c, err
	}
	for _, l := range p.lost {
		if err := r.o.Store.CloseCall(l.ID, order.CallUnknown, l.Cost, "its outcome was never learned"); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (r *run) beginNew(g Generator) (order.Call, error) {
	c := order.NewCall{Agent: r.o.Agent, Generator: g.Name, Price: g.Price, Cancels: g.cancels()}
	if !g.Free {
		c.Caps = r.o.Caps
	}
	return r.o.Store.BeginCall(r.job, c)
}

// closeDone closes the calls that led to the result.
func (r *run) closeDone(ctx context.Context, calls []order.Call, made generate.Result) error {
	for _, c := range calls {
		state, cost := c.Done(made.Cost)
		if err := r.close(ctx, c, order.CallOutcome{State: state, Cost: cost}, ""); err != nil {
			return err
		}
	}
	return nil
}

// close records how a call ended.
func (r *run) close(ctx context.Context, c order.Call, end order.CallOutcome, note string) error {
	return r.keep(ctx, r.job, func() error { return r.o.Store.CloseCall(c.ID, end.State, end.Cost, note) })
}

// failed closes a call that has failed, unless it stays open, and returns what
// the attempt ends with.
func (r *run) failed(ctx context.Context, g Generator, c order.Call, req generate.Request, err error) error {
	fail := *order.Classify(ctx, err)
	said, hosts := fail.Error(), host.Lacks(err) != host.None
	if g.Breaker != nil && !hosts {
		g.Breaker.Report(&fail)
		fail = g.Breaker.WaitInstead(fail)
	}
	late, err := r.lateFor(ctx, c, &fail)
	if err != nil {
		return err
	}
	after := order.AfterCall(order.FailedCall{
		Call: c, Failure: fail, LateFor: late, Resumed: req.Call.Resumed, Repeats: g.repeats(),
		HoldUnknown: g.HoldUnknown, HostsFault: hosts,
	})
	if after.State != "" {
		if err := r.close(ctx, c, after, said); err != nil {
			return err
		}
	}
	return &after.Failure
}
