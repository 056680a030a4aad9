package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// This file is about the replies of the assistant. Each is a row of the outbox in the state
// draft from before it is written until the owner, or the configuration, has it sent. There
// is at most one for what the client wrote last.

// replyWithin is how old a message may be to get a reply of the assistant.
const replyWithin = 7 * 24 * time.Hour

// asked returns the last message of the client, and the reason of the reply to it. The reason
// is empty if the client was answered since, which no text of a template does. It names what the
// client wrote by its text and its number, because a message has another id in a webhook than in
// the thread.
func asked(thread []query.Message, templates map[string]bool) (m query.Message, reason string) {
	n := 0
	for _, each := range thread {
		switch each.Party {
		case order.PartyClient:
			n++
			sum := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s", n, each.Content))
			m, reason = each, order.ReplyTemplate+"-"+hex.EncodeToString(sum[:6])
		case order.PartyAgent:
			if !templates[each.Content] {
				reason = ""
			}
		}
	}
	return m, reason
}

// fromTemplates returns the texts that templates have written to the client of an order, but
// those that are an answer too. The thread shows no more of our messages than their texts.
func fromTemplates(outbox []query.Outbox) map[string]bool {
	texts := map[string]bool{}
	for _, o := range outbox {
		if !answers(o) && o.Body != "" {
			texts[o.Body] = true
		}
	}
	for _, o := range outbox {
		if answers(o) && o.State != order.OutDraft {
			delete(texts, o.Body)
		}
	}
	return texts
}

// answers reports whether a message is the owner's or the assistant's, and not of a template.
func answers(o query.Outbox) bool {
	by := order.Template(o.Reason)
	return by == "owner" || by == order.ReplyTemplate
}

// asked returns the reason of the reply to what the client wrote last; empty if there is
// nothing to answer. What the owner has written since is an answer before the thread shows it.
func (t *tx) asked(orderID string) (m query.Message, reason string, err error) {
	thread, err := t.ListMessages(noCancel, orderID)
	if err != nil {
		return m, "", err
	}
	outbox, err := t.ListOutgoing(noCancel, orderID)
	if err != nil {
		return m, "", err
	}
	m, reason = asked(thread, fromTemplates(outbox))
	if reason == "" {
		return m, "", nil
	}
	answered, err := t.OwnerAnsweredSince(noCancel, query.OwnerAnsweredSinceParams{OrderID: orderID, Since: m.At})
	if err != nil || answered {
		return m, "", err
	}
	return m, reason, nil
}

// openDraft has the assistant answer what the client wrote last, once. Drafts about anything
// else are dropped.
func (t *tx) openDraft(orderID string) error {
	m, reason, err := t.asked(orderID)
	if err != nil {
		return err
	}
	if err := t.dropDrafts(orderID, reason, "the thread has a newer message"); err != nil || reason == "" || m.At.Before(t.now.Add(-replyWithin)) {
		return err
	}
	if answered, err := t.AnsweredSince(noCancel, query.AnsweredSinceParams{OrderID: orderID, Since: m.At}); err != nil || answered {
		return err
	}
	position, err := t.InsertDraft(noCancel, query.InsertDraftParams{OrderID: orderID, Reason: reason, CreatedAt: t.now})
	if err != nil || len(position) == 0 {
		return err
	}
	return t.openJob(order.Job{
		OrderID: orderID, Kind: order.KindMessage, Round: int(position[0]), Stage: order.StageWrite, DueAt: t.now.Time,
	}, t.now)
}

// dropDrafts ends the drafts of an order but the one with the reason, and their jobs. One that
// is being written is dropped once it is.
func (t *tx) dropDrafts(orderID, reason, note string) error {
	drafts, err := t.OpenDrafts(noCancel, orderID)
	if err != nil {
		return err
	}
	for _, d := range drafts {
		if d.Reason == reason {
			continue
		}
		if err := t.dropDraft(order.Job{OrderID: orderID, Kind: order.KindMessage, Round: int(d.Position)}, note); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) dropDraft(j order.Job, note string) error {
	if err := t.EndJob(noCancel, query.EndJobParams{
		OrderID: j.OrderID, Kind: order.KindMessage, Round: int64(j.Round), ChangedAt: t.now, FinishedAt: t.now,
	}); err != nil {
		return err
	}
	return t.messageEnded(j, order.OutDropped, note)
}

// drafted records the text of a reply. It waits for the owner if hold is not nil, and is
// dropped if the client has written again, the owner has answered, or the order has ended,
// while it was written.
func (t *tx) drafted(j order.Job, text string, hold *order.Failure) error {
	row, err := t.draftOf(j)
	if err != nil {
		return err
	}
	_, reason, err := t.asked(j.OrderID)
	if err != nil {
		return err
	}
	now, err := t.ThreadOrder(noCancel, j.OrderID)
	if err != nil {
		return err
	}
	switch {
	case reason != row.Reason:
		return t.dropDraft(j, "the thread has a newer message")
	case now.RemoteStatus.Ended():
		return t.dropDraft(j, "the order has ended")
	}
	state := order.OutQueued
	if hold != nil {
		state = order.OutDraft
	}
	if err := t.SetDraft(noCancel, query.SetDraftParams{Body: text, State: state, OrderID: j.OrderID, Position: int64(j.Round)}); err != nil || hold == nil {
		return err
	}
	return t.holdNext(j, hold)
}

func (t *tx) draftOf(j order.Job) (query.Outbox, error) {
	rows, err := t.GetOutgoing(noCancel, query.GetOutgoingParams{OrderID: j.OrderID, Position: int64(j.Round)})
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("order %s has no message %d in the outbox", j.OrderID, j.Round)
	}
	if err != nil {
		return query.Outbox{}, err
	}
	return rows[0], nil
}

// replyStands fails with order.ErrStale if a message is a reply to something that the client
// has not written last, or that the owner has answered.
func (t *tx) replyStands(j order.Job) error {
	row, err := t.draftOf(j)
	if err != nil || order.Template(row.Reason) != order.ReplyTemplate {
		return err
	}
	_, reason, err := t.asked(j.OrderID)
	if err == nil && reason != row.Reason {
		err = order.ErrStale
	}
	return err
}

// ApproveDraft sends the draft of an order that waits for the owner. It fails if the client
// has written since.
func (o Owner) ApproveDraft(ctx context.Context, id string) error {
	return o.onDraft(ctx, id, func(t *tx, j order.Job) error {
		if err := t.replyStands(j); err != nil {
			return fmt.Errorf("the draft is not sent: %w", err)
		}
		row, err := t.draftOf(j)
		if err != nil {
			return err
		}
		n, err := t.ReleaseDraft(noCancel, query.ReleaseDraftParams{RunAt: t.now, ChangedAt: t.now, OrderID: id, Position: row.Position})
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("the draft of order %s is still being written", id)
		}
		t.changed.lane(order.LaneNetwork)
		if err := t.SetDraft(noCancel, query.SetDraftParams{Body: row.Body, State: order.OutQueued, OrderID: id, Position: row.Position}); err != nil {
			return err
		}
		if err := t.ApprovedAt(noCancel, query.ApprovedAtParams{CreatedAt: t.now, OrderID: id, Position: row.Position}); err != nil {
			return err
		}
		_, err = t.event(id, "owner", order.ActApproveDraft)
		return err
	})
}

// DiscardDraft drops the draft of an order. What the client wrote gets no other one.
func (o Owner) DiscardDraft(ctx context.Context, id string) error {
	return o.onDraft(ctx, id, func(t *tx, j order.Job) error {
		if err := t.dropDraft(j, "discarded by the owner"); err != nil {
			return err
		}
		_, err := t.event(id, "owner", order.ActDiscardDraft)
		return err
	})
}

// onDraft runs fn with the draft of an order, if it is as the owner has seen it.
func (o Owner) onDraft(ctx context.Context, id string, fn func(*tx, order.Job) error) error {
	if _, err := o.Order(ctx, id); err != nil {
		return err
	}
	return o.decide("owner.draft", id, order.PartThread, func(t *tx) error {
		drafts, err := t.OpenDrafts(noCancel, id)
		if err != nil {
			return err
		}
		for _, d := range drafts {
			if d.Body != "" {
				return fn(t, order.Job{OrderID: id, Kind: order.KindMessage, Round: int(d.Position)})
			}
		}
		return fmt.Errorf("order %s has no draft that waits for you", id)
	})
}
