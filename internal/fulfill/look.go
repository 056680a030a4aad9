package fulfill

import (
	"context"
	"errors"
	"slices"
	"time"

	"atelierd/internal/order"
)

// look asks the marketplace where an order stands: by a read of the one order,
// which is not counted, or where there is no such call by a list of all.
func (f *Fulfiller) look(ctx context.Context, id string) (order.Seen, error) {
	at := time.Now()
	facts, err := f.o.Market.Order(ctx, id)
	if err == nil {
		return order.Seen{Facts: facts, At: at}, nil
	}
	if fail, ok := errors.AsType[*order.Failure](err); !ok || fail.Code != order.CodeNotFound {
		return order.Seen{}, err
	}
	at = time.Now()
	listing, err := f.o.Market.Orders(ctx, order.AllStatuses())
	if err != nil {
		return order.Seen{}, err
	}
	for _, facts := range listing.Orders {
		if facts.ID == id {
			return order.Seen{Facts: facts, At: at}, nil
		}
	}
	return order.Seen{}, &order.Failure{Class: order.Wait, Code: order.CodeNotListed, After: endedRetry,
		Err: errors.New("the marketplace does not list the order at the moment")}
}

// verdict is what a look says about the delivery of a round.
type verdict int

const (
	open      verdict = iota // it has not been delivered
	landed                   // ours has arrived
	elsewhere                // somebody else's has
	ended                    // none is wanted any more
	unclear                  // it cannot be told
)

// judge says what facts mean for the delivery of a round with our urls. before
// is what we know of our own sends; its zero value means that there was none.
func judge(facts order.Facts, before order.Delivery, round int, urls []string) verdict {
	sent := before.State == order.DeliverySending
	shown := len(facts.Deliverables) > 0 // the published guide's orders show none
	ours := shown && containsAll(facts.Deliverables, urls)
	switch {
	case facts.Status == order.Cancelled:
		return ended
	case sent && ours:
		return landed
	case facts.Status == order.Delivered || facts.Status == order.Completed:
		switch {
		case ours, sent && !shown:
			return landed
		case facts.Status == order.Completed:
			return ended
		}
		return elsewhere
	case facts.Status.Reopened() && round == 0:
		// Sent back, so a first delivery has arrived; if it was not ours, this
		// round is over all the same.
		if sent && !shown {
			return landed
		}
		return elsewhere
	case facts.Status.Reopened() && sent && !shown:
		// Either it did not arrive, or it did and was sent back at once.
		return unclear
	case facts.Status.TakesDelivery():
		return open
	}
	return ended
}

func containsAll(list, wanted []string) bool {
	for _, w := range wanted {
		if !slices.Contains(list, w) {
			return false
		}
	}
	return len(wanted) > 0
}
