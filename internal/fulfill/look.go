package fulfill

import (
	"context"
	"errors"
	"slices"
	"time"

	"atelierd/internal/order"
)

// look asks the marketplace for the state of an order. It reads the one order,
// which is not counted, or lists all where single orders cannot be read.
func (f *Fulfiller) look(ctx context.Context, id string) (order.Seen, error) {
	at := time.Now()
	facts, err := f.o.Market.Order(ctx, id)
	if err == nil {
		if f.o.Sightings != nil {
			f.o.Sightings.Read(facts, at)
		}
		return order.Seen{Facts: facts, At: at}, nil
	}
	if fail, ok := errors.AsType[*order.Failure](err); !ok || fail.Code != order.CodeNotFound {
		return order.Seen{}, err
	}
	at = time.Now()
	found := order.Seen{At: at}
	if err := f.o.Market.OrdersInParts(ctx, order.AllStatuses(), func(part order.Listing) error {
		if f.o.Sightings != nil {
			f.o.Sightings.Glimpsed(part.Orders, at)
		}
		for _, facts := range part.Orders {
			if facts.ID == id && found.Facts.ID == "" {
				found.Facts = facts
			}
		}
		return nil
	}); err != nil {
		return order.Seen{}, err
	}
	if found.Facts.ID != "" {
		f.o.Shown(ctx, found.Facts)
		return found, nil
	}
	return order.Seen{}, &order.Failure{
		Class: order.Wait, Code: order.CodeNotListed, After: endedRetry,
		Err: errors.New("the marketplace does not list the order at the moment"),
	}
}

// verdict is what a look shows of the delivery of a round.
type verdict int

const (
	open      verdict = iota // it has not been delivered
	arrived                  // it was delivered by us
	elsewhere                // somebody else delivered it
	ended                    // the order takes no delivery
	unclear                  // the look does not show it
)

// shown returns what facts show of the delivery of a round with our urls. before
// is the record of our own sends; its zero value means that there was none.
func shown(facts order.Facts, before order.Delivery, round int, urls []string) verdict {
	sent := before.State == order.DeliverySending
	listed := len(facts.Deliverables) > 0 // orders as in the published guide list none
	ours := listed && containsAll(facts.Deliverables, urls)
	switch {
	case facts.Status == order.Cancelled:
		return ended
	case sent && ours:
		return arrived
	case facts.Shown == order.ShownNone && (facts.Status == order.Delivered || facts.Status.TakesDelivery()):
		// The end of a window makes an order delivered without any file. Nobody has
		// delivered it, and nobody is paid for it.
		return open
	case facts.Shown == order.ShownNone:
		return ended
	case facts.Status == order.Delivered || facts.Status == order.Completed:
		switch {
		case ours, sent && !listed:
			return arrived
		case facts.Status == order.Completed:
			return ended
		}
		return elsewhere
	case facts.Status.Reopened() && round == 0:
		// Sent back, so a first delivery has arrived. This round is over even if the
		// delivery was not ours.
		if sent && !listed {
			return arrived
		}
		return elsewhere
	case facts.Status.Reopened() && sent && !listed:
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
