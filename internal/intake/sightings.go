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
	start  time.Time // what the times of sightings count from

	mu      sync.Mutex
	orders  map[string]sighting
	listing uint32 // the number of the listing that is being read
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

// sighting is one order at one moment. There is one for each live order, so it is small.
type sighting struct {
	status order.Status
	at     time.Duration // after the start
	// listing is the number of the listing that showed the order; 0 if it was read alone.
	listing uint32
	empty   bool // it was read alone and shown without a file
}

// NewSightings returns an empty record. An order that was seen longer ago than within
// is not relied on.
func NewSightings(within time.Duration) *Sightings {
	// What an earlier process put off is run after the first poll.
	return &Sightings{within: within, start: time.Now(), orders: map[string]sighting{}, missed: true}
}

// Within changes how long ago an order may have been seen to be relied on.
func (s *Sightings) Within(within time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.within = within
}

// Seen returns what is known of an order that new work of the kind is to begin for.
func (s *Sightings) Seen(id string, kind order.Kind) order.Sighting {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, ok := s.orders[id]
	now := time.Now()
	facts := order.Facts{Status: last.status}
	if last.empty {
		facts.Shown = order.ShownNone
	}
	seen := order.Sighting{
		Open:   ok && facts.OpenFor(kind),
		Fresh:  ok && now.Sub(s.start)-last.at <= s.within,
		Ask:    s.answered && !now.Before(s.silent),
		Listed: last.listing > 0 && !s.alone,
	}
	if last.listing > 0 && !seen.Open {
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
	s.see(&f, sighting{at: at.Sub(s.start)})
}

// Silent records that a read of one order had no answer.
func (s *Sightings) Silent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = time.Now().Add(readPause)
}

// Listed records a listing that was asked for at the given time. An order that it
// lacks has ended or vanished.
func (s *Sightings) Listed(list []order.Facts, at time.Time) {
	s.beginListing()
	s.listed(list, at)
	s.endListing(at)
}

// Glimpsed records what a listing that is no poll showed. It was asked for at the given
// time. What it lacks says nothing.
func (s *Sightings) Glimpsed(list []order.Facts, at time.Time) { s.listed(list, at) }

// beginListing has the parts that follow belong to a new listing.
func (s *Sightings) beginListing() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listing++
}

// listed records a part of a listing that was asked for at the given time.
func (s *Sightings) listed(part []order.Facts, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range part {
		s.see(&part[i], sighting{at: at.Sub(s.start), listing: s.listing})
	}
}

// endListing forgets the orders that no part of the listing has shown.
func (s *Sightings) endListing(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = time.Time{}
	for id, last := range s.orders {
		if last.listing != s.listing && last.at <= at.Sub(s.start) {
			delete(s.orders, id)
		}
	}
}

func (s *Sightings) see(f *order.Facts, now sighting) {
	last, ok := s.orders[f.ID]
	if ok && (now.at < last.at || now.at == last.at && now.listing <= last.listing) {
		return
	}
	if f.Status.Ended() && now.listing > 0 {
		delete(s.orders, f.ID)
		return
	}
	now.status, now.empty = f.Status, f.Shown == order.ShownNone
	s.orders[f.ID] = now
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
