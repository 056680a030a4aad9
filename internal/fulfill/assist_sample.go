package fulfill

import (
	"context"
	"time"

	"atelierd/internal/assistant"
	"atelierd/internal/order"
)

// Trial is the answer of an assistant that the owner tries out.
type Trial struct {
	// Score is what it gives the picture. Cost is what the call counts with, and Known says
	// that the server has named it.
	Score int
	Cost  order.USD
	Known bool
	Took  time.Duration
}

// TrialBrief is what the picture of a trial shows.
const TrialBrief = "a plain red square"

// Ask has the assistant look at a PNG as it looks at the work of an order. The call is
// recorded and counted as a sample. One that was cut stays counted.
func (s Sampler) Ask(ctx context.Context, a *Assistant, picture []byte) (Trial, error) {
	q := assistant.Question{
		Task: checkTask, Name: "check", Schema: checkSchema, Data: toCheck{ordered: ordered{Service: s.Service.Title, Brief: TrialBrief}, Files: 1},
		Pictures: []assistant.Picture{{Data: picture, MIME: "image/png"}},
	}
	c := order.NewSample{NewCall: order.NewCall{Agent: s.Agent, Generator: order.Assistant}, Sample: order.Sample{Prompt: TrialBrief}}
	if !a.Free {
		c.Price, c.Caps = a.Backend.Price(q), order.Caps{Attempt: s.Caps.Attempt, Order: s.Caps.Order, Day: s.Caps.Day}
	}
	call, err := s.Store.BeginSample(c)
	if err != nil {
		return Trial{}, sampleCapped(err)
	}
	w := &sampling{Sampler: s, call: call}
	var f found
	cost, err := a.Backend.Ask(ctx, q, &f)
	if cost.Known {
		w.call.Cost = cost.USD
	}
	t := Trial{Cost: w.call.Cost, Known: cost.Known, Took: time.Since(call.BeganAt)}
	if err == nil {
		var c order.Check
		if err = f.into(&c); err == nil {
			t.Score = *c.Score
			return t, w.close(ctx, order.CallOutcome{State: order.CallDone, Cost: t.Cost}, "")
		}
		err = order.Failf(order.Retry, order.CodeBadAnswer, "%w", err).WithHint("try another model of [assistant]")
	}
	fail := *order.Classify(ctx, err)
	end := order.CallOutcome{State: order.CallUnknown, Cost: call.Cost}
	if fail.Class != order.Stopped {
		end.State, end.Cost = w.call.Ended(&fail)
	}
	if err := w.close(context.WithoutCancel(ctx), end, fail.Error()); err != nil {
		return t, err
	}
	return t, &fail
}
