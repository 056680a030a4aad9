package fulfill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"atelierd/internal/order"
)

// pieceMessage returns the message that brings a piece to its client.
func pieceMessage(j order.Job) []order.NewMessage {
	return []order.NewMessage{{Reason: fmt.Sprintf("piece-%d", j.Round)}}
}

// piece returns what the client asked for.
func (f *Fulfiller) piece(ctx context.Context, j order.Job) (number int, ask string, err error) {
	pieces, err := f.o.Store.Pieces(ctx, j.OrderID)
	if err != nil {
		return 0, "", err
	}
	for _, p := range pieces {
		if p.Number == j.Round {
			return p.Number, p.Request, nil
		}
	}
	return 0, "", order.Failf(order.Hold, order.CodeNoPiece, "nobody asked for piece %d", j.Round).
		WithHint("read the thread with %s", order.Command("messages", j.OrderID))
}

// How long the delivery that ends a window waits while pieces are made, and how
// long the marketplace has to end a window in which nothing was asked for.
const (
	pieceWait   = time.Minute
	emptyWindow = 24 * time.Hour
)

// windowOver returns the last piece that was sent, once the window of the order is
// over: its time has passed, or all pieces of its quota are sent. Before that the
// error is a Wait, because a delivery would end the window that the client paid for.
func (f *Fulfiller) windowOver(ctx context.Context, j order.Job, o order.Order) (last int, err error) {
	s := f.o.Services[o.Service]
	if !s.Pieces {
		return 0, order.Failf(order.Hold, order.CodeSubscription, "a subscription is a paid window, and a delivery would end it").
			WithHint("answer the client at the marketplace, or with %s", order.Command("messages --send TEXT", j.OrderID))
	}
	pieces, err := f.o.Store.Pieces(ctx, j.OrderID)
	if err != nil {
		return 0, err
	}
	sent, open := 0, 0
	for _, p := range pieces {
		switch {
		case p.Sent:
			sent, last = sent+1, p.Number
		case !p.Finished():
			open++
		}
	}
	end := o.WorkspaceExpiresAt
	if end.IsZero() {
		end = j.DueAt
	}
	rest := time.Until(end)
	quota := s.Quota
	if o.QuotaTotal != nil {
		quota = *o.QuotaTotal
	}
	used := quota > 0 && sent >= quota
	switch {
	case rest > 0 && !used:
		return 0, &order.Failure{
			Class: order.Wait, Code: order.CodeWindow, After: rest,
			Err: fmt.Errorf("the client's window is open until %s", end.UTC().Format(time.RFC3339)),
		}
	case open > 0:
		return 0, &order.Failure{
			Class: order.Wait, Code: order.CodeWindow, After: pieceWait,
			Err: fmt.Errorf("the window is over, and %d pieces are not finished", open),
		}
	case last == 0 && rest > -emptyWindow:
		return 0, &order.Failure{
			Class: order.Wait, Code: order.CodeWindow, After: time.Hour,
			Err: errors.New("the window is over and nothing was asked for; the marketplace ends the order"),
		}
	case last == 0:
		return 0, order.Failf(order.Hold, order.CodeSubscription, "the window is over, nothing was asked for, and the order is still open").
			WithHint("look at the order at the marketplace")
	}
	return last, nil
}
