// Package words puts durations, moments, sizes and counts into words, the same ones on a
// terminal, on a page and in a message.
//
// It must not know who shows them.
package words

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Span formats a duration in at most two units: "43m", "5h 12m".
func Span(d time.Duration) string {
	d = d.Abs()
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour && d%time.Hour < time.Minute:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh %dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// Relative formats a time as seen from now: "in 43m", "12s ago".
func Relative(now, t time.Time) string {
	switch {
	case t.IsZero():
		return "-"
	case t.After(now):
		return "in " + Span(t.Sub(now))
	}
	return Span(now.Sub(t)) + " ago"
}

// Since formats when something began: "since 22:37", or with the day if that was another.
func Since(now, t time.Time) string {
	now, t = now.Local(), t.Local()
	switch {
	case t.IsZero():
		return ""
	case now.YearDay() == t.YearDay() && now.Year() == t.Year():
		return "since " + t.Format("15:04")
	}
	return "since " + t.Format("2006-01-02 15:04")
}

// Deadline formats the time until a deadline: "in 43m", "12m late".
func Deadline(now, t time.Time) string {
	switch {
	case t.IsZero():
		return "-"
	case t.After(now):
		return "in " + Span(t.Sub(now))
	}
	return Span(now.Sub(t)) + " late"
}

// Clock formats a time in the local time zone.
func Clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// Size formats a number of bytes: "1.2 MB".
func Size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// Count formats a number of things: "1 field", "2 fields".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Moment formats a time in a time zone, with its name.
func Moment(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("2006-01-02 15:04 MST")
}

// Line puts a text on one line of at most n characters. It escapes nothing.
func Line(s string, n int) string { return Cut(strings.Join(strings.Fields(s), " "), n) }

// Cut shortens a text to at most n characters. The last one is then an ellipsis.
func Cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
