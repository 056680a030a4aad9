package atelier

import (
	"context"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"

	"atelierd/internal/order"
)

// Review reads what the client said of the work of an order. The marketplace does
// not count this request, and it changes nothing of an order that has completed.
func (c *Client) Review(ctx context.Context, id string) (order.Review, error) {
	var review order.Review
	err := c.do(ctx, request{
		call: order.RequestRead, orderID: id, method: http.MethodGet, timeout: c.Timeout,
		path: []string{"orders", id},
		read: func(body io.Reader) error {
			one, err := readOne(body)
			if err != nil {
				return err
			}
			var w struct {
				Review wireReview `json:"review"`
			}
			if err := unmarshal(one.data, &w); err != nil {
				return err
			}
			review = order.Review(w.Review)
			return nil
		},
	})
	return review, err
}

// wireReview is a lenient review {rating, text}.
type wireReview order.Review

func (r *wireReview) UnmarshalJSON(raw []byte) error {
	*r = wireReview{}
	if kind(raw) != "object" {
		return nil
	}
	var w struct {
		Rating label `json:"rating"`
		Text   label `json:"text"`
	}
	if err := unmarshal(raw, &w); err != nil {
		return nil //nolint:nilerr // an odd review is none
	}
	r.Text = strings.TrimSpace(string(w.Text))
	if f, err := strconv.ParseFloat(string(w.Rating), 64); err == nil && f >= 1 && f <= order.BestRating {
		n := int(math.Round(f))
		r.Rating = &n
	}
	return nil
}
