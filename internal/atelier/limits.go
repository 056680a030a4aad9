package atelier

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// How long a 429 may ask us to wait, and what it means when it does not say.
const (
	minWait     = time.Second
	maxWait     = 24 * time.Hour
	defaultWait = time.Minute
)

// limits is what the headers of a refusal said; zero where they did not.
type limits struct {
	retryAfter time.Duration // within [1 s, 24 h]
	limit      int
	reset      time.Time
}

// readLimits reads Retry-After (seconds by the marketplace's guide; the date
// form is HTTP's), X-RateLimit-Limit and X-RateLimit-Reset (unix seconds).
func readLimits(h http.Header, now time.Time) limits {
	var l limits
	value := strings.TrimSpace(h.Get("Retry-After"))
	switch {
	case value != "" && strings.Trim(value, "0123456789") == "":
		seconds, err := strconv.Atoi(value)
		if err != nil || seconds > int(maxWait/time.Second) { // err: more digits than an int has
			seconds = int(maxWait / time.Second)
		}
		l.retryAfter = clampWait(time.Duration(seconds) * time.Second)
	case value != "":
		if date, err := http.ParseTime(value); err == nil {
			l.retryAfter = clampWait(date.Sub(now))
		}
	}
	if n, err := strconv.Atoi(strings.TrimSpace(h.Get("X-RateLimit-Limit"))); err == nil && n > 0 {
		l.limit = n
	}
	unix, err := strconv.ParseInt(strings.TrimSpace(h.Get("X-RateLimit-Reset")), 10, 64)
	if reset := time.Unix(unix, 0).UTC(); err == nil && unix > 0 && unix < 1<<37 && reset.Year() <= 9999 {
		l.reset = reset
	}
	return l
}

// wait is the delay that a 429 asks for, within [1 s, 24 h]. A reset that has
// passed by our clock says nothing.
func (l limits) wait(now time.Time) time.Duration {
	switch {
	case l.retryAfter > 0:
		return l.retryAfter
	case l.reset.After(now):
		return clampWait(l.reset.Sub(now))
	}
	return defaultWait
}

func clampWait(d time.Duration) time.Duration { return min(max(d, minWait), maxWait) }
