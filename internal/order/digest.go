package order

import (
	"fmt"
	"strings"
	"time"
)

// Digest is the summary of one day.
type Digest struct {
	// Day is the date in the zone of its reader, such as 2026-11-25.
	Day string
	// Came, Delivered and Completed are numbers of orders.
	Came, Delivered, Completed int
	// Earned is what is paid out for the orders completed on that day, and Spent what was
	// spent on that day, on any order.
	Earned, Spent USD
	// Open are the orders that have not ended now, by their state.
	Open map[State]int
	// Links are the files that were delivered.
	Links []string
}

// DigestTime is when a target gets the summary of the day before.
type DigestTime struct {
	// At is the time of the day, as the time since midnight.
	At time.Duration
	// Zone is the time zone of the days. Nil sends no summary.
	Zone *time.Location
}

// mostDigests is the most days whose summaries are sent late, the newest ones.
const mostDigests = 2

// dateAt returns a time of the day on the date that is days after that of t. Where clocks
// are changed it stays that time of the day.
func dateAt(t time.Time, days int, at time.Duration) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()+days, 0, int(at/time.Minute), 0, 0, t.Location())
}

// Last returns the newest day whose summary is due at now.
func (d DigestTime) Last(now time.Time) string {
	now = now.In(d.Zone)
	back := -1
	if now.Before(dateAt(now, 0, d.At)) {
		back = -2
	}
	return noon(now, back).Format(time.DateOnly)
}

// noon is a time that is on the date days after that of t, whatever is done to clocks.
func noon(t time.Time, days int) time.Time { return dateAt(t, days, 12*time.Hour) }

// Due returns the days whose summaries are due at now, the oldest first, after the last
// one that was sent. Those that are too old are left out.
func (d DigestTime) Due(last string, now time.Time) []string {
	newest, err := d.noon(d.Last(now))
	if err != nil {
		return nil
	}
	var days []string
	for back := mostDigests - 1; back >= 0; back-- {
		if day := noon(newest, -back).Format(time.DateOnly); day > last {
			days = append(days, day)
		}
	}
	return days
}

// Span returns when a day begins and ends. It has 23 or 25 hours where clocks are changed.
func (d DigestTime) Span(day string) (from, to time.Time, err error) {
	at, err := d.noon(day)
	return dateAt(at, 0, 0), dateAt(at, 1, 0), err
}

// noon is a time on a day. Midnight may be on none, where clocks are changed.
func (d DigestTime) noon(day string) (time.Time, error) {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return at, fmt.Errorf("%.40q is not a date such as 2026-11-25", day)
	}
	return time.Date(at.Year(), at.Month(), at.Day(), 12, 0, 0, 0, d.Zone), nil
}

// Profit is what is left of what was earned on the day.
func (d Digest) Profit() USD { return d.Earned - d.Spent }

// Quiet reports whether nothing has happened on the day.
func (d Digest) Quiet() bool {
	return d.Came == 0 && d.Delivered == 0 && d.Completed == 0 && d.Spent == 0 && len(d.Links) == 0
}

// mostLinks is how many links a summary shows.
const mostLinks = 10

// Notice is the summary as lines for the owner. A day without anything is one short line.
func (d Digest) Notice() Notice {
	name := d.Day
	if at, err := time.Parse(time.DateOnly, d.Day); err == nil {
		name = at.Format("Monday, 2 January")
	}
	n := Notice{Kind: NoticeDigest}
	if d.Quiet() {
		n.Line = fmt.Sprintf("%s: nothing happened; open: %s", name, d.open())
		return n
	}
	n.Line = fmt.Sprintf("%s: earned %s, spent %s, profit %s", name, dollars(d.Earned), dollars(d.Spent), dollars(d.Profit()))
	lines := []string{
		fmt.Sprintf("orders: %d new, %d delivered, %d completed", d.Came, d.Delivered, d.Completed),
		"open: " + d.open(),
	}
	lines = append(lines, d.Links[:min(len(d.Links), mostLinks)]...)
	if more := len(d.Links) - mostLinks; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more files; %s lists the orders", more, Command("orders --all")))
	}
	n.More = strings.Join(lines, "\n")
	return n
}

// open says in words which orders are open.
func (d Digest) open() string {
	var parts []string
	for _, s := range []State{StateHeld, StateFailed, StateWorking, StateDelivered, StateWaiting} {
		if n := d.Open[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if parts == nil {
		return "no order"
	}
	return strings.Join(parts, ", ")
}

// dollars is an amount, which may be negative.
func dollars(u USD) string {
	if u < 0 {
		return "-$" + (-u).String()
	}
	return "$" + u.String()
}
