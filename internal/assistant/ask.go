package assistant

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"

	"atelierd/internal/generate/provider"
	"atelierd/internal/lenient"
	"atelierd/internal/order"
)

// completion is the answer of the chat completions API.
type completion struct {
	Choices []choice        `json:"choices"`
	Usage   *usage          `json:"usage"`
	Error   json.RawMessage `json:"error"`
}

type choice struct {
	Finish  lenient.Text    `json:"finish_reason"`
	Message message         `json:"message"`
	Error   json.RawMessage `json:"error"` // OpenRouter reports that of a model here
}

type message struct {
	Content json.RawMessage `json:"content"`
	Refusal lenient.Text    `json:"refusal"`
}

type usage struct {
	Input  lenient.Number `json:"prompt_tokens"`
	Output lenient.Number `json:"completion_tokens"`
	Cost   lenient.Number `json:"cost"`
}

// Ask sends the question once and decodes the answer into v, which has the fields of the
// schema. The error is an *order.Failure, with the cost where that is known. An answer that
// does not match the schema was paid for, and says nothing about the work.
func (a *Assistant) Ask(ctx context.Context, q Question, v any) (Cost, error) {
	body, err := a.encode(q)
	if err != nil {
		return Cost{}, err
	}
	got, err := a.api.Post(ctx, "/chat/completions", body, maxAnswer)
	if err != nil {
		return Cost{}, failure(err)
	}
	var c completion
	if err := lenient.Unmarshal(got.Body, &c); err != nil || len(c.Choices) == 0 {
		return Cost{}, failure(got.Failure())
	}
	cost := a.cost(got.Header, c.Usage)
	if err := read(got, c.Choices[0], v); err != nil {
		return cost, about(err.WithCost(cost.USD))
	}
	return cost, nil
}

// failure returns an error of the server as that of the assistant.
func failure(err error) error {
	if f, ok := errors.AsType[*order.Failure](err); ok {
		return about(f)
	}
	return err
}

// read reads the answer of the model into v.
func read(got provider.Answer, c choice, v any) *order.Failure {
	text := content(c.Message.Content)
	switch {
	case len(c.Error) > 0 && string(c.Error) != "null", c.Finish == "error":
		return got.Inner(c.Error)
	case c.Message.Refusal != "", c.Finish == "content_filter":
		said := cmp.Or(got.Quote(string(c.Message.Refusal)), "its filter of content")
		return order.Failf(order.Hold, order.CodeRefused, "the model refuses: %s", said)
	case c.Finish == "length":
		return order.Failf(order.Retry, order.CodeBadAnswer, "the answer was cut off at max_tokens").
			WithHint("raise max_tokens of [assistant]")
	case strings.TrimSpace(text) == "":
		return order.Failf(order.Retry, order.CodeBadAnswer, "the answer holds no text")
	}
	if err := decode(text, v); err != nil {
		return order.Failf(order.Retry, order.CodeBadAnswer, "the answer is not of the schema: %s", got.Quote(err.Error()))
	}
	return nil
}

// content returns the text of a message: a string, or a list of parts.
func content(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var parts []struct{ Type, Text string }
	if json.Unmarshal(raw, &parts) != nil {
		return ""
	}
	for _, p := range parts {
		if p.Type == "text" || p.Type == "output_text" {
			text += p.Text
		}
	}
	return text
}

// decode reads one JSON object with known fields and nothing after it. What a model thinks
// aloud before, and a fence around the object, are left out: small models cannot help it.
func decode(text string, v any) error {
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(text, "<think>"); ok {
		_, text, _ = strings.Cut(rest, "</think>")
		text = strings.TrimSpace(text)
	}
	if rest, ok := strings.CutPrefix(text, "```"); ok {
		rest = strings.TrimPrefix(rest, "json")
		text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "```"))
	}
	if !strings.HasPrefix(text, "{") {
		return errors.New("it is no JSON object")
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more follows its JSON object")
	}
	return nil
}

// maxCost is the most that a server may say that one answer has cost. More is a mistake.
const maxCost = 1000 * float64(order.Dollar)

// cost returns what an answer has cost: the server's own figure, or that of its tokens.
func (a *Assistant) cost(h http.Header, u *usage) Cost {
	if u != nil && u.Cost.Known != nil {
		if c, ok := dollars(*u.Cost.Known); ok {
			return c
		}
	}
	if f, err := strconv.ParseFloat(h.Get("X-Litellm-Response-Cost"), 64); err == nil {
		if c, ok := dollars(f); ok {
			return c
		}
	}
	if u == nil || u.Input.Known == nil || u.Output.Known == nil {
		return Cost{}
	}
	in, out := *u.Input.Known, *u.Output.Known
	if !counts(in) || !counts(out) {
		return Cost{}
	}
	return Cost{a.tokens(int64(in), int64(out)), true}
}

// counts reports whether a server's number of tokens can be one.
func counts(n float64) bool { return n >= 0 && n <= 1e8 }

// dollars returns an amount in dollars, rounded up to a millionth.
func dollars(f float64) (Cost, bool) {
	micros := math.Ceil(f*float64(order.Dollar) - 1e-6)
	if !(micros >= 0 && micros <= maxCost) { // NaN is neither
		return Cost{}, false
	}
	return Cost{order.USD(micros), true}, true
}
