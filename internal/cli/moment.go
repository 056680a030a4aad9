package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parseMoment reads a time to come, in the time zone of now.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return at, nil
		}
	}
	if at, err := time.ParseInLocation("15:04", text, now.Location()); err == nil {
		today := time.Date(now.Year(), now.Month(), now.Day(), at.Hour(), at.Minute(), 0, 0, now.Location())
		if !today.After(now) {
			today = time.Date(now.Year(), now.Month(), now.Day()+1, at.Hour(), at.Minute(), 0, 0, now.Location())
		}
		return today, nil
	}
	if d, ok := parseDays(text); ok {
		return now.Add(d), nil
	}
	return time.Time{}, fmt.Errorf(`%.40q is not a time such as "2026-12-27 08:00" or 18:30, a day such as 2026-12-27, or a duration such as 90m, 12h or 3d`, text)
}

// mostDays is the longest duration, so that a sum with a time is one.
const mostDays = 3650

// parseDays reads a duration in days, such as 3d, or like 12h.
func parseDays(text string) (time.Duration, bool) {
	if count, is := strings.CutSuffix(text, "d"); is {
		days, err := strconv.Atoi(count)
		return time.Duration(days) * 24 * time.Hour, err == nil && days >= 0 && days <= mostDays
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0 && d <= mostDays*24*time.Hour
}

// parseAgo reads a time that has passed, in the time zone of now: a time, a day, or a
// duration before now. An empty text is no time.
func parseAgo(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, ok := parseDays(text); ok {
		return now.Add(-d), nil
	}
	at, err := parseMoment(text, now)
	if err != nil {
		return at, fmt.Errorf("%s %.40q is not a day such as 2026-11-01, a time such as \"2026-11-01 08:00\", or a duration such as 3d or 12h", flag, text)
	}
	return at, nil
}
