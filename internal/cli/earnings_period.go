package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
)

// EarningsPeriod are the flags that select a time.
type EarningsPeriod struct {
	Since string `help:"Only from a day on, such as 2026-11-01, or in the last days or hours, such as 30d or 12h." placeholder:"WHEN"`
	Until string `help:"Only until the end of a day, such as 2026-11-30." placeholder:"DAY"`
	Year  int    `help:"Only one year, such as 2026." placeholder:"YEAR"`
	TZ    string `help:"Time zone of the days, such as Europe/Berlin. Default: that of the daily summary." name:"tz" placeholder:"ZONE"`
}

// period is a time to account for.
type period struct {
	store.Period
	zone *time.Location
	// whole: it begins within the day First, which counts whole for what is not an order's
	// that completed.
	whole bool
}

// read returns the period that the flags select. zone is the one without --tz.
func (f EarningsPeriod) read(zone *time.Location, now time.Time) (p period, err error) {
	if p.zone = zone; f.TZ != "" {
		if p.zone, err = time.LoadLocation(f.TZ); err != nil {
			return p, fmt.Errorf("--tz %.60q is not a time zone such as Europe/Berlin", f.TZ)
		}
	}
	since, until := f.Since, f.Until
	if f.Year != 0 {
		if since != "" || until != "" {
			return p, errors.New("--year cannot be used with --since or --until; keep one of them")
		}
		if f.Year < 1 || f.Year > 9998 {
			return p, fmt.Errorf("--year %d is not a year such as 2026", f.Year)
		}
		since, until = fmt.Sprintf("%04d-01-01", f.Year), fmt.Sprintf("%04d-12-31", f.Year)
	}
	days := order.DigestTime{Zone: p.zone}
	if until != "" {
		if _, p.To, err = days.Span(until); err != nil {
			return p, fmt.Errorf("--until %.40q is not a day such as 2026-11-30", until)
		}
		p.Last = until
	}
	if p.From, _, err = days.Span(since); since == "" || err == nil {
		p.First = since
	} else if p.From, err = parseSince(since, now); err == nil {
		p.First, p.whole = p.From.UTC().Format(time.DateOnly), true
	}
	if since == "" {
		p.From, err = time.Time{}, nil
	}
	if err == nil && !p.To.IsZero() && !p.From.Before(p.To) {
		err = errors.New("the time ends before it begins")
	}
	return p, err
}

// day returns the date of a moment.
func (p period) day(t time.Time) string { return t.In(p.zone).Format(time.DateOnly) }

// parseSince reads a number of days or hours before now.
func parseSince(text string, now time.Time) (time.Time, error) {
	if days, err := strconv.Atoi(strings.TrimSuffix(text, "d")); err == nil && strings.HasSuffix(text, "d") && days >= 0 {
		return now.Add(-time.Duration(days) * 24 * time.Hour), nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("--since %.40q is not a day such as 2026-11-01, or a time such as 30d or 12h", text)
}
