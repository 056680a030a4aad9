package app

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
)

// This file is the provider of the simulated week that knows the key of each request, and
// holds that a key is sent again only where the answer to its call was lost.

// keyed is what the owner's server knows of the keys.
type keyed struct {
	own  bool
	sent map[string]sent // by key
	// submits is called before a request with a key is answered, and repeats when the key
	// was sent before, with the same body or another.
	submits func(key string)
	repeats func(key string, same bool)
}

// sent is the first request with a key.
type sent struct {
	id   string
	body []byte
}

// readPrompt returns the prompt of a request of either shape, and its body.
func readPrompt(r *http.Request) (prompt string, body []byte, err error) {
	var wire struct {
		Prompt string `json:"prompt"`
		Input  struct {
			Prompt string `json:"prompt"`
		} `json:"input"`
	}
	if body, err = io.ReadAll(r.Body); err == nil {
		err = json.Unmarshal(body, &wire)
	}
	return wire.Prompt + wire.Input.Prompt, body, err
}

// again returns the job of a key that is known, or "". A key is forgotten with its job.
func (s *paidProvider) again(key string, body []byte) string {
	if !s.own {
		return ""
	}
	s.submits(key)
	first, known := s.sent[key]
	if !known || time.Since(s.jobs[first.id].ready) > ownKeeps {
		return ""
	}
	s.repeats(key, bytes.Equal(first.body, body))
	return first.id
}

// note records the first request with a key.
func (k *keyed) note(key, id string, body []byte) {
	if k.own {
		k.sent[key] = sent{id, body}
	}
}

func (k *keyed) accept(w http.ResponseWriter, id string) {
	w.Header().Set("Location", id)
	w.WriteHeader(http.StatusAccepted)
}

// showOwn answers about a job as the owner's server does.
func (s *paidProvider) showOwn(w http.ResponseWriter, id string) {
	job := s.jobs[id]
	switch {
	case !job.known():
		w.WriteHeader(http.StatusNotFound)
	case time.Now().Before(job.ready):
		w.WriteHeader(http.StatusAccepted)
	case job.ends == "succeeded":
		s.fileOf(w, id, job)
	default:
		w.WriteHeader(http.StatusUnprocessableEntity)
		json.NewEncoder(w).Encode(map[string]any{"refused": job.why == indecency, "reason": job.why, "cost_usd": s.cost(job.cost)})
	}
}

// ownKeeps is how long the owner's server keeps a result.
const ownKeeps = 24 * time.Hour

// useKeys has the provider of some weeks be the owner's server.
func (w *world) useKeys(seed uint64) {
	w.useShape(seed)
	w.provider.own, w.provider.sent = w.provider.shape == shapeOwn, map[string]sent{}
	w.provider.submits = func(key string) {
		if _, ok := w.booked(key); !ok {
			w.t.Errorf("the key %q was sent, and no call with it is in the database", key)
		}
	}
	w.provider.repeats = func(key string, same bool) {
		state, _ := w.booked(key)
		if state != order.CallStarted {
			w.t.Errorf("the key %s of a call that is %s was sent again", key, state)
		}
		if !same && !w.restores.any() { // a restored ledger may have forgotten what a client wrote
			w.t.Errorf("the key %s was sent with another body", key)
		}
	}
}

// booked returns the state of the call with the key.
func (w *world) booked(key string) (state order.CallState, ok bool) {
	db := w.openDatabase()
	defer db.Close()
	err := db.QueryRow("SELECT state FROM calls WHERE key = ?", key).Scan(&state)
	return state, err == nil
}

// checkKeys holds that a provider that knows the keys has made nothing twice that it
// still had, also after a restore. What the owner had made again is excepted: a result
// that never became visible is held, and only a redo pays again.
func (w *world) checkKeys() {
	if !w.provider.own {
		return
	}
	made := map[string][]*providerJob{}
	for _, j := range w.provider.jobs {
		if j.ends == "succeeded" && !j.gone() {
			made[j.what] = append(made[j.what], j)
		}
	}
	for what, jobs := range made {
		brief, _, _ := strings.Cut(what, ", round ")
		if w.redone[w.looks.briefs[brief]] {
			continue
		}
		slices.SortFunc(jobs, func(a, b *providerJob) int { return a.at.Compare(b.at) })
		for i := range len(jobs) - 1 {
			if jobs[i+1].at.Before(jobs[i].ready.Add(ownKeeps)) {
				w.t.Errorf("%q was made at %s, and again at %s", what, jobs[i].ready, jobs[i+1].at)
			}
		}
	}
}
