package intake

import (
	"sync"
	"time"

	"atelierd/internal/order"
)

// readPause is how long no order is read alone after a read that had no answer, so
// that an outage does not keep one worker after the other waiting.
const readPause = 30 * time.Second

// Sightings remembers where this process has seen each order stand at the
// marketplace, and when. Nothing of it is durable: a process that has just started
// has seen nothing. It may be used by several goroutines.
type Sightings struct {
	within time.Duration

	mu     sync.Mutex
	orders map[string]sighting
	// answered: the first poll has ended, well or not. Until then no order is read
	// alone, because the poll shows them all.
	answered bool
	// alone: single orders can be read at this marketplace.
	alone  bool
	silent time.Time // no order is read until then
	// missed: since the last poll some work was put off because its order was not seen.
	missed bool
	since  time.Time // of the first missed sighting since then; zero for none
}

// sighting is one order at one moment.
type sighting struct {
	status order.Status
	shown  order.Shown
	at     time.Time
	listed bool
}

// NewSightings returns an empty record. An order that was seen longer ago than within
// is not relied on.
func NewSightings(within time.Duration) *Sightings {
	// What an earlier process put off is run after the first poll.
	return &Sightings{within: within, orders: map[string]sighting{}, missed: true}
}

// Seen returns what is known of an order that new work of the kind is to begin for.
func (s *Sightings) Seen(id string, kind order.Kind) order.Sighting {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, ok := s.orders[id]
	now := time.Now()
	seen := order.Sighting{
		Open:   ok && (order.Facts{Status: last.status, Shown: last.shown}).OpenFor(kind),
		Fresh:  ok && now.Sub(last.at) <= s.within,
		Ask:    s.answered && !now.Before(s.silent),
		Listed: ok && last.listed && !s.alone,
	}
	if last.listed && !seen.Open {
		seen.Fresh = false // a listing does not show whether a delivered order has files
	}
	if !seen.Fresh || !seen.Open {
		s.missed = true
		if s.since.IsZero() {
			s.since = now
		}
		seen.Waited = now.Sub(s.since)
	}
	return seen
}

// Read records what a read of one order showed that began at the given time.
func (s *Sightings) Read(f order.Facts, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alone = true
	s.see(f, at, false)
}

// Silent records that a read of one order had no answer.
func (s *Sightings) Silent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = time.Now().Add(readPause)
}

// Listed records a listing that was asked for at the given time. An order that it
// lacks has ended or vanished.
func (s *Sightings) Listed(list []order.Facts, at time.Time) { s.listed(standings(list), at) }

// standing is what a sighting keeps of an order, which is much less than its facts.
type standing struct {
	id     string
	status order.Status
	shown  order.Shown
}

// standings returns where the orders stand that have not ended.
func standings(list []order.Facts) (open []standing) {
	for _, f := range list {
		if !f.Status.Ended() {
			open = append(open, standing{f.ID, f.Status, f.Shown})
		}
	}
	return open
}

func (s *Sightings) listed(open []standing, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = time.Time{}
	for id, last := range s.orders {
		if !last.at.After(at) {
			delete(s.orders, id)
		}
	}
	for _, o := range open {
		s.see(order.Facts{ID: o.id, Status: o.status, Shown: o.shown}, at, true)
	}
}

func (s *Sightings) see(f order.Facts, at time.Time, listed bool) {
	if last, ok := s.orders[f.ID]; !ok || at.After(last.at) {
		s.orders[f.ID] = sighting{status: f.Status, shown: f.Shown, at: at, listed: listed}
	}
}

// Polled records the end of a poll. It reports whether work that was put off may
// continue: after a listing, or because orders can be read alone from now on.
func (s *Sightings) Polled(err error) (resume bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.answered
	s.answered = true
	if err != nil && !first {
		return false
	}
	resume, s.missed, s.since = s.missed, false, time.Time{}
	return resume
}

// resumeUnseen lets work continue that waits until its order is seen open.
func (p *Poller) resumeUnseen(err error) {
	if p.o.Sightings.Polled(err) {
		p.noteErr(p.o.Store.RunNow(order.CodeNotSeen))
	}
}
