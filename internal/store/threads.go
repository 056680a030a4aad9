package store

import (
	"context"
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// DueThreads returns the orders whose threads are due at now, the longest due
// first. If there are none, next is when the next one is due, or zero.
func (s *Store) DueThreads(ctx context.Context, now time.Time, most int) (ids []string, next time.Time, err error) {
	if ids, err = s.read.DueThreads(ctx, query.DueThreadsParams{ThreadDueAt: utc.At(now), Limit: int64(most)}); err != nil || len(ids) > 0 {
		return ids, now, err
	}
	rows, err := s.read.NextThread(ctx)
	if err != nil || len(rows) == 0 {
		return nil, time.Time{}, err
	}
	return nil, rows[0].Time, nil
}

// ReadThread makes the order's thread due now, unless it is not read at all.
func (s *Store) ReadThread(orderID string) error {
	return s.write("thread.hint", func(t *tx) error {
		_, err := t.threadDue(orderID)
		return err
	})
}

// ReadThread makes the order's thread due now, for an owner who asks. It fails if the thread
// is not read at all.
func (o Owner) ReadThread(orderID string) error {
	return o.write("owner.thread", func(t *tx) error {
		read, err := t.threadDue(orderID)
		if err == nil && !read {
			err = fmt.Errorf("the thread of order %s is not read: the marketplace takes no messages about it", orderID)
		}
		return err
	})
}

// threadDue makes the order's thread due now. It reports false if the thread is not read.
func (t *tx) threadDue(orderID string) (read bool, err error) {
	if read, err = t.HasThread(noCancel, orderID); err != nil || !read {
		return false, err
	}
	t.changed.Threads = true
	return true, t.SetThreadDue(noCancel, query.SetThreadDueParams{ThreadDueAt: t.now, ID: orderID})
}

// statusChanged makes the thread of an order due when its status changes, or ends
// its reading once the order has ended. Messages that waited for a status are due.
func (t *tx) statusChanged(f order.Facts) error {
	t.changed.lane(order.LaneNetwork)
	if err := t.RunMessagesNow(noCancel, query.RunMessagesNowParams{RunAt: t.now, OrderID: f.ID}); err != nil {
		return err
	}
	if !hasThread(f.Status) {
		return t.SetThreadDue(noCancel, query.SetThreadDueParams{ThreadDueAt: utc.Time{}, ID: f.ID})
	}
	t.changed.Threads = true
	return t.SetThreadDue(noCancel, query.SetThreadDueParams{ThreadDueAt: t.now, ID: f.ID})
}

// hasThread reports whether the thread of an order is read in this status.
func hasThread(s order.Status) bool { return s.TakesMessages() && !s.Ended() }

// ApplyThread records the messages of a thread and opens the pieces that its client
// asks for, in the thread or in webhooks. It returns how many messages were new. The
// order may have ended while its thread was read. Then no piece is opened, and the
// thread is not read again.
func (s *Store) ApplyThread(th order.Thread) (fresh int, err error) {
	err = s.write("thread", func(t *tx) error {
		now, err := t.ThreadOrder(noCancel, th.OrderID)
		if err != nil {
			return fmt.Errorf("read order %s: %w", th.OrderID, err)
		}
		if fresh, err = t.merge(th.OrderID, th.Messages); err != nil {
			return err
		}
		if !th.Unread {
			if err := t.ThreadRead(noCancel, query.ThreadReadParams{ThreadSize: int64(len(th.Messages)), ThreadReadAt: t.now, ID: th.OrderID}); err != nil {
				return err
			}
		}
		if now.RemoteStatus.Ended() {
			return t.SetThreadDue(noCancel, query.SetThreadDueParams{ID: th.OrderID})
		}
		// What is asked for while the order is cancelled is made once the owner takes that back.
		if th.Pieces && !now.OwnerCancelled {
			if err := t.openPieces(th); err != nil {
				return err
			}
		}
		if th.Answer && !now.OwnerCancelled {
			if err := t.openDraft(th.OrderID); err != nil {
				return err
			}
		}
		if due := now.ThreadDueAt; due.After(th.Asked) && !due.After(t.now.Time) {
			return nil // it became due while it was read
		}
		return t.SetThreadDue(noCancel, query.SetThreadDueParams{ThreadDueAt: utc.At(th.Next), ID: th.OrderID})
	})
	return fresh, err
}

// openPieces opens the pieces that the stored messages of the client ask for and
// that are not open.
func (t *tx) openPieces(th order.Thread) error {
	if th.Unasked {
		made := order.Job{OrderID: th.OrderID, DueAt: t.now.Time}
		if err := t.askFromBrief(made, "the thread shows that piece 1 was begun from the brief"); err != nil {
			return err
		}
	}
	asks, err := t.Requests(noCancel, th.OrderID)
	if err != nil {
		return err
	}
	for _, m := range asks {
		if err := t.openPiece(th, messageOf(m)); err != nil {
			return err
		}
	}
	return nil
}

// openPiece opens the piece that a message of the client asks for.
func (t *tx) openPiece(th order.Thread, m order.Message) error {
	if !th.Until.IsZero() && !m.At.Before(th.Until) {
		return nil
	}
	count, err := t.CountPieces(noCancel, th.OrderID)
	if err != nil {
		return err
	}
	if th.Quota > 0 && int(count) >= th.Quota {
		return t.InsertEventOnce(noCancel, query.InsertEventOnceParams{
			At: t.now, OrderID: &th.OrderID, Kind: "beyond the quota",
			Text: fmt.Sprintf("the client already asked for all %d pieces", th.Quota),
		})
	}
	number := int(count) + 1
	if err := t.InsertPiece(noCancel, query.InsertPieceParams{
		OrderID: th.OrderID, Number: int64(number), MessageID: m.ID,
		Request: m.Text, CreatedAt: t.now,
	}); err != nil {
		return err
	}
	if _, err := t.event(th.OrderID, "piece", fmt.Sprintf("the client asks for piece %d", number)); err != nil {
		return err
	}
	return t.openJob(order.Job{
		OrderID: th.OrderID, Kind: order.KindPiece, Round: number,
		Stage: order.StageGenerate, DueAt: t.now.Time,
	}, t.now)
}

// Pieces returns what the client of a subscription asked for, by number.
func (s *Store) Pieces(ctx context.Context, orderID string) ([]order.Piece, error) {
	rows, err := s.read.ListPieces(ctx, orderID)
	if err != nil {
		return nil, err
	}
	list := make([]order.Piece, len(rows))
	for i, r := range rows {
		list[i] = order.Piece{
			OrderID: r.OrderID, Number: int(r.Number), Request: r.Request, Job: r.JobState, Code: r.JobCode,
			Sent: r.OutState == order.OutSent || r.OutState == order.OutUnknown,
		}
	}
	return list, nil
}

// queue puts messages into the outbox and opens the jobs that send them. A reason
// that is in the outbox is not queued again.
func (t *tx) queue(orderID string, list []order.NewMessage) error {
	for _, m := range list {
		position, err := t.InsertOutgoing(noCancel, query.InsertOutgoingParams{
			OrderID: orderID, Reason: m.Reason,
			Body: m.Body, CreatedAt: t.now,
		})
		if err != nil {
			return err
		}
		if len(position) == 0 {
			continue
		}
		if err := t.openJob(order.Job{
			OrderID: orderID, Kind: order.KindMessage, Round: int(position[0]),
			Stage: order.StageSend, DueAt: t.now.Time,
		}, t.now); err != nil {
			return err
		}
	}
	return nil
}

// messageEnded records the outcome of a message. The order's delivery is due: the
// link of a piece may have been the last thing that it waited for.
func (t *tx) messageEnded(j order.Job, state order.OutState, note string) error {
	if err := t.EndOutgoing(noCancel, query.EndOutgoingParams{
		State: state, SettledAt: t.now, Note: note,
		OrderID: j.OrderID, Position: int64(j.Round),
	}); err != nil {
		return err
	}
	pieces, err := t.CountPieces(noCancel, j.OrderID)
	if err != nil {
		return err
	}
	if pieces > 0 {
		t.changed.lane(order.LaneNetwork)
		if err := t.RunDeliveryNow(noCancel, query.RunDeliveryNowParams{RunAt: t.now, OrderID: j.OrderID}); err != nil {
			return err
		}
	}
	if err := t.saysSent(j, state); err != nil {
		return err
	}
	text := fmt.Sprintf("message %d", j.Round)
	if note != "" {
		text += ": " + note
	}
	_, err = t.event(j.OrderID, "message "+string(state), text)
	return err
}

// Outgoing returns a message of the outbox.
func (s *Store) Outgoing(ctx context.Context, orderID string, position int) (order.Outgoing, error) {
	rows, err := s.read.GetOutgoing(ctx, query.GetOutgoingParams{OrderID: orderID, Position: int64(position)})
	if err != nil {
		return order.Outgoing{}, err
	}
	if len(rows) == 0 {
		return order.Outgoing{}, fmt.Errorf("order %s has no message %d in the outbox", orderID, position)
	}
	r := rows[0]
	return order.Outgoing{
		OrderID: r.OrderID, Position: int(r.Position), Reason: r.Reason, Body: r.Body, State: r.State,
		Tries: int(r.Tries), SentAt: r.SentAt.Time, QueuedAt: r.CreatedAt.Time,
	}, nil
}

// SentAlike returns how many other messages with the same text the outbox has sent.
func (s *Store) SentAlike(ctx context.Context, m order.Outgoing) (int, error) {
	n, err := s.read.SentAlike(ctx, query.SentAlikeParams{OrderID: m.OrderID, Position: int64(m.Position), Body: m.Body})
	return int(n), err
}

// IntendMessage records the text that is about to be sent. Send nothing before it
// returns nil. It fails with class Lost if the job's lease is lost, and with order.ErrStale for
// a reply to something that the client has not written last.
func (s *Store) IntendMessage(j order.Job, body string) error {
	return s.write("message.intent", func(t *tx) error {
		if err := t.leaseStands(j); err != nil {
			return err
		}
		if err := t.replyStands(j); err != nil {
			return err
		}
		return t.IntendOutgoing(noCancel, query.IntendOutgoingParams{Body: body, SentAt: t.now, OrderID: j.OrderID, Position: int64(j.Round)})
	})
}

// WithdrawMessage records that an intended message was not sent.
func (s *Store) WithdrawMessage(j order.Job, note string) error {
	return s.write("message.withdraw", func(t *tx) error {
		if err := t.leaseStands(j); err != nil {
			return err
		}
		return t.EndOutgoing(noCancel, query.EndOutgoingParams{
			State: order.OutRefused, SettledAt: t.now, Note: note,
			OrderID: j.OrderID, Position: int64(j.Round),
		})
	})
}

// QueueMessage queues the owner's text for the client of an order. If there is a message
// for the same reason, it does nothing.
func (o Owner) QueueMessage(ctx context.Context, id, reason, text string) error {
	before, err := o.Order(ctx, id)
	if err != nil {
		return err
	}
	return o.write("owner.message", func(t *tx) error {
		queued, err := t.HasOutgoing(noCancel, query.HasOutgoingParams{OrderID: id, Reason: reason})
		if err != nil || queued {
			return err
		}
		if err := o.stillSeen(t, id, order.PartThread); err != nil {
			return err
		}
		if !before.Status.TakesMessages() {
			return fmt.Errorf("order %s is %s at the marketplace, which takes no messages in that status", id, before.Status)
		}
		if err := t.dropDrafts(id, "", "the owner has answered"); err != nil {
			return err
		}
		if err := t.queue(id, []order.NewMessage{{Reason: reason, Body: text}}); err != nil {
			return err
		}
		_, err = t.event(id, "owner", order.ActMessage)
		return err
	})
}

// Thread returns the order's thread as last read, with what webhooks have added.
func (s *Store) Thread(ctx context.Context, orderID string) ([]order.Message, error) {
	rows, err := s.read.ListMessages(ctx, orderID)
	if err != nil {
		return nil, err
	}
	list := make([]order.Message, len(rows))
	for i, r := range rows {
		list[i] = messageOf(r)
	}
	return list, nil
}

func messageOf(r query.Message) order.Message {
	return order.Message{ID: r.RemoteID, Party: r.Party, Sender: r.Sender, Text: r.Content, At: r.At.Time}
}

// Outbox returns our messages to the client of an order, by position.
func (s *Store) Outbox(ctx context.Context, orderID string) ([]order.Outgoing, error) {
	rows, err := s.read.ListOutgoing(ctx, orderID)
	if err != nil {
		return nil, err
	}
	list := make([]order.Outgoing, len(rows))
	for i, r := range rows {
		list[i] = order.Outgoing{
			OrderID: r.OrderID, Position: int(r.Position), Reason: r.Reason, Body: r.Body,
			State: r.State, Tries: int(r.Tries), SentAt: r.SentAt.Time,
		}
	}
	return list, nil
}
