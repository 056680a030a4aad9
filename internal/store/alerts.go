package store

import (
	"fmt"
	"slices"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

const (
	// deadlineNear is how long before its deadline an order is an alert.
	deadlineNear = time.Hour
	// answerWithin and payoutWithin are how long a client's message may have no answer,
	// and a completed order no payout, without an alert.
	answerWithin = 4 * time.Hour
	payoutWithin = 48 * time.Hour
	// mostConditions is the most alerts that are open at a time.
	mostConditions = 500
)

// CheckAlerts opens an alert for each thing that is wrong now, closes those that are over,
// and commits a line about both for each listener. It returns what was opened and how many
// were closed.
func (s *Store) CheckAlerts(w order.Watch) (opened []order.Condition, closed int, err error) {
	err = s.write("alerts", func(t *tx) error {
		opened, closed = nil, 0 // a batch that fails is tried again
		now, err := t.conditions(w)
		if err != nil {
			return err
		}
		open, err := t.OpenAlerts(noCancel)
		if err != nil {
			return err
		}
		for _, c := range now {
			a, isNew, err := t.raise(c, open)
			if err != nil {
				return err
			}
			if isNew {
				opened = append(opened, c)
			}
			if err := t.announce(a, c, w); err != nil {
				return err
			}
		}
		for _, a := range open {
			if w.Starts || slices.ContainsFunc(now, func(c order.Condition) bool { return isAbout(a, c) }) {
				continue
			}
			if err := t.closeAlert(a); err != nil {
				return err
			}
			closed++
		}
		return nil
	})
	return opened, closed, err
}

// raise opens the alert of a condition, unless it is among the open ones.
func (t *tx) raise(c order.Condition, open []query.Alert) (a query.Alert, isNew bool, err error) {
	for _, a := range open {
		if isAbout(a, c) {
			return a, false, t.keepAlert(a, c)
		}
	}
	a, err = t.openAlert(c)
	return a, true, err
}

func isAbout(a query.Alert, c order.Condition) bool {
	return a.What == c.What && a.Subject == c.ID && a.Code == c.Code
}

// conditions returns what is wrong now, each once.
func (t *tx) conditions(w order.Watch) ([]order.Condition, error) {
	if w.Starts {
		return t.crashes(w)
	}
	rows, err := t.Standing(noCancel)
	if err != nil {
		return nil, err
	}
	list := slices.Clone(w.More)
	for _, r := range rows {
		if r.Code == order.AlertSpending.Code() && since(r.Since).Before(order.Day(t.now.Time)) {
			continue // that was the cap of an earlier day
		}
		list = append(list, order.Condition{What: r.What, ID: r.ID, Code: r.Code, State: r.State, Reason: r.Reason, Hint: r.Hint})
	}
	for _, rule := range []func(order.Watch) ([]order.Condition, error){t.unreached, t.nearDeadline, t.unanswered, t.unpaid, t.crashes} {
		more, err := rule(w)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	var once []order.Condition
	for _, c := range list {
		if slices.ContainsFunc(once, c.Same) || len(once) == mostConditions {
			continue
		}
		if c.Hint == "" && w.Hint != nil {
			c.Hint = w.Hint(c)
		}
		once = append(once, c)
	}
	return once, nil
}

// since reads a time that an expression returned; NULL is zero.
func since(value any) time.Time {
	var at utc.Time
	_ = at.Scan(value) // never fails
	return at.Time
}

// unreached is the marketplace that has answered no poll for long.
func (t *tx) unreached(w order.Watch) ([]order.Condition, error) {
	if w.PollWithin == 0 {
		return nil, nil
	}
	last, err := t.PolledSince(noCancel, utc.At(t.now.Add(-w.PollWithin)))
	if err != nil || last != nil || t.now.Sub(w.Began) < w.PollWithin {
		return nil, err
	}
	return []order.Condition{{
		What: "daemon", ID: string(order.AlertUnreachable), Code: order.AlertUnreachable.Code(), State: "held", Timed: true,
		Reason: fmt.Sprintf("the marketplace has answered no poll for %d minutes or longer", int(w.PollWithin.Minutes())),
		Hint:   order.Command("doctor") + " shows why; work resumes by itself",
	}}, nil
}

func (t *tx) nearDeadline(order.Watch) ([]order.Condition, error) {
	rows, err := t.OrdersNearDeadline(noCancel, utc.At(t.now.Add(deadlineNear)))
	if err != nil {
		return nil, err
	}
	var list []order.Condition
	for _, r := range rows {
		list = append(list, order.Condition{
			What: "order", ID: r.ID, Code: order.AlertDeadline.Code(), State: "late", Timed: true,
			Reason: "it is due at " + r.DueAt.Format("15:04") + " UTC and not delivered", Hint: order.Command("orders show", r.ID) + " shows what it waits for",
		})
	}
	return list, nil
}

func (t *tx) unanswered(order.Watch) ([]order.Condition, error) {
	rows, err := t.UnansweredOrders(noCancel, utc.At(t.now.Add(-answerWithin)))
	if err != nil {
		return nil, err
	}
	var list []order.Condition
	for _, r := range rows {
		list = append(list, order.Condition{
			What: "order", ID: r.ID, Code: order.AlertUnanswered.Code(), State: "unanswered", Timed: true,
			Reason: "its client wrote at " + r.At.Format("2006-01-02 15:04") + " UTC and has no answer", Hint: order.Command("messages", r.ID) + " shows the thread",
		})
	}
	return list, nil
}

func (t *tx) unpaid(order.Watch) ([]order.Condition, error) {
	r, err := t.UnpaidOrders(noCancel, utc.At(t.now.Add(-payoutWithin)))
	if err != nil || r.Orders == 0 {
		return nil, err
	}
	if wallet, err := t.GetFact(noCancel, string(order.AlertWallet.Code())); err != nil || len(wallet) > 0 {
		return nil, err // that says why
	}
	return []order.Condition{{
		What: "daemon", ID: string(order.AlertPayout), Code: order.AlertPayout.Code(), State: "missing", Timed: true,
		Reason: fmt.Sprintf("no payout is known of %d completed orders, the first of %s", r.Orders, since(r.FirstAt).Format(time.DateOnly)),
		Hint:   order.Command("earnings") + " lists them",
	}}, nil
}

func (t *tx) openAlert(c order.Condition) (query.Alert, error) {
	id, err := t.InsertAlert(noCancel, query.InsertAlertParams{
		What: c.What, Subject: c.ID, Code: c.Code, Event: string(c.News()), Timed: one(c.Timed),
		State: c.State, Reason: c.Reason, Hint: c.Hint, OpenedAt: t.now,
	})
	return query.Alert{ID: id, What: c.What, Subject: c.ID, Code: c.Code, OpenedAt: t.now}, err
}

// keepAlert updates the words of an alert that is still open.
func (t *tx) keepAlert(a query.Alert, c order.Condition) error {
	if a.State == c.State && a.Reason == c.Reason && a.Hint == c.Hint {
		return nil
	}
	return t.UpdateAlert(noCancel, query.UpdateAlertParams{ID: a.ID, State: c.State, Reason: c.Reason, Hint: c.Hint})
}

// announce commits a line about an open alert for each listener that takes such news and
// has had none yet, or a reminder if the last one is old.
func (t *tx) announce(a query.Alert, c order.Condition, w order.Watch) error {
	if t.now.Sub(a.OpenedAt.Time) < w.After {
		return nil
	}
	rows, err := t.LastNotices(noCancel, &a.ID)
	if err != nil {
		return err
	}
	for _, l := range w.Listeners {
		if !l.Takes(c.News()) {
			continue
		}
		n := order.Notice{Kind: order.NoticeAlert, Urgent: true, Line: c.Line(), More: c.Hint}
		told := slices.IndexFunc(rows, func(r query.LastNoticesRow) bool { return r.Target == l.Name })
		if told >= 0 {
			if t.now.Sub(since(rows[told].ToldAt)) < order.RemindAfter {
				continue
			}
			n.Kind, n.Urgent = order.NoticeReminder, false
		}
		if err := t.notice(l.Name, &a.ID, n); err != nil {
			return err
		}
	}
	return nil
}

// closeAlert ends an alert. Lines about it that no message holds yet are dropped. Targets
// that had one in a message get a line that it is over.
func (t *tx) closeAlert(a query.Alert) error {
	if err := t.CloseAlert(noCancel, query.CloseAlertParams{ID: a.ID, ClosedAt: t.now}); err != nil {
		return err
	}
	if err := t.DropWaitingNotices(noCancel, &a.ID); err != nil {
		return err
	}
	targets, err := t.ToldTargets(noCancel, &a.ID)
	if err != nil {
		return err
	}
	line := order.Condition{What: a.What, ID: a.Subject, State: a.State, Reason: a.Reason}.Line()
	for _, target := range targets {
		if err := t.notice(target, &a.ID, order.Notice{Kind: order.NoticeOver, Line: line}); err != nil {
			return err
		}
	}
	return nil
}
