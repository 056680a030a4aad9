package fulfill

import (
	"context"
	"strings"
	"time"

	"atelierd/internal/assistant"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// Trial is the answer of an assistant that the owner tries out.
type Trial struct {
	// Sees: it has named the colours of the picture. Left and Right are what it said.
	Sees        bool
	Left, Right string
	// Cost is what the call counts with, and Known says that the server has named it.
	Cost  order.USD
	Known bool
	Took  time.Duration
}

// Halves is a PNG whose halves have two colours, each one of TrialColours. A model that does
// not see it cannot know them.
type Halves struct {
	PNG         []byte
	Left, Right string
}

// TrialColours are the colours that a trial asks for.
func TrialColours() []string { return []string{"red", "green", "blue", "yellow", "black", "white"} }

// trialTask is what the assistant is asked to do in a trial.
const trialTask = `You look at a picture. Its left half has one colour, and its right half has another one. Name the
colour of each half with one of the words in the user message. If you see no picture, write none.`

// trialSchema is that of the colours.
var trialSchema = map[string]any{
	"type": "object", "required": []string{"left", "right"}, "additionalProperties": false,
	"properties": map[string]any{"left": map[string]any{"type": "string"}, "right": map[string]any{"type": "string"}},
}

// Ask has the assistant name the colours of a picture. The call is recorded and counted as a
// sample. One that was cut stays counted.
func (s Sampler) Ask(ctx context.Context, a *Assistant, picture Halves) (Trial, error) {
	q := assistant.Question{
		Task: trialTask, Name: "colours", Schema: trialSchema, Data: map[string]any{"colours": TrialColours()},
		Pictures: []assistant.Picture{{Data: picture.PNG, MIME: "image/png"}},
	}
	c := order.NewSample{NewCall: order.NewCall{Agent: s.Agent, Generator: order.Assistant}, Sample: order.Sample{Prompt: "which colours the picture has"}}
	if !a.Free {
		c.Price, c.Caps = a.Backend.Price(q), order.Caps{Attempt: s.Caps.Attempt, Order: s.Caps.Order, Day: s.Caps.Day}
	}
	call, err := s.Store.BeginSample(c)
	if err != nil {
		return Trial{}, sampleCapped(err)
	}
	w := &sampling{Sampler: s, call: call}
	var said struct {
		Left  string `json:"left"`
		Right string `json:"right"`
	}
	cost, err := a.Backend.Ask(ctx, q, &said)
	if cost.Known {
		w.call.Cost = cost.USD
	}
	t := Trial{Cost: w.call.Cost, Known: cost.Known, Took: time.Since(call.BeganAt)}
	if err == nil {
		t.Left, t.Right = term.Line(said.Left, 20), term.Line(said.Right, 20)
		t.Sees = strings.EqualFold(t.Left, picture.Left) && strings.EqualFold(t.Right, picture.Right)
		return t, w.close(ctx, order.CallOutcome{State: order.CallDone, Cost: t.Cost}, "")
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
