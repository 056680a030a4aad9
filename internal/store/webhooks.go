package store

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

const (
	// sameWithin is how long the marketplace may send an event again. The same data
	// after that is another event.
	sameWithin = time.Minute
	// shownWithin is the most time between an event and the message in the thread
	// that has the same text.
	shownWithin = 2 * time.Minute
)

// RecordWebhook records what an event carries. The words of a client become a message
// of the thread. Feedback wakes a delivery that waits for it. An event that is
// recorded already changes nothing. If its order is not known yet, the event takes
// effect when it is.
func (s *Store) RecordWebhook(w order.Webhook) error {
	return s.write("webhook", func(t *tx) error {
		if w.BountyID != "" {
			if err := t.RejectBounty(noCancel, query.RejectBountyParams{RejectedAt: t.now, ID: w.BountyID}); err != nil {
				return err
			}
		}
		if w.OrderID == "" || w.Text == "" && w.Amount == nil {
			return nil
		}
		same, err := t.SameWebhook(noCancel, query.SameWebhookParams{
			OrderID: w.OrderID, Event: w.Event, Hash: w.Hash,
			Revision: int64(w.Revision), At: utc.At(t.now.Add(-sameWithin)), SignedAt: utc.At(w.SignedAt),
		})
		if err != nil || same {
			return err
		}
		id, err := t.InsertWebhook(noCancel, query.InsertWebhookParams{
			OrderID: w.OrderID, Event: w.Event, Hash: w.Hash,
			Revision: int64(w.Revision), Content: w.Text, AmountUsdMicros: w.Amount, SignedAt: utc.At(w.SignedAt), At: t.now,
		})
		if err != nil {
			return err
		}
		if known, err := t.HasOrder(noCancel, w.OrderID); err != nil || !known {
			return err
		}
		return t.webhook(query.Webhook{
			ID: id, OrderID: w.OrderID, Event: w.Event, Content: w.Text,
			AmountUsdMicros: w.Amount, SignedAt: utc.At(w.SignedAt), At: t.now,
		})
	})
}

// pendingWebhooks gives the events that came before their orders their effect.
func (t *tx) pendingWebhooks() error {
	rows, err := t.PendingWebhooks(noCancel)
	if err != nil {
		return err
	}
	for _, w := range rows {
		if err := t.webhook(w); err != nil {
			return err
		}
	}
	return nil
}

// webhook gives an event of a known order its effect.
func (t *tx) webhook(w query.Webhook) error {
	if w.AmountUsdMicros != nil {
		if err := t.SetPayout(noCancel, query.SetPayoutParams{PayoutUsdMicros: w.AmountUsdMicros, PayoutAt: t.now, ID: w.OrderID}); err != nil {
			return err
		}
		t.says(func(log *slog.Logger) {
			log.Info("an order is paid out", "order", w.OrderID, "amount", "$"+w.AmountUsdMicros.String())
		})
		if _, err := t.event(w.OrderID, "payout sent", fmt.Sprintf("the marketplace reports a payout of $%s", *w.AmountUsdMicros)); err != nil {
			return err
		}
	}
	message := ""
	if w.Content != "" {
		var err error
		if message, err = t.messageOfWebhook(w); err != nil {
			return err
		}
	}
	return t.EndWebhook(noCancel, query.EndWebhookParams{MessageID: message, ID: w.ID})
}

// messageOfWebhook returns the id of the message that an event is about: one that
// is stored already, which no other event of its kind is about, or a new one.
func (t *tx) messageOfWebhook(w query.Webhook) (id string, err error) {
	there, err := t.Queries.MessageOfWebhook(noCancel, query.MessageOfWebhookParams{
		OrderID: w.OrderID, Content: w.Content,
		Low: utc.At(w.At.Add(-shownWithin)), High: utc.At(w.At.Add(shownWithin)),
		SignedLow: utc.At(w.SignedAt.Add(-shownWithin)), SignedHigh: utc.At(w.SignedAt.Add(shownWithin)), Feedback: feedback(w.Event),
	})
	if err != nil {
		return "", err
	}
	if len(there) > 0 {
		return there[0], nil
	}
	id = fmt.Sprintf("webhook-%d", w.ID)
	if _, err := t.InsertMessage(noCancel, query.InsertMessageParams{
		OrderID: w.OrderID, RemoteID: id, Party: order.PartyClient,
		Sender: w.Event, Content: w.Content, At: w.At, SeenAt: t.now,
	}); err != nil {
		return "", err
	}
	if err := t.clientNews(w.OrderID, w.Content, w.At.Time); err != nil {
		return "", err
	}
	return id, t.clientWrote(w.OrderID)
}

// MergeThread records the messages that a read of a thread showed and returns the
// whole thread, with what webhooks have added. It writes only if the client has
// written something new, because a commit costs a sync.
func (s *Store) MergeThread(ctx context.Context, orderID string, shown []order.Message) ([]order.Message, error) {
	stored, err := s.Thread(ctx, orderID)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, m := range stored {
		known[m.ID] = true
	}
	news := false
	whole := stored
	for _, m := range shown {
		if !known[m.ID] {
			whole = append(whole, m)
			news = news || m.Party == order.PartyClient
		}
	}
	if !news {
		slices.SortStableFunc(whole, func(a, b order.Message) int { return a.At.Compare(b.At) })
		return whole, nil
	}
	if err := s.write("thread.merge", func(t *tx) error {
		_, err := t.merge(orderID, shown)
		return err
	}); err != nil {
		return nil, err
	}
	return s.Thread(ctx, orderID)
}

// merge records the messages that a thread shows and returns how many are new. A
// message that a webhook has brought already takes the id that it has in the thread,
// and keeps its piece.
func (t *tx) merge(orderID string, shown []order.Message) (fresh int, err error) {
	stored, err := t.ListMessages(noCancel, orderID)
	if err != nil {
		return 0, err
	}
	known, wrote, ours := map[string]bool{}, false, false
	for _, m := range stored {
		known[m.RemoteID] = true
	}
	for _, m := range shown {
		if known[m.ID] {
			continue
		}
		known[m.ID] = true
		if m.Party == order.PartyAgent && !ours {
			ours = true
			if err := t.keepBefore(orderID); err != nil {
				return fresh, err
			}
		}
		merged, err := t.mergeOne(orderID, m)
		if err != nil {
			return fresh, err
		}
		if merged {
			continue
		}
		if _, err := t.InsertMessage(noCancel, query.InsertMessageParams{
			OrderID: orderID, RemoteID: m.ID, Party: m.Party,
			Sender: m.Sender, Content: m.Text, At: utc.At(m.At), SeenAt: t.now,
		}); err != nil {
			return fresh, err
		}
		fresh++
		if m.Party == order.PartyClient {
			wrote = true
			if err := t.clientNews(orderID, m.Text, m.At); err != nil {
				return fresh, err
			}
		}
	}
	if wrote {
		err = t.clientWrote(orderID)
	}
	return fresh, err
}

// mergeOne reports whether a webhook has brought the message, which then takes its
// id in the thread.
func (t *tx) mergeOne(orderID string, m order.Message) (bool, error) {
	if m.Party != order.PartyClient {
		return false, nil
	}
	ids, err := t.WebhookOfMessage(noCancel, query.WebhookOfMessageParams{
		OrderID: orderID, Content: m.Text,
		Low: utc.At(m.At.Add(-shownWithin)), High: utc.At(m.At.Add(shownWithin)),
	})
	if err != nil || len(ids) == 0 {
		return false, err
	}
	if err := t.RenameMessage(noCancel, query.RenameMessageParams{NewID: m.ID, Sender: m.Sender, OrderID: orderID, OldID: ids[0]}); err != nil {
		return false, err
	}
	if err := t.RenamePiece(noCancel, query.RenamePieceParams{NewID: m.ID, OrderID: orderID, OldID: ids[0]}); err != nil {
		return false, err
	}
	return true, t.RenameWebhook(noCancel, query.RenameWebhookParams{NewID: m.ID, OrderID: orderID, OldID: ids[0]})
}

// clientWrote lets a delivery run that waited for the client's words.
func (t *tx) clientWrote(orderID string) error {
	n, err := t.ClientAnswered(noCancel, query.ClientAnsweredParams{RunAt: t.now, ChangedAt: t.now, OrderID: orderID})
	if err != nil || n == 0 {
		return err
	}
	t.changed.lane(order.LaneGenerate)
	return t.orderAnswered(orderID)
}

// orderAnswered releases an order that was held until its client says what to change.
func (t *tx) orderAnswered(orderID string) error {
	known, err := t.knownIDs([]string{orderID})
	if err != nil {
		return err
	}
	if k := known[orderID]; k.State != order.StateHeld || k.Code != order.CodeNoFeedback {
		return nil
	}
	if err := t.SetOrderState(noCancel, query.SetOrderStateParams{State: order.StateWorking, ChangedAt: t.now, ID: orderID}); err != nil {
		return err
	}
	_, err = t.event(orderID, string(order.StateWorking), "the client wrote, so work resumes")
	return err
}

// feedback is 1 for an event that carries feedback on a delivery.
func feedback(event string) int64 {
	if event == order.EventMessage {
		return 0
	}
	return 1
}
