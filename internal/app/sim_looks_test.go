package app

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// This file holds the simulated daemon to looking before it pays: what each life has
// seen of the marketplace, and what it may pay for then.

// looks are what one life of the daemon has seen, and the calls of all lives.
type looks struct {
	mu    sync.Mutex
	began time.Time         // the life
	polls looked            // at all orders
	reads map[string]looked // at single orders
	slow  time.Duration     // how long the first poll of the life takes
	// ended is when an order was cancelled, and briefs are the orders of the provider.
	ended  map[string]time.Time
	briefs map[string]string
	large  map[string]bool         // orders that are too large now
	calls  map[time.Time]order.USD // what was charged, and when
}

// looked are the looks at an order or at all: the last one that was answered, and the last
// before that which was answered at an earlier moment.
type looked struct{ last, before look }

// look is when a look began, and when it was answered.
type look struct{ begun, answered time.Time }

func (l looked) add(begun time.Time) looked {
	if now := time.Now(); l.last.answered.Before(now) {
		return looked{last: look{begun, now}, before: l.last}
	}
	if begun.After(l.last.begun) {
		l.last.begun = begun
	}
	return l
}

// heeded returns when the last look began that can be heeded now. What is answered at this
// very moment may still be on its way through the daemon.
func (l looked) heeded() time.Time {
	if l.last.answered.Before(time.Now()) {
		return l.last.begun
	}
	return l.before.begun
}

func newLooks() *looks {
	return &looks{reads: map[string]looked{}, ended: map[string]time.Time{}, briefs: map[string]string{}, large: map[string]bool{}, calls: map[time.Time]order.USD{}}
}

// begin is the begin of a life, whose first poll may be slow.
func (l *looks) begin(slow time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.began, l.polls, l.slow = time.Now(), looked{}, slow
	clear(l.reads)
}

// await delays the first poll of a life.
func (l *looks) await(r *http.Request) {
	l.mu.Lock()
	slow := l.slow
	if strings.HasSuffix(r.URL.Path, "/orders") {
		l.slow = 0
	} else {
		slow = 0
	}
	l.mu.Unlock()
	select {
	case <-r.Context().Done():
	case <-time.After(slow):
	}
}

// answered notes a look that began at the given time and was answered.
func (l *looks) answered(r *http.Request, begun time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch dir, last := pathEnd(r.URL.Path); {
	case last == "orders":
		l.polls = l.polls.add(begun)
	case dir == "orders":
		l.reads[last] = l.reads[last].add(begun)
	}
}

// pathEnd returns the last two elements of a path.
func pathEnd(path string) (dir, last string) {
	parts := strings.Split(path, "/")
	if len(parts) < 2 {
		return "", path
	}
	return parts[len(parts)-2], parts[len(parts)-1]
}

// last returns the begin of the last look at an order in this life.
func (l *looks) last(id string) time.Time {
	return later(l.reads[id].last.begun, l.polls.last.begun)
}

// heeded is last of the looks that can be heeded now.
func (l *looks) heeded(id string) time.Time {
	return later(l.reads[id].heeded(), l.polls.heeded())
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// end notes that an order has ended.
func (l *looks) end(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended[id] = time.Now()
}

func (l *looks) charge(at time.Time, cost order.USD) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[at] += cost
}

// lookAge is how old the look before a call may be beyond poll.interval: another
// process may lock the database, or the disk be full, between the two.
const lookAge = 15 * time.Minute

// paying holds that a call that begins now is one that may be paid for: this life has
// seen the order lately, not as ended, and the work is not there already.
func (w *world) paying(id string, round, piece int) {
	l := w.looks
	o, _ := w.market.Order(id)
	l.mu.Lock()
	defer l.mu.Unlock()
	what := fmt.Sprintf("order %s round %d piece %d", id, round, piece)
	look, heeded, now := l.last(id), l.heeded(id), time.Now()
	switch {
	case look.IsZero():
		w.t.Errorf("%s was paid for before this life had seen the order", what)
	case !w.guide && now.Sub(look) > w.cfg.Poll.Interval+lookAge: // the guide has no reads, so that the last poll decides
		w.t.Errorf("%s was paid for, and the order was last seen %s ago", what, now.Sub(look))
	case l.endedBefore(o, round, piece, heeded):
		w.t.Errorf("%s was paid for at %s, though the order was seen as ended or delivered at %s: %s %+v, read %+v, polled %+v",
			what, now, heeded, o.Status, o.Deliveries, l.reads[id], l.polls)
	case w.pausing.during(w.serviceOf(id), now, pauseGrace):
		w.t.Errorf("%s was paid for at %s, while the owner has paused it", what, now)
	case l.large[id]:
		w.t.Errorf("%s was paid for, though the order is too large to be looked at", what)
	case piece > 0 && saidPiece(o, piece, l.began):
		w.t.Errorf("%s was paid for, though its client had it before this life", what)
	}
}

// endedBefore reports whether an order was cancelled, or its round delivered, before a
// look at it. A window is delivered before its end, and has pieces until it completes.
func (l *looks) endedBefore(o sandbox.Order, round, piece int, look time.Time) bool {
	if at, ok := l.ended[o.ID]; ok && o.Status == "cancelled" && at.Before(look) {
		return true
	}
	if o.Status == "disputed" || o.Status == "revision_requested" {
		return false // a restored ledger cannot know how many rounds were disputed
	}
	if piece > 0 {
		return o.Status == "completed" && o.CompletedAt.Before(look)
	}
	return slices.ContainsFunc(o.Deliveries, func(d sandbox.Delivery) bool { return d.Round >= round && d.At.Before(look) })
}

// saidPiece reports whether the thread had a piece before the given time.
func saidPiece(o sandbox.Order, piece int, at time.Time) bool {
	return slices.ContainsFunc(o.Messages, func(m sandbox.Message) bool {
		return m.From == "provider" && m.At.Before(at) && strings.HasPrefix(m.Content, fmt.Sprintf("Piece %d:", piece))
	})
}

// payingFor is paying by the prompt of a call of the provider.
func (w *world) payingFor(prompt string) {
	brief, rest, _ := strings.Cut(prompt, ", round ")
	w.looks.mu.Lock()
	id := w.looks.briefs[brief]
	w.looks.mu.Unlock()
	var round int
	if _, err := fmt.Sscan(rest, &round); err == nil && id != "" {
		w.paying(id, round, 0)
	}
}

// checkDays holds that no day has more calls than its cap allows, also across a
// restore that was noticed.
func (w *world) checkDays() {
	days := map[time.Time]order.USD{}
	for at, cost := range w.looks.calls {
		if at.Sub(order.Day(at)) > lookAge { // the row of a call may be of the day before
			days[order.Day(at)] += cost
		}
	}
	for day, paid := range days {
		if paid > w.cfg.Spending.Day && !w.restores.unnoticed(day) {
			w.t.Errorf("%s was paid on %s, the cap is %s", paid, day.Format(time.DateOnly), w.cfg.Spending.Day)
		}
	}
}
