package store

import (
	"context"
	"fmt"
	"log/slog"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// Quote returns the recorded quote of an order; ok is false if there is none.
func (s *Store) Quote(ctx context.Context, orderID string) (q order.Quote, ok bool, err error) {
	rows, err := s.read.GetQuote(ctx, orderID)
	if err != nil || len(rows) == 0 {
		return q, false, err
	}
	r := rows[0]
	return order.Quote{
		OrderID: r.OrderID, Price: r.PriceUsdMicros, Source: r.Source, State: r.State,
		Tries: int(r.Tries), SentAt: r.SentAt.Time,
	}, true, nil
}

// PastOrders returns what the newest completed orders of a service were sold for and have
// cost, the newest first, at most ten.
func (s *Store) PastOrders(ctx context.Context, service string) (list []order.Past, err error) {
	rows, err := s.read.PastOrders(ctx, service)
	for _, r := range rows {
		list = append(list, order.Past{Price: order.USD(r.Price), Cost: order.USD(r.Cost)})
	}
	return list, err
}

// IntendQuote records that a quote is about to be sent. Send nothing before it
// returns nil. It fails with class Lost if the job's lease is lost, and waits if the owner
// has paused the service before the quote was first sent.
func (s *Store) IntendQuote(j order.Job) error {
	return s.write("quote.intent", func(t *tx) error {
		if err := t.leaseStands(j); err != nil {
			return err
		}
		rows, err := t.GetQuote(noCancel, j.OrderID)
		if err != nil {
			return err
		}
		if len(rows) > 0 && rows[0].State == order.QuotePriced {
			if err := t.orderMayBegin(j.OrderID); err != nil {
				return err
			}
		}
		if err := t.Queries.IntendQuote(noCancel, query.IntendQuoteParams{SentAt: t.now, OrderID: j.OrderID}); err != nil {
			return err
		}
		return t.effect(j.OrderID, "quoting", "")
	})
}

// WithdrawQuote records that an intended quote did not happen.
func (s *Store) WithdrawQuote(j order.Job, note string) error {
	return s.write("quote.withdraw", func(t *tx) error {
		if err := t.leaseStands(j); err != nil {
			return err
		}
		return t.EndQuote(noCancel, query.EndQuoteParams{
			State: order.QuoteRefused, SettledAt: t.now,
			Note: note, OrderID: j.OrderID,
		})
	})
}

// priced records the result of a price stage.
func (t *tx) priced(j order.Job, p order.Priced) error {
	if err := t.PutQuote(noCancel, query.PutQuoteParams{OrderID: j.OrderID, PriceUsdMicros: p.Price, Source: p.Source}); err != nil {
		return err
	}
	_, err := t.event(j.OrderID, "priced", fmt.Sprintf("$%s by %s", p.Price, p.Source))
	return err
}

// quoted records the outcome of a quote. The order then waits for the client.
func (t *tx) quoted(orderID string, state order.QuoteState, note string) error {
	if err := t.EndQuote(noCancel, query.EndQuoteParams{State: state, SettledAt: t.now, Note: note, OrderID: orderID}); err != nil {
		return err
	}
	if err := t.SetOrderState(noCancel, query.SetOrderStateParams{State: order.StateWaiting, ChangedAt: t.now, ID: orderID}); err != nil {
		return err
	}
	kind := "quoted"
	if state == order.QuoteElsewhere {
		kind = "quoted elsewhere"
	} else {
		t.says(func(log *slog.Logger) { log.Info("price sent to the client", "order", orderID) })
	}
	return t.effect(orderID, kind, note)
}

// endQuote ends a quote that the marketplace no longer waits for.
func (t *tx) endQuote(orderID string, state order.QuoteState) error {
	if err := t.EndJob(noCancel, query.EndJobParams{
		OrderID: orderID, Kind: order.KindQuote, Round: 0,
		ChangedAt: t.now, FinishedAt: t.now,
	}); err != nil {
		return err
	}
	t.changed.Revoked = true
	note := "the quote arrived"
	if state == order.QuoteElsewhere {
		note = "the order continues without a quote from us"
	}
	if err := t.EndQuote(noCancel, query.EndQuoteParams{State: state, SettledAt: t.now, Note: note, OrderID: orderID}); err != nil {
		return err
	}
	_, err := t.event(orderID, "quote", note)
	return err
}

// Quote sets the owner's price and makes the quote ready to be sent. It fails if the
// order waits for no quote, or if one may already have been sent.
func (o Owner) Quote(ctx context.Context, id string, price order.USD) error {
	before, err := o.asSeen(ctx, id, order.PartOrder)
	if err != nil {
		return err
	}
	if before.Status != order.PendingQuote {
		return fmt.Errorf("order %s is %s at the marketplace and does not wait for a quote", id, before.Status)
	}
	if q, ok, err := o.Store.Quote(ctx, id); err != nil {
		return err
	} else if ok && (q.State == order.QuoteSending || q.State == order.QuoteConfirmed) {
		return fmt.Errorf("order %s has a quote of $%s already, which is %s", id, q.Price, q.State)
	}
	return o.decide("owner.quote", id, order.PartOrder, func(t *tx) error {
		if _, err := t.approveClient(before, nil); err != nil {
			return err
		}
		if err := t.PutQuote(noCancel, query.PutQuoteParams{OrderID: id, PriceUsdMicros: price, Source: order.SourceOwner}); err != nil {
			return err
		}
		n, err := t.ReadyQuote(noCancel, query.ReadyQuoteParams{Priority: priority(order.StageQuote), RunAt: t.now, ChangedAt: t.now, OrderID: id})
		if err != nil {
			return err
		}
		if n == 0 {
			if err := t.openJob(order.Job{OrderID: id, Kind: order.KindQuote, Stage: order.StageQuote, DueAt: before.DueAt}, t.now); err != nil {
				return err
			}
		}
		return t.setByOwner(id, word{state: order.StateWorking, note: fmt.Sprintf("%s at $%s", order.ActQuote, price)})
	})
}
