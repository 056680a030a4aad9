package atelier

import (
	"context"
	"net/http"

	"atelierd/internal/order"
)

// RetryPayout asks the marketplace to pay out a completed order again. The
// marketplace counts this request. It refuses an order that is paid out already.
func (c *Client) RetryPayout(ctx context.Context, orderID string) error {
	r := request{
		call: order.RequestPayout, orderID: orderID, method: http.MethodPost, timeout: c.Timeout,
		path: []string{"orders", orderID, "request-payout-retry"}, read: nothing,
	}
	return c.send(ctx, r, map[string]string{})
}
