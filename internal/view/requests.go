package view

import (
	"fmt"
	"slices"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/words"
)

// Requests is how many requests were sent to the marketplace, and how many
// the owner and the marketplace allow.
type Requests struct {
	// Counts is separate if the marketplace counts each kind of request by itself,
	// shared if it counts all of them together, and unknown, which is treated as
	// shared, before an answer has shown which.
	Counts string `json:"counts"`
	// Used, Limit and EndsAt are the count of all kinds together.
	Used   int       `json:"used"`
	Limit  int       `json:"limit"`
	EndsAt time.Time `json:"ends_at,omitzero"`
	Kinds  []Request `json:"calls"`
	// Unknown: the ledger was restored in this window, so all requests count as sent.
	Unknown bool `json:"unknown,omitempty"`
}

// Request counts the requests of one kind.
type Request struct {
	Kind    order.RequestKind `json:"call"`
	Used    int               `json:"used"`
	Limit   int               `json:"limit"`
	Refused int               `json:"refused"`
	// EndsAt is the end of the kind's own window, if one is open.
	EndsAt time.Time `json:"ends_at,omitzero"`
	// BlockedUntil is set while the marketplace asks for a pause.
	BlockedUntil time.Time `json:"blocked_until,omitzero"`
}

func viewRequests(b config.Budget, st store.Status, now time.Time) Requests {
	v := Requests{Counts: "unknown", Kinds: []Request{}}
	for _, f := range st.Facts {
		if f.Name == order.FactCounts {
			v.Counts = f.Value
		}
	}
	all := openWindow(st.Windows, order.ScopeAll, now)
	v.Unknown = countedUnknown(st.Facts, all)
	v.Used, v.Limit, v.EndsAt = all.Used, b.Poll, all.EndsAt
	for _, c := range []struct {
		kind  order.RequestKind
		limit int
		rare  bool // shown only if one was sent
	}{
		{order.RequestPoll, b.Poll, false},
		{order.RequestUpload, b.Upload, false},
		{order.RequestDeliver, b.Deliver, false},
		{order.RequestQuote, b.Deliver, true},
		{order.RequestMessage, b.Messages, true},
		{order.RequestPayout, b.Deliver, true},
		{order.RequestService, b.Services, true},
		{order.RequestRegister, b.Register, true},
	} {
		own := openWindow(st.Windows, string(c.kind), now)
		line := Request{Kind: c.kind, Used: own.Used, Limit: c.limit, EndsAt: own.EndsAt}
		if own.Limit > 0 {
			line.Limit = min(line.Limit, own.Limit)
		}
		if own.BlockedUntil.After(now) {
			line.BlockedUntil = own.BlockedUntil
		}
		at := slices.IndexFunc(st.Requests, func(s store.RequestCount) bool { return s.Kind == c.kind })
		if at >= 0 {
			line.Refused = st.Requests[at].Refused
		}
		if !c.rare || line.Used > 0 || line.Refused > 0 || !line.BlockedUntil.IsZero() {
			v.Kinds = append(v.Kinds, line)
		}
	}
	return v
}

// countedUnknown reports whether a reconcile that the owner has not accepted counted
// all requests of the window as sent.
func countedUnknown(facts []store.Fact, w order.Window) bool {
	var at time.Time
	open := false
	for _, f := range facts {
		switch f.Name {
		case store.FactReconciled:
			at = f.Since
		case string(order.AlertRestored.Code()):
			open = true
		}
	}
	return open && !at.Before(w.StartedAt) && at.Before(w.EndsAt)
}

// openWindow returns the window of a scope. One that has ended counts nothing.
func openWindow(list []order.Window, scope string, now time.Time) order.Window {
	for _, w := range list {
		if w.Scope != scope {
			continue
		}
		if !now.Before(w.EndsAt) {
			w.Used, w.StartedAt, w.EndsAt = 0, time.Time{}, time.Time{}
		}
		return w
	}
	return order.Window{Scope: scope}
}

// Summary describes the count that limits polls and deliveries, in one line.
func (v Requests) Summary(now time.Time) string {
	text := fmt.Sprintf("%d of %d sent, counted together", v.Used, v.Limit)
	if v.Counts == order.CountsSeparate {
		text = fmt.Sprintf("%d sent, each kind counted by itself", v.Used)
	}
	if v.Unknown {
		return fmt.Sprintf("all counted as sent until %s, because the ledger was restored", words.Clock(v.EndsAt))
	}
	if v.EndsAt.IsZero() {
		return text + "; no window is open"
	}
	return fmt.Sprintf("%s; the window ends %s", text, words.Relative(now, v.EndsAt))
}

// Suffice reports whether an order can still be polled for, uploaded and delivered in
// this window.
func (v Requests) Suffice() bool {
	for _, c := range v.Kinds {
		if !slices.Contains([]order.RequestKind{order.RequestPoll, order.RequestUpload, order.RequestDeliver}, c.Kind) {
			continue
		}
		used := c.Used
		if v.Counts != order.CountsSeparate {
			used = max(used, v.Used)
		}
		if !c.BlockedUntil.IsZero() || used >= c.Limit {
			return false
		}
	}
	return true
}
