package console

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/view"
)

// This file has what was done on an order: its thread, attempts, deliveries and timeline.

// theThread is the messages of an order by day, those on their way last.
func (c *console) theThread(h view.History) thread {
	t := c.theAge(h)
	last := ""
	add := func(at time.Time, l threadLine) {
		if day := c.dayName(at); len(t.Days) == 0 || day != last {
			t.Days, last = append(t.Days, threadDay{Name: day}), day
		}
		d := &t.Days[len(t.Days)-1]
		d.Lines = append(d.Lines, l)
	}
	reasons := map[string][]string{} // of our messages in the thread, by their text
	for _, m := range h.Thread.Outbox {
		if m.InThread {
			reasons[m.Text] = append(reasons[m.Text], m.Reason)
		}
	}
	for _, m := range h.Thread.Messages {
		l := threadLine{At: m.At, Text: m.Text, Who: "client", None: noText}
		switch m.Party {
		case order.PartyAgent:
			l.Ours, l.Who = true, "you"
			if list := reasons[m.Text]; len(list) > 0 {
				l.Who, reasons[m.Text] = ours(list[0]), list[1:]
			}
		case order.PartyOther:
			l.Who = cut(40, m.Sender)
		}
		add(m.At, l)
	}
	now := c.format.now()
	for _, m := range h.Thread.Outbox {
		if m.InThread {
			continue
		}
		l := threadLine{Ours: true, Pending: true, Who: ours(m.Reason), Fate: m.Fate(now), Text: m.Text, None: "not written yet"}
		if m.Tries > 0 {
			l.None = noText
		}
		at := m.SentAt
		if at.IsZero() {
			at = now
		}
		add(at, l)
	}
	return t
}

// theAge is a thread without messages: when it was last read. Opening a page does not read it.
func (c *console) theAge(h view.History) thread {
	t := thread{ReadAt: h.Thread.ReadAt}
	switch now := c.format.now(); {
	case !t.ReadAt.IsZero():
		if late := now.Sub(h.Thread.NextRead); !h.Thread.NextRead.IsZero() && (late > readLate || now.Sub(t.ReadAt) > c.View.ThreadAge()) {
			t.Old = "What the client has written since is missing here."
		}
	case len(h.Thread.Messages) == 0 && !h.Thread.NextRead.IsZero():
		t.Unread = "not read yet"
	}
	return t
}

// readLate is how long after its time a thread is read at the latest while all is well.
const readLate = 5 * time.Minute

const noText = "its text is no longer kept"

// ours names who wrote a message of ours.
func ours(reason string) string {
	switch order.Template(reason) {
	case "owner":
		return "you"
	case order.ReplyTemplate:
		return "the assistant"
	}
	return "you, by template"
}

// dayName is Today, Yesterday or a date, in the owner's zone.
func (c *console) dayName(at time.Time) string {
	zone := c.Zone()
	at, now := at.In(zone), c.format.now().In(zone)
	switch at.Format(time.DateOnly) {
	case now.Format(time.DateOnly):
		return "Today"
	case now.AddDate(0, 0, -1).Format(time.DateOnly):
		return "Yesterday"
	}
	return c.format.date(at)
}

// theAttempts are those that make something, the last one first. The others are small.
func (c *console) theAttempts(h view.History) attempts {
	var list attempts
	number := map[string]int{}
	for i, a := range h.Attempts {
		what := h.Purpose(a.Kind, a.Round)
		row := attempt{At: a.StartedAt, Outcome: outcome(a), Took: "–", Note: cut(200, a.Error)}
		if !a.FinishedAt.IsZero() {
			row.Took = took(a.FinishedAt.Sub(a.StartedAt))
		}
		if a.Log != "" || a.Error != "" {
			row.Log = fmt.Sprintf("%s/log/%d", orderURL(h.Order.ID), i+1)
		}
		if a.Stage != order.StageGenerate && a.Stage != order.StagePrice && a.Stage != order.StageWrite {
			row.Title = upper(fmt.Sprintf("%s, %s", what, a.Stage))
			list.Minor = append(list.Minor, row)
			continue
		}
		number[what]++
		row.Title = upper(fmt.Sprintf("%s, attempt %d", what, number[what]))
		for _, call := range callsOf(h, a, c.format.now()) {
			if row.Generator == "" || call.Generator != order.Assistant { // what made the files, if any
				row.Generator, row.Ticket = call.Generator, call.Ticket
			}
		}
		row.ShortTicket = middle(row.Ticket)
		row.Cost, _ = money(a.Cost)
		list.Rows = append(list.Rows, row)
	}
	slices.Reverse(list.Rows)
	slices.Reverse(list.Minor)
	list.MinorText = plural(len(list.Minor), "smaller step", "smaller steps")
	total, _ := money(h.CostUSD)
	list.Sum = total + " in all"
	return list
}

// callsOf are the calls that began in an attempt.
func callsOf(h view.History, a view.Attempt, now time.Time) (list []view.Call) {
	until := a.FinishedAt
	if until.IsZero() {
		until = now
	}
	for _, call := range h.Calls {
		if call.Kind == a.Kind && call.Round == a.Round && !call.BeganAt.Before(a.StartedAt) && !call.BeganAt.After(until) {
			list = append(list, call)
		}
	}
	return list
}

// amount is an amount of a view; 0 for none.
func amount(text string) order.USD {
	u, err := order.ParseUSD(text)
	if err != nil {
		return 0
	}
	return u
}

// outcome is how an attempt ended.
func outcome(a view.Attempt) state {
	switch a.Outcome {
	case "done":
		return state{"good", "done"}
	case "":
		return state{"work", "runs"}
	}
	text := a.Outcome
	if a.Code != "" {
		text = a.Code.Words()
	}
	if a.Outcome == string(order.Wait) || a.Outcome == "stopped" {
		return state{"wait", text}
	}
	return state{"bad", text}
}

// took is a duration with enough digits to compare.
func took(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return spanText(d)
}

// middle shortens a long id in its middle.
func middle(id string) string {
	if len(id) <= 14 {
		return id
	}
	return strings.ToValidUTF8(id[:8], "") + "…" + strings.ToValidUTF8(id[len(id)-3:], "")
}

// deliveries are what went to the client, the last one first.
func deliveries(h view.History) (list []deliveryRow) {
	add := func(title string, d view.Delivery) {
		s := deliveryRow{Title: title, State: sentState(d.State), At: d.SentAt, Note: cut(300, d.Note), URLs: d.URLs}
		switch {
		case d.SentAt.IsZero():
		case d.Tries > 1:
			s.Text = fmt.Sprintf("sent %d times, last", d.Tries)
		default:
			s.Text = "sent"
		}
		list = append(list, s)
	}
	for _, d := range h.Deliveries {
		add(fmt.Sprintf("Round %d", d.Round), d)
	}
	for _, r := range h.Redeliveries {
		add(fmt.Sprintf("Round %d again: %s", r.Round, r.Reason()), view.Delivery{
			State: r.State, URLs: r.URLs, Tries: r.Tries, Note: r.Note, SentAt: r.SentAt,
		})
	}
	slices.Reverse(list)
	return list
}

func sentState(s order.DeliveryState) state {
	switch s {
	case order.DeliveryConfirmed:
		return state{"good", "delivered"}
	case order.DeliveryRefused:
		return state{"bad", "refused"}
	case order.DeliverySending:
		return state{"work", "being sent"}
	}
	return state{"plain", string(s)}
}

// minorEvents are the steps that an owner rarely looks at.
var minorEvents = map[string]bool{
	"configuration": true, "delivering": true, "working": true, "waiting": true, "service": true,
	string(order.StageGenerate): true, string(order.StageUpload): true, string(order.StageDeliver): true,
	string(order.StagePrice): true, string(order.StageQuote): true, string(order.StageSend): true, string(order.StageWrite): true, "message sending": true,
}

// theTimeline is what happened, the newest first. Smaller steps are folded.
func (c *console) theTimeline(h view.History) timeline {
	t := timeline{None: "Nothing happened yet."}
	if !h.Order.TextsRemovedAt.IsZero() {
		t.None = "It is no longer kept."
	}
	list := slices.Clone(h.Timeline)
	list = append(list, view.Moment{At: h.Order.SeenAt, What: "seen", Text: h.Order.ServiceTitle})
	slices.SortStableFunc(list, func(a, b view.Moment) int { return b.At.Compare(a.At) })
	held := h.Order.State == order.StateHeld
	for _, m := range list {
		line := moment{At: m.At, Text: eventText(h, m), Who: who(m)}
		switch m.What {
		case string(order.StateHeld):
			if held { // what it waited for before is over
				line.Kind, held = "need", false
			}
		case string(order.StateFailed), "refused", "not delivered", "message refused":
			line.Kind = "bad"
		case "delivered", string(order.StateCompleted), "payout sent":
			line.Kind = "good"
		}
		if minorEvents[m.What] && m.By == "" {
			line.Full = true
			t.Minor = append(t.Minor, line)
			continue
		}
		day := c.dayName(m.At)
		if n := len(t.Days); n == 0 || t.Days[n-1].Name != day {
			t.Days = append(t.Days, timelineDay{Name: day})
		}
		d := &t.Days[len(t.Days)-1]
		d.Moments = append(d.Moments, line)
	}
	t.MinorText = plural(len(t.Minor), "smaller step", "smaller steps")
	return t
}

// eventText is an event in one text.
func eventText(h view.History, m view.Moment) string {
	by := m.By
	m.By = "" // it stands next to it
	text := h.EventText(m)
	switch {
	case by != "" || m.What == "owner":
		return text
	case m.What == "status":
		return "at the marketplace: " + strings.ReplaceAll(text, "_", " ")
	case m.What == "seen":
		return "first seen"
	case text == "":
		return m.What
	}
	return m.What + ": " + text
}

// who acted in an event.
func who(m view.Moment) string {
	way, name, ok := strings.Cut(string(m.By), ":")
	switch {
	case ok && way == "cli":
		return name + ", command"
	case ok:
		return name + ", " + way
	case m.By != "":
		return string(m.By)
	}
	switch m.What {
	case "status", "rated", "payout sent", "piece":
		return "marketplace"
	case "owner":
		return "owner"
	}
	return "daemon"
}
