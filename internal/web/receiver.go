// Package web receives the marketplace's webhooks, checks their signatures, and
// passes them on as hints. What a client wrote, which may be nowhere else, it passes
// on first and refuses the event unless it was recorded.
//
// It must not know SQL, the marketplace's API, or what a hint leads to.
package web

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"atelierd/internal/secret"
)

// Receiver is an http.Handler for webhooks.
type Receiver struct {
	// Secrets returns the secrets that a signature may be made with. It is called
	// for each request, so that a new secret takes effect at once.
	Secrets func() []secret.Text
	// Record makes an event with content durable. Until it returns nil the event is
	// not taken, and the marketplace sends it again.
	Record func(Event) error
	// Notify is called with each event that was taken. It must not block.
	Notify func(Event)
	// Rejected is called for a request whose signature matches no secret; may be nil.
	Rejected func()
	Log      *slog.Logger

	recording atomic.Int32
	writes    sync.WaitGroup

	mu   sync.Mutex
	seen map[mac]bool // the last maxSeen accepted signatures
	ring []mac        // the same signatures, the oldest first
}

// Limits of a request. The marketplace's webhooks are far smaller and are sent
// within seconds.
const (
	maxBody   = 64 << 10
	tolerance = 5 * time.Minute
	maxSeen   = 4096
)

const (
	// recordTime is how long an event may take to be recorded. The marketplace waits
	// 5 s for an answer.
	recordTime = 4 * time.Second
	// maxRecording is the most events that are recorded at a time, counting those that
	// were given up on.
	maxRecording = 64
)

// errBusy is why an event was not recorded in time.
var errBusy = errors.New("the database takes too long")

// ServeHTTP answers with a status alone, so that a sender does not learn why a
// request was rejected. An event is answered before Notify is called, and one with
// content after it is recorded.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		status := http.StatusBadRequest
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			status = http.StatusRequestEntityTooLarge
		}
		w.WriteHeader(status)
		return
	}
	valid := signed(req.Header.Values("X-Atelier-Signature"), body, r.Secrets, time.Now())
	if len(valid) == 0 {
		w.WriteHeader(http.StatusUnauthorized)
		if r.Rejected != nil {
			r.Rejected()
		}
		return
	}
	e := parse(body)
	e.SignedAt = valid[0].at
	if e.Content() && !r.replayed(valid) {
		if err := r.record(e); err != nil {
			r.Log.Warn("a webhook was not recorded, so it is refused and sent again", "event", e.Name, "order", e.OrderID, "error", err)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
	}
	// With a content length the answer is complete once it is flushed, so that the
	// sender does not wait for Notify.
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush() // without it the answer is sent at the end
	if r.remember(valid) {
		return
	}
	r.Log.Debug("webhook received", "event", e.Name, "order", e.OrderID)
	r.Notify(e)
}

// record records an event in time, or returns an error. A write that takes longer
// continues: then the event that is sent again is the same one.
func (r *Receiver) record(e Event) error {
	if r.recording.Add(1) > maxRecording {
		r.recording.Add(-1)
		return errBusy
	}
	recorded := make(chan error, 1)
	r.writes.Go(func() {
		defer r.recording.Add(-1)
		recorded <- r.Record(e)
	})
	t := time.NewTimer(recordTime)
	defer t.Stop()
	select {
	case err := <-recorded:
		return err
	case <-t.C:
		return errBusy
	}
}

// Wait returns once no event is being recorded. Call it when no request can come.
func (r *Receiver) Wait() { r.writes.Wait() }

// replayed reports whether one of the signatures was accepted before. A signature
// covers the time and the body. When the marketplace sends an event again it signs it
// again, so that is no replay.
func (r *Receiver) replayed(signatures []signature) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(signatures, func(s signature) bool { return r.seen[s.mac] })
}

// remember records accepted signatures and reports whether one was recorded before.
func (r *Receiver) remember(signatures []signature) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = map[mac]bool{}
	}
	before := false
	for _, s := range signatures {
		if r.seen[s.mac] {
			before = true
			continue
		}
		if len(r.ring) >= maxSeen {
			delete(r.seen, r.ring[0])
			r.ring = r.ring[1:]
		}
		r.seen[s.mac] = true
		r.ring = append(r.ring, s.mac)
	}
	return before
}
