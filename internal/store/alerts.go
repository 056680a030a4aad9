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

// lookAhead is how long a look for what is wrong holds at most while nothing changes.
const lookAhead = 10 * time.Minute

// check is one look for what is wrong.
type check struct {
	*tx
	w     order.Watch
	until time.Time // of the result
}

// changesAt says that the result is another one from a time on.
func (c *check) changesAt(at time.Time) {
	if at.Before(c.until) {
		c.until = at
	}
}

// CheckAlerts opens an alert for each thing that is wrong now, closes those that are over,
// and commits a line about both for each listener.
func (s *Store) CheckAlerts(w order.Watch) (found order.Checked, err error) {
	err = s.record("alerts", func(t *tx) error {
		found = order.Checked{} // a batch that fails is tried again
		c := &check{tx: t, w: w, until: t.now.Add(lookAhead)}
		if err := c.look(&found); err != nil {
			return err
		}
		found.Until = c.until
		return nil
	})
	return found, err
}

func (c *check) look(found *order.Checked) error {
	now, err := c.conditions()
	if err != nil {
		return err
	}
	open, err := c.OpenAlerts(noCancel)
	if err != nil {
		return err
	}
	told, err := c.LastNotices(noCancel)
	if err != nil {
		return err
	}
	for _, one := range now {
		a, isNew, err := c.raise(one, open)
		if err != nil {
			return err
		}
		if isNew {
			found.Opened = append(found.Opened, one)
		}
		if err := c.announce(a, one, told); err != nil {
			return err
		}
	}
	for _, a := range open {
		if c.w.Starts || slices.ContainsFunc(now, func(c order.Condition) bool { return isAbout(a, c) }) {
			continue
		}
		if err := c.closeAlert(a); err != nil {
			return err
		}
		found.Closed++
	}
	return nil
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
func (c *check) conditions() ([]order.Condition, error) {
	if c.w.Starts {
		return c.crashes()
	}
	rows, err := c.Standing(noCancel)
	if err != nil {
		return nil, err
	}
	list := slices.Clone(c.w.More)
	today := order.Day(c.now.Time)
	c.changesAt(today.Add(24 * time.Hour))
	for _, r := range rows {
		if r.Code == order.AlertSpending.Code() && since(r.Since).Before(today) {
			continue // that was the cap of an earlier day
		}
		list = append(list, order.Condition{What: r.What, ID: r.ID, Code: r.Code, State: r.State, Reason: r.Reason, Hint: r.Hint})
	}
	for _, rule := range []func() ([]order.Condition, error){c.unreached, c.nearDeadline, c.unanswered, c.unpaid, c.crashes} {
		more, err := rule()
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	var once []order.Condition
	for _, one := range list {
		if slices.ContainsFunc(once, one.Same) || len(once) == mostConditions {
			continue
		}
		if one.Hint == "" && c.w.Hint != nil {
			one.Hint = c.w.Hint(one)
		}
		once = append(once, one)
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
func (c *check) unreached() ([]order.Condition, error) {
	if c.w.PollWithin == 0 {
		return nil, nil
	}
	last, err := c.PolledSince(noCancel, utc.At(c.now.Add(-c.w.PollWithin)))
	if err != nil {
		return nil, err
	}
	from := c.w.Began
	if last != nil {
		from = since(last)
	}
	// The version of the database does not count the answers to polls.
	c.changesAt(from.Add(c.w.PollWithin))
	if last != nil || c.now.Sub(from) < c.w.PollWithin {
		return nil, nil
	}
	return []order.Condition{{
		What: "daemon", ID: string(order.AlertUnreachable), Code: order.AlertUnreachable.Code(), State: "held", Timed: true,
		Reason: fmt.Sprintf("the marketplace has answered no poll for %d minutes or longer", int(c.w.PollWithin.Minutes())),
		Hint:   order.Command("doctor") + " shows why; work resumes by itself",
	}}, nil
}

func (c *check) nearDeadline() ([]order.Condition, error) {
	rows, err := c.OrdersNearDeadline(noCancel, utc.At(c.now.Add(deadlineNear+lookAhead)))
	if err != nil {
		return nil, err
	}
	var list []order.Condition
	for _, r := range rows {
		if from := r.DueAt.Add(-deadlineNear); from.After(c.now.Time) {
			c.changesAt(from)
			continue
		}
		list = append(list, order.Condition{
			What: "order", ID: r.ID, Code: order.AlertDeadline.Code(), State: "late", Timed: true,
			Reason: "it is due at " + r.DueAt.Format("15:04") + " UTC and not delivered", Hint: order.Command("orders show", r.ID) + " shows what it waits for",
		})
	}
	return list, nil
}

func (c *check) unanswered() ([]order.Condition, error) {
	rows, err := c.UnansweredOrders(noCancel, utc.At(c.now.Add(lookAhead-answerWithin)))
	if err != nil {
		return nil, err
	}
	var list []order.Condition
	for _, r := range rows {
		if from := r.At.Add(answerWithin); from.After(c.now.Time) {
			c.changesAt(from)
			continue
		}
		list = append(list, order.Condition{
			What: "order", ID: r.ID, Code: order.AlertUnanswered.Code(), State: "unanswered", Timed: true,
			Reason: "its client wrote at " + r.At.Format("2006-01-02 15:04") + " UTC and has no answer", Hint: order.Command("messages", r.ID) + " shows the thread",
		})
	}
	return list, nil
}

// unpaid is found up to lookAhead late.
func (c *check) unpaid() ([]order.Condition, error) {
	r, err := c.UnpaidOrders(noCancel, utc.At(c.now.Add(-payoutWithin)))
	if err != nil || r.Orders == 0 {
		return nil, err
	}
	if wallet, err := c.GetFact(noCancel, string(order.AlertWallet.Code())); err != nil || len(wallet) > 0 {
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
func (c *check) announce(a query.Alert, one order.Condition, told []query.LastNoticesRow) error {
	if from := a.OpenedAt.Add(c.w.After); c.now.Before(from) {
		c.changesAt(from)
		return nil
	}
	for _, l := range c.w.Listeners {
		if !l.Takes(one.News()) {
			continue
		}
		n := order.Notice{Kind: order.NoticeAlert, Urgent: true, Line: one.Line(), More: one.Hint}
		last := slices.IndexFunc(told, func(r query.LastNoticesRow) bool { return *r.AlertID == a.ID && r.Target == l.Name })
		if last >= 0 {
			if again := since(told[last].ToldAt).Add(order.RemindAfter); c.now.Before(again) {
				c.changesAt(again)
				continue
			}
			n.Kind, n.Urgent = order.NoticeReminder, false
		}
		if err := c.notice(l.Name, &a.ID, l.Linked(n, one.OrderID())); err != nil {
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
