package sandbox

import (
	"strings"
	"time"
)

// afterQuota is how long an order stays open after its last piece, with
// Options.CloseWindows.
const afterQuota = time.Hour

// workspace is the window of a fixed price with a quota.
const workspace = 24 * time.Hour

// subscription returns the length of a service's window, or 0 without one.
func (s *Server) subscription(v *service) time.Duration {
	days := map[string]time.Duration{"weekly": 7, "monthly": 30}[v.PriceType]
	if days > 0 {
		return orDefault(s.opts.Subscription, days*24*time.Hour)
	}
	if v.PriceType == "fixed" && v.QuotaLimit > 0 {
		return workspace
	}
	return 0
}

// begun returns the status of an order that is paid for. A subscription of the
// deployed marketplace is in progress at once.
func (s *Server) begun(o *order) string {
	if o.period > 0 && !s.opts.CloseWindows {
		return "in_progress"
	}
	return "paid"
}

// beginWindow starts the window of a paid subscription.
func (o *order) beginWindow(now time.Time) {
	if o.period > 0 && o.WindowEnds.IsZero() && (o.Status == "paid" || o.Status == "in_progress") {
		o.WindowEnds = now.Add(o.period)
	}
}

// expired reports whether a subscription is in progress after the end of its window.
func (o *order) expired(now time.Time) bool {
	return o.Status == "in_progress" && !o.WindowEnds.IsZero() && !now.Before(o.WindowEnds)
}

// closesAt returns when a subscription completes automatically, with
// Options.CloseWindows.
func (o *order) closesAt() time.Time {
	if end := o.usedUp.Add(afterQuota); !o.usedUp.IsZero() && end.Before(o.WindowEnds) {
		return end
	}
	return o.WindowEnds
}

// countPiece counts a message of the agent as a piece if it has a link. Only
// Options.CloseWindows makes something of that.
func (o *order) countPiece(text string, now time.Time) {
	if o.WindowEnds.IsZero() || !strings.Contains(text, "http") {
		return
	}
	o.QuotaUsed++
	if o.QuotaTotal > 0 && o.QuotaUsed == o.QuotaTotal {
		o.usedUp = now
	}
}
