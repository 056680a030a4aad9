package budget

import (
	"time"

	"atelierd/internal/order"
)

func (b *Budget) answerUncounted(id int64, a order.Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(b.ledger.AnswerRequest(id, a, nil))
}

// answered learns from what came back and writes it down.
func (b *Budget) answered(call order.RequestKind, id int64, probing bool, a order.Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	own, all := b.windows[string(call)], b.windows[scopeAll]
	for _, w := range []*window{own, all} {
		if w.anchor == id {
			w.EndsAt, w.anchor = a.At.Add(b.limits.Window), 0
		}
	}
	if probing {
		b.probe = probe{windowEnd: all.EndsAt}
		if a.Status >= 200 && a.Status < 300 {
			b.learn(countsApart, "the marketplace counts each call for itself")
		}
	}
	if a.Status == 429 {
		b.refused(call, own, all, a)
	}
	b.keep(b.ledger.AnswerRequest(id, a, []order.Window{own.Window, all.Window}))
}

// refused takes a 429 at its word: the call is blocked until it says. One that
// comes before our own count of the call is full shows that others add to it.
func (b *Budget) refused(call order.RequestKind, own, all *window, a order.Answer) {
	until := a.At.Add(a.RetryAfter)
	if a.RetryAfter <= 0 {
		until = a.Reset
	}
	if !until.After(a.At) {
		until = a.At.Add(time.Minute)
	}
	ceiling := b.limits.Ceilings[call]
	if a.Limit > 0 && a.Limit < ceiling {
		own.Limit, ceiling = a.Limit, a.Limit
	}
	early := own.Used <= ceiling // the refused request is counted in Used
	own.BlockedUntil = until
	own.EndsAt = until
	if !early {
		return
	}
	b.learn(countsShared, "the marketplace keeps one count for all calls")
	// The shared count stands at this call's ceiling: calls with a higher one may go on.
	all.Used = max(all.Used, ceiling)
	all.EndsAt = until
}

// relearn forgets, once a day, what refusals have taught: a marketplace that
// was strict for an hour must not cost the owner half the orders for ever.
func (b *Budget) relearn(now time.Time) {
	if now.Sub(b.learned) < 24*time.Hour {
		return
	}
	b.learned = now
	if b.counts == countsShared {
		b.counts = ""
	}
	for _, w := range b.windows {
		w.Limit = 0
	}
}

func (b *Budget) learn(counts, what string) {
	if b.counts == counts {
		return
	}
	b.counts = counts
	b.log.Info("learned how requests are counted", "counts", counts, "meaning", what)
	b.keep(b.ledger.SetFact(factCounts, counts))
}

// keep logs a count that could not be written: the numbers in memory go on.
func (b *Budget) keep(err error) {
	if err != nil {
		b.log.Warn("the request count could not be written", "error", err)
	}
}
