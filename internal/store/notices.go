package store

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// Listen sets who is notified of deliveries and of what clients write. A line is committed
// in the transaction that records the delivery or the message.
func (s *Store) Listen(list []order.Listener) {
	list = slices.Clone(list)
	s.writer.listeners.Store(&list)
}

// notice commits a line for a target.
func (t *tx) notice(target string, alert *int64, n order.Notice) error {
	return t.InsertNotice(noCancel, query.InsertNoticeParams{
		Target: target, Kind: string(n.Kind), AlertID: alert, Urgent: one(n.Urgent), Line: n.Line, More: n.More,
		CreatedAt: t.now, DueAt: utc.At(t.now.Add(n.Kind.Wait())),
	})
}

// news commits a line about an order for each listener that takes news of the kind.
func (t *tx) news(kind order.News, orderID string, n order.Notice) error {
	for _, l := range t.listeners {
		if l.Takes(kind) {
			if err := t.notice(l.Name, nil, l.Linked(n, orderID)); err != nil {
				return err
			}
		}
	}
	return nil
}

// NextDispatch returns the message that is to be sent to the listener now, or nil. It is
// committed before it is sent, so that after a crash the same one is sent again. If no
// message is open, a new one holds all lines that wait, once one of them is due. retry is
// the time until it is sent again while its outcome is unknown. quiet holds back what is
// not urgent. waits reports whether something waits for the listener.
func (s *Store) NextDispatch(l order.Listener, retry time.Duration, quiet bool) (d *order.Dispatch, waits bool, err error) {
	err = s.record("dispatch", func(t *tx) error {
		d, waits = nil, false
		open, err := t.OpenDispatches(noCancel, l.Name)
		if err != nil {
			return err
		}
		if len(open) == 0 {
			if open, waits, err = t.bundle(l, quiet); err != nil || len(open) == 0 {
				return err
			}
		}
		waits = true
		row := open[0]
		if row.DueAt.After(t.now.Time) {
			return nil
		}
		d = &order.Dispatch{
			ID: row.ID, Title: row.Title, Text: row.Text, Urgent: row.Urgent != 0, At: row.CreatedAt.Time, Tries: int(row.Tries) + 1,
		}
		return t.BeginDispatch(noCancel, query.BeginDispatchParams{ID: row.ID, DueAt: utc.At(t.now.Add(retry))})
	})
	return d, waits, err
}

// bundle makes a message of the lines that wait, if it may be sent now. waits reports
// whether there are any.
func (t *tx) bundle(l order.Listener, quiet bool) (made []query.Dispatch, waits bool, err error) {
	rows, err := t.WaitingNotices(noCancel, l.Name)
	if err != nil || len(rows) == 0 {
		return nil, false, err
	}
	due, urgent := false, false
	var lines []order.Notice
	for _, r := range rows {
		due = due || !r.DueAt.After(t.now.Time)
		urgent = urgent || r.Urgent != 0
		lines = append(lines, order.Notice{Kind: order.NoticeKind(r.Kind), Urgent: r.Urgent != 0, Line: r.Line, More: r.More})
	}
	if !due || quiet && !urgent {
		return nil, true, nil
	}
	if l.PerHour > 0 {
		sent, err := t.DispatchesSince(noCancel, query.DispatchesSinceParams{Target: l.Name, SentAt: utc.At(t.now.Add(-time.Hour))})
		if err != nil || int(sent) >= l.PerHour {
			return nil, true, err
		}
	}
	title, text, urgent := order.Bundle(lines)
	d := query.Dispatch{Target: l.Name, Title: title, Text: text, Urgent: one(urgent), CreatedAt: t.now, DueAt: t.now}
	if d.ID, err = t.InsertDispatch(noCancel, query.InsertDispatchParams{
		Target: d.Target, Title: d.Title, Text: d.Text, Urgent: d.Urgent, CreatedAt: d.CreatedAt, DueAt: d.DueAt,
	}); err != nil {
		return nil, true, err
	}
	for _, r := range rows {
		if err := t.DispatchNotice(noCancel, query.DispatchNoticeParams{ID: r.ID, DispatchID: &d.ID}); err != nil {
			return nil, true, err
		}
	}
	return []query.Dispatch{d}, true, nil
}

// DispatchSent records that a message was sent. ref is the service's name for it.
func (s *Store) DispatchSent(id int64, ref string) error {
	return s.record("dispatch_sent", func(t *tx) error {
		return t.DispatchSent(noCancel, query.DispatchSentParams{ID: id, SentAt: t.now, Ref: ref})
	})
}

// DispatchFailed records why a message was not sent. It is sent again at a time, or never
// if that is zero.
func (s *Store) DispatchFailed(id int64, reason string, again time.Time) error {
	return s.record("dispatch_failed", func(t *tx) error {
		p := query.DispatchFailedParams{ID: id, DueAt: utc.At(again), Reason: reason}
		if again.IsZero() {
			p.DueAt, p.FailedAt = t.now, t.now
		}
		return t.DispatchFailed(noCancel, p)
	})
}

// Edits returns the sent messages of a listener that announced what is over now, with their
// new text. No message says that yet.
func (s *Store) Edits(l order.Listener) (list []order.Dispatch, err error) {
	err = s.record("edits", func(t *tx) error {
		list = nil
		rows, err := t.EditableDispatches(noCancel, l.Name)
		if err != nil {
			return err
		}
		for _, r := range rows {
			lines, err := t.DispatchLines(noCancel, &r.ID)
			if err != nil {
				return err
			}
			var notices []order.Notice
			for _, line := range lines {
				notices = append(notices, order.Notice{
					Kind: order.NoticeKind(line.Kind), Urgent: line.Urgent != 0, Line: line.Line, More: line.More, OverAt: over(line.ClosedAt, l.Zone),
				})
			}
			d := order.Dispatch{ID: r.ID, Ref: r.Ref, At: t.now.Time}
			d.Title, d.Text, d.Urgent = order.Bundle(notices)
			list = append(list, d)
		}
		return nil
	})
	return list, err
}

// over returns when an alert was over in a time zone; zero if it is not.
func over(at utc.Time, zone *time.Location) time.Time {
	if at.IsZero() || zone == nil {
		return at.Time
	}
	return at.In(zone)
}

// Edited records that a message says what is over now, so that no other one does.
func (s *Store) Edited(target string, id int64) error {
	return s.record("edited", func(t *tx) error {
		return t.DispatchOverNotices(noCancel, query.DispatchOverNoticesParams{Target: target, DispatchID: &id})
	})
}

// clientNews commits the news that a client wrote, unless that is old: a new data folder
// reads whole threads.
func (t *tx) clientNews(orderID, text string, at time.Time) error {
	if t.now.Sub(at) > freshNews {
		return nil
	}
	t.says(func(log *slog.Logger) { log.Info("the client wrote", "order", orderID, "text", oneLine(text, 80)) })
	return t.news(order.NewsMessage, orderID, order.Notice{
		Kind: order.NoticeMessage, Line: "the client of " + orderID + " wrote: " + oneLine(text, 200), More: order.Command("messages", orderID),
	})
}

// freshNews is how old what a client wrote may be to be news.
const freshNews = 24 * time.Hour

// oneLine returns the beginning of a text as one line of at most n characters.
func oneLine(text string, n int) string {
	words := []rune(strings.Join(strings.Fields(text), " "))
	if len(words) > n {
		return string(words[:n]) + "…"
	}
	return string(words)
}

// deliveredNews commits the news of a delivery. began is when its round was opened; zero is
// when the order came.
func (t *tx) deliveredNews(orderID string, began time.Time) error {
	rows, err := t.GetOrder(noCancel, orderID)
	if err != nil || len(rows) == 0 {
		return err
	}
	r := rows[0]
	if began.IsZero() {
		began = r.SeenAt.Time
	}
	price, line := "none", fmt.Sprintf("delivered %s: %s", r.ID, r.ServiceTitle)
	if r.PriceUsdMicros != nil {
		price = "$" + r.PriceUsdMicros.String()
		line += ", " + price
	}
	if r.Round > 0 {
		line += fmt.Sprintf(", round %d", r.Round)
	}
	t.says(func(log *slog.Logger) {
		log.Info("delivered", "order", r.ID, "service", cmp.Or(r.Service, r.ServiceTitle), "round", r.Round, "price", price, "in", t.now.Sub(began).Round(time.Second).String())
	})
	return t.news(order.NewsDelivered, orderID, order.Notice{Kind: order.NoticeDelivered, Line: line})
}
