package atelier

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The wait after a 429 is between minWait and maxWait. It is defaultWait if the answer
// names none.
const (
	minWait     = time.Second
	maxWait     = 24 * time.Hour
	defaultWait = time.Minute
)

// limits is what the headers of a refusal say. A field is zero if they do not.
type limits struct {
	at         time.Time     // when the answer was read
	retryAfter time.Duration // between minWait and maxWait
	limit      int
	reset      time.Time
}

// readLimits reads the headers Retry-After, X-RateLimit-Limit and X-RateLimit-Reset
// (Unix seconds). The marketplace's guide has Retry-After in seconds; its form as a
// date is HTTP's.
func readLimits(h http.Header, now time.Time) limits {
	l := limits{at: now}
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
	if err == nil && unix > 0 {
		l.reset = time.Unix(min(unix, now.Add(maxWait).Unix()+1), 0).UTC()
	}
	return l
}

// wait returns the delay that a 429 asks for, between minWait and maxWait. A reset time
// in the past is ignored.
func (l limits) wait() time.Duration {
	switch {
	case l.retryAfter > 0:
		return l.retryAfter
	case l.reset.After(l.at):
		return clampWait(l.reset.Sub(l.at))
	}
	return defaultWait
}

func clampWait(d time.Duration) time.Duration { return min(max(d, minWait), maxWait) }
