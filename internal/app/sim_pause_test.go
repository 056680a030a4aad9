package app

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
)

// This file is what the owner of the simulated week pauses: one service or everything, until
// a time or until it is resumed.

// pauseGrace is how long a call whose row was there before a pause may take to reach the
// provider.
const pauseGrace = 10 * time.Minute

// simPauses are the owner's pauses so far, each with its end.
type simPauses struct {
	rng *rand.Rand // nil in a week without

	mu   sync.Mutex
	list []order.Pause
}

func newSimPauses(seed uint64) *simPauses {
	p := &simPauses{}
	if seed%3 == 2 {
		p.rng = rand.New(rand.NewPCG(seed, 28))
	}
	return p
}

// pause has the owner of one in three weeks pause now and then, when something is to be
// made, until end. A restore might bring a pause back, so its weeks have none.
func (w *world) pause(end time.Time) {
	rng := w.pausing.rng
	for rng != nil && !w.restores.wanted {
		time.Sleep(time.Duration(1+rng.IntN(20)) * time.Hour)
		for !w.anyPaid() && time.Now().Before(end) {
			time.Sleep(7 * time.Minute)
		}
		if time.Now().After(end) {
			return
		}
		length := time.Duration(30+rng.IntN(240)) * time.Minute
		p := order.Pause{Service: []string{"", simTitle, simQuoted, simWeekly, simPaid}[rng.IntN(5)], Reason: "dinner"}
		if rng.IntN(2) == 0 {
			p.Until = time.Now().Add(length).Truncate(time.Millisecond)
		}
		if !w.asOwner(func(o store.Owner) error { return o.Pause(p, nil) }) {
			continue // the daemon has not made its database yet
		}
		p.Since = time.Now()
		w.pausing.note(p, p.Since.AddDate(1, 0, 0))
		time.Sleep(length)
		w.pausing.note(p, time.Now().Truncate(time.Millisecond))
		if p.Until.IsZero() {
			w.asOwner(func(o store.Owner) error { return o.Resume(p.Service) })
		}
	}
}

// note notes a pause that ends at the given time, unless it does by itself.
func (s *simPauses) note(p order.Pause, end time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Until.IsZero() {
		p.Until = end
	}
	s.list = append(slices.DeleteFunc(s.list, func(q order.Pause) bool { return q.Since.Equal(p.Since) }), p)
}

// during reports whether work for a service was paused at a time, and had been for longer
// than grace.
func (s *simPauses) during(service string, at time.Time, grace time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.list, func(p order.Pause) bool {
		return p.Covers(service) && at.After(p.Since.Add(grace)) && at.Before(p.Until)
	})
}

// serviceOf returns the service that an order is for, as the daemon that runs has it.
func (w *world) serviceOf(id string) string {
	a := w.daemon.Load()
	if a == nil {
		return ""
	}
	o, err := a.store.Order(context.Background(), id)
	if err != nil {
		return ""
	}
	return o.Service
}

// checkPauses holds that during a pause no call was recorded for the service, no quote was
// sent for the first time, and no bounty was claimed.
func (w *world) checkPauses(db *sql.DB) {
	for what, query := range map[string]string{
		"a call":  "SELECT o.service, c.began_at FROM calls AS c JOIN jobs AS j ON j.id = c.job_id JOIN orders AS o ON o.id = j.order_id",
		"a quote": "SELECT o.service, min(e.at) FROM events AS e JOIN orders AS o ON o.id = e.order_id WHERE e.kind = 'quoting' GROUP BY o.id",
		"a claim": "SELECT '" + simTitle + "', e.at FROM events AS e WHERE e.kind = 'claiming'",
	} {
		rows := must(db.Query(query))
		defer rows.Close()
		for rows.Next() {
			var service, text string
			w.expect(rows.Scan(&service, &text))
			if at := must(time.Parse(time.RFC3339, text)); w.pausing.during(service, at, 0) {
				w.t.Errorf("%s for %s was begun at %s, while the owner has paused it", what, service, text)
			}
		}
		w.expect(rows.Err())
	}
}
