package forecast

import (
	"time"

	"atelierd/internal/order"
)

// Requests is how many requests to the marketplace are left. Polls are not counted,
// because they leave the requests that deliveries need.
type Requests struct {
	Upload, Deliver Count
	// All counts all kinds together; nil if the marketplace counts each kind by itself.
	All *Count
}

// Count is a count of requests in windows of the same length.
type Count struct {
	Left, Limit int
	// Ends is the end of the open window; zero if none is open. The next one begins with
	// its first request.
	Ends  time.Time
	Every time.Duration
	// Blocked is until when the marketplace accepts none.
	Blocked time.Time

	begins time.Time // of a window that was opened here, because the one before was used up
}

// take counts a request of the kind, and returns when it can be sent, at the earliest at
// the given time.
func (r *Requests) take(kind order.RequestKind, at time.Time) time.Time {
	own := &r.Deliver
	if kind == order.RequestUpload {
		own = &r.Upload
	}
	at = own.open(at)
	if r.All != nil {
		at = own.open(r.All.open(at))
		r.All.Left--
	}
	own.Left--
	return at
}

// open returns when a request can be counted, and opens the window that it is counted in.
func (c *Count) open(at time.Time) time.Time {
	if at = later(later(at, c.Blocked), c.begins); c.Every <= 0 || c.Limit <= 0 {
		c.Left = max(c.Left, 1) // nothing is known of the count
		return at
	}
	used := c.Left <= 0 && !c.Ends.IsZero()
	if used {
		at = later(at, c.Ends)
	}
	if c.Ends.IsZero() || !at.Before(c.Ends) {
		c.Left, c.Ends = c.Limit, at.Add(c.Every)
		if used {
			c.begins = at
		}
	}
	return at
}
