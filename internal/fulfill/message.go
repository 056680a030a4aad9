package fulfill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"atelierd/internal/message"
	"atelierd/internal/order"
)

// messageRetry is how long a message waits for a status that takes it.
const messageRetry = 10 * time.Minute

// message sends one message of the outbox to the client, once. The marketplace
// accepts the same text twice without an error, so the thread is read first: after a
// send without an answer, and before the first send of what an outbox that was restored
// may have sent already.
func (f *Fulfiller) message(ctx context.Context, j order.Job, o order.Order) (order.Result, error) {
	m, err := f.o.Store.Outgoing(ctx, j.OrderID, j.Round)
	if err != nil {
		return order.Result{}, err
	}
	if m.State == order.OutDraft {
		return order.Result{}, draftHeld(m)
	}
	if m.State == order.OutSending {
		if done, err := f.afterLostAnswer(ctx, j, m); err != nil || done.Sent != "" {
			return done, err
		}
	}
	switch {
	case o.Status == order.Cancelled:
		return order.Result{Sent: order.OutDropped, Note: "the order was cancelled"}, nil
	case !o.Status.TakesMessages():
		return order.Result{}, &order.Failure{
			Class: order.Wait, Code: order.CodeNotNow, After: messageRetry,
			Err: fmt.Errorf("an order that is %.40q takes no messages", o.Status),
		}
	}
	body, err := f.write(ctx, m, o)
	if err != nil {
		return order.Result{}, err
	}
	if body == "" {
		return order.Result{Sent: order.OutDropped, Note: "its template is off"}, nil
	}
	if found, err := f.secretText(m, body); err != nil || found.Sent != "" {
		return found, err
	}
	m.Body = body
	if m.State != order.OutSending {
		if done, err := f.beforeFirstSend(ctx, j, m, o); err != nil || done.Sent != "" {
			return done, err
		}
	}
	if err := f.affordable(ctx, order.RequestMessage); err != nil {
		return order.Result{}, err
	}
	if err := f.effect(ctx, j, effect{
		intend:   func() error { return f.o.Store.IntendMessage(j, body) },
		send:     func() error { return f.o.Market.SendMessage(ctx, j.OrderID, body) },
		withdraw: func(note string) error { return f.o.Store.WithdrawMessage(j, note) },
	}); errors.Is(err, order.ErrStale) {
		return staleReply(), nil
	} else if err != nil {
		return order.Result{}, err
	}
	return order.Result{Sent: order.OutSent}, nil
}

// beforeFirstSend returns how a message ended that the outbox has not sent, or an empty
// result if it may be sent. A ledger that was restored may have forgotten that it was.
func (f *Fulfiller) beforeFirstSend(ctx context.Context, j order.Job, m order.Outgoing, o order.Order) (order.Result, error) {
	if err := f.o.Ready(j); err != nil {
		return order.Result{}, err // until the ledger is compared it is unknown what it has forgotten
	}
	owner := order.Template(m.Reason) == "owner"
	restored, err := f.o.Store.ReconciledSince(ctx, came(m, o))
	if err != nil || owner && !restored {
		return order.Result{}, err
	}
	like := func(text string) bool { return text == m.Body }
	if restored && !owner && replyQueued(m).IsZero() {
		like = f.withAnyLinks(m, o)
	}
	switch shown, err := f.messageShown(ctx, m, like); {
	case err != nil:
		return order.Result{}, err
	case shown == inThread:
		return order.Result{Sent: order.OutSent, Note: "found in the thread"}, nil
	case shown == notInThread:
		return order.Result{}, nil
	}
	forgotten, err := f.mayBeForgotten(ctx, m, o)
	if err != nil || !forgotten {
		return order.Result{}, err
	}
	return order.Result{Sent: order.OutUnknown, Note: "the ledger may have been restored, and the full thread does not show whether it was sent"}, nil
}

// came returns when what the message is about came up: what the owner has written, or the
// order. The marketplace may show a time of no calendar.
func came(m order.Outgoing, o order.Order) time.Time {
	switch {
	case order.Template(m.Reason) == "owner" || !replyQueued(m).IsZero():
		return m.QueuedAt
	case o.CreatedAt.IsZero() || o.SeenAt.Before(o.CreatedAt):
		return o.SeenAt
	}
	return o.CreatedAt
}

// mayBeForgotten reports whether a message that the thread cannot show may have been sent
// without the ledger having it: a process could send it before the last reconcile, or
// before this one has compared the ledger. A copy of the whole folder that was put back
// shows only in what the marketplace shows. What the owner writes waits too briefly to be
// in a copy, and may be written while no daemon runs.
func (f *Fulfiller) mayBeForgotten(ctx context.Context, m order.Outgoing, o order.Order) (bool, error) {
	since, err := f.possibleSince(ctx, m, o)
	if err != nil {
		return false, err
	}
	if order.Template(m.Reason) != "owner" && !since.After(f.o.Compared()) {
		return true, nil
	}
	return f.o.Store.ReconciledSince(ctx, since)
}

// possibleSince returns since when a process can have sent the message.
func (f *Fulfiller) possibleSince(ctx context.Context, m order.Outgoing, o order.Order) (time.Time, error) {
	first := came(m, o)
	switch order.Template(m.Reason) {
	case "piece":
		// Its files were uploaded just before it was queued. Nothing sent earlier links to them.
		if len(order.Links(m.Body)) > 0 {
			return m.QueuedAt, nil
		}
	case "delivered", "revised":
		// The marketplace shows a delivery, so the one that was sent then was the first.
		sent, known, err := f.o.Store.Delivery(ctx, o.ID, roundOf(m.Reason, o.Round))
		if err != nil || known && sent.SentAt.After(first) {
			return sent.SentAt, err
		}
	}
	return first, nil
}

// afterLostAnswer returns how a message ended whose send got no answer, or an empty
// result if it may be sent again. A message that a full thread does not show may
// have arrived, so it is never repeated.
func (f *Fulfiller) afterLostAnswer(ctx context.Context, j order.Job, m order.Outgoing) (order.Result, error) {
	at := time.Now()
	switch shown, err := f.messageShown(ctx, m, func(text string) bool { return text == m.Body }); {
	case err != nil:
		return order.Result{}, err
	case shown == inThread:
		return order.Result{Sent: order.OutSent, Note: "found in the thread"}, nil
	case shown == beyondThread:
		return order.Result{Sent: order.OutUnknown, Note: "sent without an answer, and the full thread does not show whether it arrived"}, nil
	}
	return order.Result{}, f.again(j, sending{"message", m.SentAt, m.Tries}, at)
}

// links returns the addresses of the files that a message is about: those of a piece,
// all that ended a window, or those of the round.
func (f *Fulfiller) links(ctx context.Context, d message.Data, s Service, o order.Order) ([]string, error) {
	kind, round := order.KindDelivery, d.Round
	switch {
	case d.Piece > 0:
		kind, round = order.KindPiece, d.Piece
	case s.windowed(order.Job{Round: d.Round}, o):
		return f.windowLinks(ctx, o.ID, d.Round)
	}
	files, err := f.o.Store.Artifacts(ctx, o.ID, kind, round)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, a := range files {
		list = append(list, a.URL)
	}
	return list, nil
}

// windowLinks returns the addresses of the files that ended a window. A restored ledger
// may lack its delivery. Then they are those of the pieces.
func (f *Fulfiller) windowLinks(ctx context.Context, orderID string, round int) ([]string, error) {
	sent, _, err := f.o.Store.Delivery(ctx, orderID, round)
	if err != nil || len(sent.URLs) > 0 {
		return sent.URLs, err
	}
	pieces, err := f.o.Store.Pieces(ctx, orderID)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, p := range pieces {
		files, err := f.o.Store.Artifacts(ctx, orderID, order.KindPiece, p.Number)
		if err != nil {
			return nil, err
		}
		for _, a := range files {
			if a.URL != "" {
				list = append(list, a.URL)
			}
		}
	}
	return list, nil
}

// roundOf returns the round that a message with the reason is about. The client may
// have sent the delivery back before its message goes out, so it is not always the
// order's round now.
func roundOf(reason string, now int) int {
	if reason == "delivered" {
		return 0
	}
	round := now
	if _, err := fmt.Sscanf(reason, "revised-%d", &round); err != nil {
		return now
	}
	return round
}

// write returns the text of a message: the one that it was first sent with, or
// what its template makes of the order. It is empty when the template is off.
func (f *Fulfiller) write(ctx context.Context, m order.Outgoing, o order.Order) (string, error) {
	if m.Body != "" {
		return m.Body, nil
	}
	s := f.o.Services[o.Service]
	template := s.Templates[order.Template(m.Reason)]
	if template == nil {
		return "", nil
	}
	d := s.messageData(m.Reason, o)
	var err error
	if d.Links, err = f.links(ctx, d, s, o); err != nil {
		return "", err
	}
	text, err := template.Write(d)
	if err != nil {
		return "", order.Failf(order.Hold, order.CodeBadTemplate, "the message template cannot be used: %w", err).
			WithHint("correct %s in [messages] of the configuration and run %s; work resumes by itself", order.Template(m.Reason), order.Command("reload"))
	}
	if text == "" {
		return "", errors.New("the message is empty")
	}
	return text, nil
}

// messageData returns what the template of a message with the reason may use, without
// the links.
func (s Service) messageData(reason string, o order.Order) message.Data {
	d := message.Data{Order: o.ID, Service: s.Title, Brief: o.Brief, Round: roundOf(reason, o.Round), Reason: o.Reason}
	if _, err := fmt.Sscanf(reason, "piece-%d", &d.Piece); err != nil {
		d.Piece = 0
	}
	return d
}

// PieceText returns the message that brings a piece with these links to the client of
// an order, or "" if there is none or the order has no pieces.
func (f *Fulfiller) PieceText(o order.Order, piece int, links []string) string {
	if s := f.o.Services[o.Service]; !s.Pieces || !s.windowed(order.Job{}, o) {
		return ""
	}
	return f.writeWith(pieceMessage(order.Job{Round: piece})[0].Reason, links, o)
}
