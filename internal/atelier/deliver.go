package atelier

import (
	"context"
	"net/http"

	"atelierd/internal/order"
)

// Deliverable is one piece of a delivery.
type Deliverable struct {
	URL string
	// Media is image or video by the marketplace's guide. The deployed marketplace
	// also accepts link, document, code and text.
	Media string
}

type wireDeliverable struct {
	URL   string `json:"deliverable_url"`
	Media string `json:"deliverable_media_type"`
}

// Deliver delivers an order. It is not idempotent: after an error for which
// OutcomeUnknown is true, read the order before you deliver again. More than one
// deliverable is an addition of the deployed marketplace to its guide.
func (c *Client) Deliver(ctx context.Context, orderID string, pieces []Deliverable) error {
	r := request{
		call: order.RequestDeliver, orderID: orderID, method: http.MethodPost, timeout: c.deliverTimeout(),
		path: []string{"orders", orderID, "deliver"}, read: nothing,
	}
	if len(pieces) == 0 {
		return r.notSent(order.Fail, order.CodeRejected, "nothing to deliver")
	}
	wire := make([]wireDeliverable, len(pieces))
	for i, p := range pieces {
		wire[i] = wireDeliverable(p)
	}
	var body any = wire[0]
	if len(wire) > 1 {
		body = map[string]any{"deliverables": wire}
	}
	return c.send(ctx, r, body)
}

// Quote quotes the price of an order in status pending_quote.
func (c *Client) Quote(ctx context.Context, orderID string, price order.USD) error {
	r := request{
		call: order.RequestQuote, orderID: orderID, method: http.MethodPost, timeout: c.Timeout,
		path: []string{"orders", orderID, "quote"}, read: nothing,
	}
	return c.send(ctx, r, map[string]string{"price_usd": price.String()})
}

// send is like do, with body as JSON.
func (c *Client) send(ctx context.Context, r request, body any) error {
	if err := r.jsonBody(body); err != nil {
		return r.notSent(order.Fail, order.CodeRejected, "%s", tidy(err.Error()))
	}
	return c.do(ctx, r)
}
