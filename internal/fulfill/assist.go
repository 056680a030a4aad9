package fulfill

import (
	"context"
	"errors"
	"slices"
	"time"

	"atelierd/internal/assistant"
	"atelierd/internal/generate"
	"atelierd/internal/host"
	"atelierd/internal/order"
)

// This file asks the assistant. Its call is a row like a generator's, written with its price
// before it is sent and counted by the caps.

// Assistant is the language model that services may use.
type Assistant struct {
	Backend *assistant.Assistant
	// Free: a call never costs anything, so no cap applies.
	Free bool
	// Breaker pauses the assistant while it is down.
	Breaker *generate.Breaker
}

// askAgain is the pause before a call of unknown outcome is repeated.
const askAgain = 30 * time.Second

// unanswered is a question that the assistant will not answer. The work continues without it.
type unanswered struct{ why error }

func (u unanswered) Error() string { return u.why.Error() }
func (u unanswered) Unwrap() error { return u.why }

// inquiry is a question of a job.
type inquiry struct {
	purpose order.Purpose
	// since is when the work began that the question is about. Calls before it do not count.
	since    time.Time
	question assistant.Question
}

// ask asks the assistant once and reads the answer into v. The call that it returns is open,
// with what it has cost. Its error is an unanswered if the work can continue without an answer.
// Otherwise it is what the attempt ends with.
func (r *run) ask(ctx context.Context, a *Assistant, i inquiry, v any) (order.Call, error) {
	if err := r.giveUpCut(ctx, i); err != nil {
		return order.Call{}, err
	}
	if name, err := r.secretIn(i.question.Data); err != nil || name != "" {
		return order.Call{}, errors.Join(err, unanswered{errors.New("the question contains " + name)})
	}
	if err := a.Breaker.Ready(ctx); err != nil {
		return order.Call{}, without(ctx, err)
	}
	if !a.Free {
		if err := r.o.Held(); err != nil {
			return order.Call{}, err
		}
		if err := r.o.Ready(r.job); err != nil {
			return order.Call{}, err
		}
		if err := r.seenOpen(ctx, r.job); err != nil {
			return order.Call{}, err
		}
	}
	c, err := r.beginAsking(a, i)
	if err != nil {
		return c, err
	}
	cost, err := a.Backend.Ask(ctx, i.question, v)
	if err != nil {
		return c, r.askFailed(ctx, a, c, err)
	}
	a.Breaker.Report(nil)
	if cost.Known {
		c.Cost = cost.USD
	}
	if name, err := r.secretIn(v); err != nil || name != "" {
		return c, errors.Join(err, r.answerless(ctx, c, "the assistant's answer contains "+name))
	}
	return c, nil
}

// without returns the error of an assistant that is paused as one that the work does not wait
// for. A stop stays one.
func without(ctx context.Context, err error) error {
	if order.Classify(ctx, err).Code == order.CodePaused {
		return unanswered{err}
	}
	return err
}

// giveUpCut closes the calls that were cut before their answer was committed. They count as
// spent. The same is asked once more.
func (r *run) giveUpCut(ctx context.Context, i inquiry) error {
	open, err := r.o.Store.OpenCalls(ctx, r.job, i.purpose)
	if err != nil {
		return err
	}
	for _, c := range open {
		if err := r.o.Store.CloseCall(c.ID, order.CallUnknown, c.Cost, "its outcome was never learned"); err != nil {
			return err
		}
	}
	cut, err := r.o.Store.CutCalls(ctx, r.job, i.purpose, i.since)
	if err == nil && cut >= order.MostCut {
		err = unanswered{errors.New("the assistant's answer was lost twice")}
	}
	return err
}

// askingCaps are the codes of caps at which the work continues without an answer. A cap that
// the work itself meets holds it then.
var askingCaps = []order.Code{order.CodeAttemptCap, order.CodeOrderCap, order.CodeDayCap, order.CodeClientCost}

// made reports whether the question is about files that are made. They go to the client during
// a pause too.
func made(p order.Purpose) bool { return p == order.PurposeCheck }

// beginAsking writes a call down with the most that it may cost.
func (r *run) beginAsking(a *Assistant, i inquiry) (order.Call, error) {
	n := order.NewCall{Agent: r.o.Agent, Generator: order.Assistant, Purpose: i.purpose}
	if !a.Free {
		n.Price, n.Caps = a.Backend.Price(i.question), r.o.Caps
	}
	c, err := r.o.Store.BeginCall(r.job, n)
	if f, ok := errors.AsType[*order.Failure](err); ok && (slices.Contains(askingCaps, f.Code) || made(i.purpose) && f.Code == order.CodePausedByOwner) {
		return c, unanswered{f}
	}
	return c, err
}

// askFailed closes a call that has failed, unless a stop has cut it, and returns what
// follows. A limit or an outage is waited out until the assistant is paused, and a lost
// answer is asked for again, once. Without any other answer the work continues.
func (r *run) askFailed(ctx context.Context, a *Assistant, c order.Call, err error) error {
	fail := *order.Classify(ctx, err)
	if fail.Class == order.Stopped || fail.Class == order.Lost {
		return &fail
	}
	said := fail.Error()
	if host.Lacks(err) == host.None {
		a.Breaker.Report(&fail)
	}
	state, cost := c.Ended(&fail)
	if err := r.close(ctx, c, order.CallOutcome{State: state, Cost: cost}, said); err != nil {
		return err
	}
	fail.Cost = 0 // the call's record has it
	switch {
	case fail.Charge == order.ChargeUnknown:
		fail.Class, fail.After, fail.Outage = order.Wait, askAgain, false
		return &fail
	case fail.Charge == order.ChargeNone && (fail.Outage || fail.Class == order.Wait) && !a.Breaker.Paused():
		return &fail
	}
	return unanswered{&fail}
}

// answerless closes a call whose answer has the form of the schema and is of no use, and
// returns why the work continues without it.
func (r *run) answerless(ctx context.Context, c order.Call, why string) error {
	if err := r.close(ctx, c, order.CallOutcome{State: order.CallFailed, Cost: c.Cost}, why); err != nil {
		return err
	}
	return unanswered{errors.New(why)}
}
