package budget

import (
	"context"
	"time"

	"atelierd/internal/order"
)

func (b *Budget) answerUncounted(id int64, a order.Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(b.ledger.AnswerRequest(id, a, nil))
}

// answered learns from an answer and writes it to the ledger.
func (b *Budget) answered(call order.RequestKind, id int64, probing bool, a order.Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	learned := false
	learn := func() error {
		learned = true
		b.learnFrom(call, id, probing, a)
		return nil
	}
	if b.share != nil {
		ctx, cancel := context.WithTimeout(context.Background(), shareWithin)
		defer cancel()
		b.keep(b.together(ctx, learn))
	}
	if !learned {
		_ = learn() // it never fails
	}
}

func (b *Budget) learnFrom(call order.RequestKind, id int64, probing bool, a order.Answer) {
	own, all := b.of(string(call)), b.of(order.ScopeAll)
	for _, w := range []*window{own, all} {
		if w.anchor == b.anchorOf(id) {
			w.EndsAt, w.anchor = a.At.Add(b.limits.Window), ""
		}
	}
	if probing {
		b.probe = probe{windowEnd: all.EndsAt}
		if a.Status >= 200 && a.Status < 300 {
			b.learn(order.CountsSeparate, "each kind of request has its own count")
		}
	}
	if a.Status == 429 {
		b.refused(call, own, all, a)
	}
	b.keep(b.ledger.AnswerRequest(id, a, []order.Window{own.Window, all.Window}))
}

// refused handles a 429: requests of the kind are blocked until the time that it
// names. A 429 before our count of the kind is full shows that the marketplace
// counts other kinds together with it.
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
	early := own.Used <= ceiling // Used includes the refused request
	own.BlockedUntil = until
	own.EndsAt = until
	if !early {
		return
	}
	b.learn(order.CountsShared, "all kinds of requests share one count")
	// The shared count is at the ceiling of this kind. Kinds with a higher ceiling
	// may still be sent.
	all.Used = max(all.Used, ceiling)
	all.EndsAt = until
}

// relearn forgets once a day what refusals have taught, so that one strict hour of
// the marketplace does not cost half of all later deliveries.
func (b *Budget) relearn(now time.Time) {
	if now.Sub(b.learned) < 24*time.Hour {
		return
	}
	b.learned = now
	if b.counts == order.CountsShared {
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
	b.keep(b.ledger.SetFact(order.FactCounts, counts))
}

// keep logs a failed write to the ledger. The counts in memory stay valid.
func (b *Budget) keep(err error) {
	if err != nil {
		b.log.Warn("request count not written", "error", err)
	}
}
