package view

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
)

// Period is a time to account for.
type Period struct {
	store.Period
	Zone *time.Location
	// Whole: it begins within the day First, which counts whole for what is not an order's
	// that completed.
	Whole bool
}

// day returns the date of a moment.
func (p Period) day(t time.Time) string { return t.In(p.Zone).Format(time.DateOnly) }

// WrongTime is an error about an end of a period.
type WrongTime struct{ End, Text, Want string }

func (e *WrongTime) Error() string { return fmt.Sprintf("%s %.40q is not %s", e.End, e.Text, e.Want) }

// NewPeriod returns the period from since to the end of the day until, in a time zone.
// Since is a day, or a number of days or hours before now, such as 30d. Empty is no end. The
// error may be a *WrongTime.
func NewPeriod(zone *time.Location, since, until string, now time.Time) (p Period, err error) {
	p.Zone = zone
	days := order.DigestTime{Zone: zone}
	if until != "" {
		if _, p.To, err = days.Span(until); err != nil {
			return p, &WrongTime{"until", until, "a day such as 2026-11-30"}
		}
		p.Last = until
	}
	if p.From, _, err = days.Span(since); since == "" || err == nil {
		p.First = since
	} else if p.From, err = parseSince(since, now); err == nil {
		p.First, p.Whole = p.From.UTC().Format(time.DateOnly), true
	}
	if since == "" {
		p.From, err = time.Time{}, nil
	}
	if err == nil && !p.To.IsZero() && !p.From.Before(p.To) {
		err = errors.New("the time ends before it begins")
	}
	return p, err
}

// parseSince reads a number of days or hours before now.
func parseSince(text string, now time.Time) (time.Time, error) {
	if days, err := strconv.Atoi(strings.TrimSuffix(text, "d")); err == nil && strings.HasSuffix(text, "d") && days >= 0 {
		return now.Add(-time.Duration(days) * 24 * time.Hour), nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, &WrongTime{"since", text, "a day such as 2026-11-01, or a time such as 30d or 12h"}
}
