package cli

import (
	"fmt"
	"slices"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// requestsView is how many requests to the marketplace have been sent, against
// what the owner and the marketplace allow.
type requestsView struct {
	// Counts is separate once the marketplace is known to count each call for
	// itself; else shared, or unknown, which is treated as shared.
	Counts string `json:"counts"`
	// Used, Limit and EndsAt are of the one count of all calls.
	Used   int        `json:"used"`
	Limit  int        `json:"limit"`
	EndsAt time.Time  `json:"ends_at,omitzero"`
	Calls  []callView `json:"calls"`
}

type callView struct {
	Call    order.RequestKind `json:"call"`
	Used    int               `json:"used"`
	Limit   int               `json:"limit"`
	Refused int               `json:"refused"`
	// EndsAt is the end of the call's own window, if one is open.
	EndsAt time.Time `json:"ends_at,omitzero"`
	// BlockedUntil is set while the marketplace has told us to wait.
	BlockedUntil time.Time `json:"blocked_until,omitzero"`
}

// scopeAll and factCounts are names under which the budget keeps its counts.
const (
	scopeAll   = "all"
	factCounts = "budget.counts"
)

func viewRequests(b config.Budget, st store.Status, now time.Time) requestsView {
	v := requestsView{Counts: "unknown", Calls: []callView{}}
	for _, f := range st.Facts {
		if f.Name == factCounts {
			v.Counts = f.Value
		}
	}
	all := openWindow(st.Windows, scopeAll, now)
	v.Used, v.Limit, v.EndsAt = all.Used, b.Poll, all.EndsAt
	for _, c := range []struct {
		call  order.RequestKind
		limit int
		rare  bool // not worth a line as long as none was sent
	}{{order.RequestPoll, b.Poll, false}, {order.RequestUpload, b.Upload, false}, {order.RequestDeliver, b.Deliver, false},
		{order.RequestQuote, b.Deliver, true}, {order.RequestMessage, b.Messages, true},
		{order.RequestService, b.Services, true}, {order.RequestRegister, b.Register, true}} {
		own := openWindow(st.Windows, string(c.call), now)
		line := callView{Call: c.call, Used: own.Used, Limit: c.limit, EndsAt: own.EndsAt}
		if own.Limit > 0 {
			line.Limit = min(line.Limit, own.Limit)
		}
		if own.BlockedUntil.After(now) {
			line.BlockedUntil = own.BlockedUntil
		}
		at := slices.IndexFunc(st.Requests, func(s store.Calls) bool { return s.Call == c.call })
		if at >= 0 {
			line.Refused = st.Requests[at].Refused
		}
		if !c.rare || line.Used > 0 || line.Refused > 0 || !line.BlockedUntil.IsZero() {
			v.Calls = append(v.Calls, line)
		}
	}
	return v
}

// openWindow gives the window of a scope; one that is over counts nothing.
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

// summary is one line about the count that matters.
func (v requestsView) summary(now time.Time) string {
	text := fmt.Sprintf("%d of %d sent, counted together", v.Used, v.Limit)
	if v.Counts == "separate" {
		text = fmt.Sprintf("%d sent, each call counted for itself", v.Used)
	}
	if v.EndsAt.IsZero() {
		return text + "; no window is open"
	}
	return fmt.Sprintf("%s; the window ends %s", text, term.Relative(now, v.EndsAt))
}

// left says whether polls and deliveries can still be sent in this window.
func (v requestsView) left() bool {
	for _, c := range v.Calls {
		used := c.Used
		if v.Counts != "separate" {
			used = max(used, v.Used)
		}
		if !c.BlockedUntil.IsZero() || used >= c.Limit {
			return false
		}
	}
	return true
}

func (v requestsView) show(g *term.Page, now time.Time) {
	g.Heading("requests")
	g.Linef("  %s", v.summary(now))
	rows := [][]term.Cell{term.Headings("call", "sent", "limit", "refused", "")}
	for _, c := range v.Calls {
		note := term.Cell{}
		if !c.BlockedUntil.IsZero() {
			note = term.Styled(term.Yellow, "the marketplace takes the next one "+term.Relative(now, c.BlockedUntil))
		}
		rows = append(rows, []term.Cell{term.Plain(string(c.Call)), term.Plain(fmt.Sprint(c.Used)),
			term.Plain(fmt.Sprint(c.Limit)), term.Plain(fmt.Sprint(c.Refused)), note})
	}
	g.Table("  ", rows)
}
