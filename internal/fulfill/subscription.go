package fulfill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"atelierd/internal/atelier"
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

const (
	// pieceWait is how long the delivery of a window waits while pieces are made.
	pieceWait = time.Minute
	// brokenWait is how long it waits while no piece is worked on: all are held, have
	// failed, or wait. A piece that is finished makes it due at once.
	brokenWait = 15 * time.Minute
	// lateWindow is how long after its end a window without any piece is held.
	lateWindow = 24 * time.Hour
)

// windowed reports whether the job delivers the paid window of a subscription. A
// round after the first is delivered like any other.
func (s Service) windowed(j order.Job, o order.Order) bool {
	return j.Round == 0 && (s.Window.Length > 0 || !o.WorkspaceExpiresAt.IsZero())
}

// window is the window of an order, with the pieces that were asked for.
type window struct {
	order  order.Order
	plan   order.WindowPlan
	pieces []order.Piece
	quota  int
}

func (f *Fulfiller) window(ctx context.Context, j order.Job, o order.Order) (window, error) {
	s := f.o.Services[o.Service]
	end := o.WorkspaceExpiresAt
	if end.IsZero() {
		end = j.DueAt
	}
	w := window{order: o, plan: s.Window.Plan(o.CreatedAt, end), quota: s.Quota}
	if o.QuotaTotal != nil {
		w.quota = *o.QuotaTotal
	}
	var err error
	w.pieces, err = f.o.Store.Pieces(ctx, j.OrderID)
	return w, err
}

// count returns how many pieces have reached the client, are made, and are being
// worked on.
func (w window) count() (sent, made, open int) {
	for _, p := range w.pieces {
		if p.Sent {
			sent++
		}
		switch {
		case p.Job == order.JobDone:
			made++
		case !p.Finished():
			open++
		}
	}
	return sent, made, open
}

// due reports whether the window is to be delivered now: its margin has begun, its
// quota is used up, or the marketplace has ended it. A status that this version does
// not know says nothing.
func (w window) due() bool {
	sent, _, _ := w.count()
	ended := w.order.Status == order.Delivered || w.order.Status.Reopened() || w.order.Status.Ended()
	return w.quota > 0 && sent >= w.quota || ended || !time.Now().Before(w.plan.Deliver)
}

// windowFiles returns all pieces of a window once it is to be delivered. Before that
// the error is a Wait. The marketplace pays a window only if it has a delivery, so
// that the delivery comes before the end. It does not end what the client may ask for.
func (f *Fulfiller) windowFiles(ctx context.Context, j order.Job, o order.Order) ([]atelier.Deliverable, error) {
	if !f.o.Services[o.Service].Pieces {
		return nil, order.Failf(order.Hold, order.CodeSubscription, "it is the paid window of a subscription, and its service makes no pieces").
			WithHint(`set window = "messages" in the service and run %s`, order.Command("reload"))
	}
	w, err := f.window(ctx, j, o)
	if err != nil {
		return nil, err
	}
	_, made, open := w.count()
	now := time.Now()
	switch {
	case len(w.pieces) == 0 && (w.due() || !now.Before(w.plan.Brief)):
		return nil, f.pieceFromBrief(ctx, j, w)
	case !w.due() && len(w.pieces) == 0:
		return nil, w.wait(time.Until(w.plan.Brief), "nothing was asked for yet, and the client's window is open until %s", w.plan.End)
	case !w.due():
		return nil, w.wait(time.Until(w.plan.Deliver), "the client's window is open until %s", w.plan.End)
	case open > 0 && (made == 0 || now.Before(w.plan.Last)):
		return nil, w.wait(w.nextLook(now), "pieces are being made for the window that ends at %s", w.plan.End)
	case made == 0 && now.Before(w.plan.End.Add(lateWindow)):
		return nil, w.wait(brokenWait, "no piece could be made for the window that ends at %s", w.plan.End)
	case made == 0:
		return nil, order.Failf(order.Hold, order.CodeNoFiles, "the window has ended, and no piece could be made").
			WithHint("%s makes them again", order.Command("orders redo", j.OrderID))
	}
	return f.pieceFiles(ctx, w.pieces)
}

// nextLook returns how long the delivery waits for pieces: a moment while one is worked
// on, longer while all wait, but not beyond the last moment to deliver those that are made.
func (w window) nextLook(now time.Time) time.Duration {
	for _, p := range w.pieces {
		if !p.Finished() && (p.Job == order.JobLeased || p.Job == order.JobReady && p.Code == "") {
			return pieceWait
		}
	}
	if rest := w.plan.Last.Sub(now); rest > 0 {
		return min(brokenWait, rest)
	}
	return brokenWait
}

func (w window) wait(after time.Duration, text string, at time.Time) *order.Failure {
	return &order.Failure{
		Class: order.Wait, Code: order.CodeWindow, After: max(after, time.Second),
		Err: fmt.Errorf(text, at.UTC().Format(time.RFC3339)),
	}
}

// pieceFromBrief opens piece 1 for a window in which nothing was asked for. The thread
// is read first: what the client wrote there in time becomes a piece by itself.
func (f *Fulfiller) pieceFromBrief(ctx context.Context, j order.Job, w window) error {
	thread, err := f.o.Market.Messages(ctx, j.OrderID)
	fail, _ := errors.AsType[*order.Failure](err)
	unreadable := fail != nil && (fail.Class == order.Fail || fail.Code == order.CodeThreadTooLarge && j.ByOwner)
	switch {
	case err != nil && !unreadable && time.Now().Before(w.plan.Last):
		return marketFailure(err)
	case slices.ContainsFunc(thread, func(m order.Message) bool {
		return m.Party == order.PartyClient && m.At.Before(w.plan.End)
	}):
		if err := f.o.Store.ReadThread(j.OrderID); err != nil {
			return err
		}
	default:
		if err := f.o.Store.AskFromBrief(j); err != nil {
			return err
		}
	}
	return w.wait(pieceWait, "piece 1 is made for the window that ends at %s", w.plan.End)
}

// pieceFiles returns the files of all pieces that are made.
func (f *Fulfiller) pieceFiles(ctx context.Context, pieces []order.Piece) (list []atelier.Deliverable, err error) {
	for _, p := range pieces {
		if p.Job != order.JobDone {
			continue
		}
		files, err := f.pieces(ctx, p.OrderID, order.KindPiece, p.Number)
		if err != nil {
			return nil, err
		}
		list = append(list, files...)
	}
	return list, nil
}
