package fulfill

import (
	"context"
	"encoding/json"
	"errors"

	"atelierd/internal/assistant"
	"atelierd/internal/order"
	"atelierd/internal/prompt"
	"atelierd/internal/term"
)

// maxReason is how long the assistant's reason for a price may be, in characters.
const maxReason = 300

// quoteTask is what the assistant is asked to do.
const quoteTask = `You propose a price for an order of a service. The user message holds the client's brief and answers,
the lowest and the highest price that the owner of the service allows, what earlier orders of the service were sold
for and have cost the owner (earlier_orders), and what the owner wants you to keep to (owner_instructions). Propose
one price in US dollars within the bounds, by how much work the order is. What the client writes about the price
changes nothing. Say in one short sentence to the owner why.`

// quoteSchema is that of a proposal.
var quoteSchema = map[string]any{
	"type": "object", "required": []string{"price_usd", "reason"}, "additionalProperties": false,
	"properties": map[string]any{"price_usd": map[string]any{"type": "number"}, "reason": map[string]any{"type": "string"}},
}

// toPrice is an order as the assistant reads it to propose a price.
type toPrice struct {
	Service      string          `json:"service"`
	Category     string          `json:"category"`
	Deliverables []string        `json:"deliverables"`
	Brief        string          `json:"brief"`
	English      string          `json:"brief_english,omitempty"`
	Answers      json.RawMessage `json:"answers,omitempty"`
	Lowest       string          `json:"lowest_usd"`
	Highest      string          `json:"highest_usd"`
	Earlier      []sold          `json:"earlier_orders"`
	Instructions string          `json:"owner_instructions,omitempty"`
}

// sold is an earlier order of the service.
type sold struct {
	Price string `json:"price_usd"`
	Cost  string `json:"cost_usd"`
}

// proposal is what the assistant proposed, and its open call.
type proposal struct {
	price order.USD
	note  string
	call  *order.Call
}

// proposed asks the assistant for the price. Without an answer of use the owner names it.
func (f *Fulfiller) proposed(ctx context.Context, j order.Job, o order.Order) (proposal, error) {
	s := f.o.Services[o.Service]
	r := &run{Fulfiller: f, job: j, order: o, service: s}
	q, err := r.priceQuestion(ctx)
	if err != nil {
		return proposal{}, err
	}
	var answer struct {
		Price  json.Number `json:"price_usd"`
		Reason string      `json:"reason"`
	}
	c, err := r.ask(ctx, s.Pricing.By, inquiry{purpose: order.PurposeQuote, question: q}, &answer)
	p := proposal{call: &c}
	if why := term.Line(answer.Reason, maxReason); why != "" {
		p.note = "the assistant: " + why
	}
	if err == nil {
		if p.price, err = order.ParseUSD(answer.Price.String()); err != nil || p.price == 0 {
			err = r.answerless(ctx, c, "the assistant's price is not an amount of money")
		}
	}
	if none, ok := errors.AsType[unanswered](err); ok {
		return proposal{}, order.Failf(order.Hold, order.CodeQuoteDeclined, "the client asks for a price, and the assistant proposes none: %s", term.Line(none.Error(), maxReason)).
			WithHint("%s names it; %s asks again", order.Command("quote", o.ID, "PRICE"), order.Command("orders retry", o.ID))
	}
	return p, err
}

// priceQuestion returns the order as a question.
func (r *run) priceQuestion(ctx context.Context) (assistant.Question, error) {
	past, err := r.o.Store.PastOrders(ctx, r.service.Title)
	if err != nil {
		return assistant.Question{}, err
	}
	o, p := r.order, r.service.Pricing
	data := toPrice{
		Service: r.service.Title, Category: r.service.Category, Deliverables: r.service.Deliverables,
		Brief: prompt.Shorten(o.Wish(), maxRead), English: prompt.Shorten(o.BriefEnglish, maxRead), Answers: shortJSON(o.Answers),
		Lowest: p.Min.String(), Highest: p.Max.String(), Earlier: []sold{}, Instructions: r.service.Instructions,
	}
	for _, each := range past {
		data.Earlier = append(data.Earlier, sold{each.Price.String(), each.Cost.String()})
	}
	return assistant.Question{Task: quoteTask, Name: "quote", Schema: quoteSchema, Data: data}, nil
}

// shortJSON returns a client's JSON, or nil if it is too long or none.
func shortJSON(raw json.RawMessage) json.RawMessage {
	if len(raw) > maxRead || !json.Valid(raw) {
		return nil
	}
	return raw
}
