package provider

import (
	"fmt"
	"strings"

	"atelierd/internal/lenient"
	"atelierd/internal/order"
)

// jobState is where a job is.
type jobState int

const (
	// stateNone: the answer names no state, so it says nothing about the job.
	stateNone jobState = iota
	// stateWaiting: the job waits or runs.
	stateWaiting
	stateDone
	stateFailed
)

// stateWords are the words of all providers, in lower case. A word means the same
// wherever it is used.
var stateWords = map[string]jobState{
	"starting": stateWaiting, "processing": stateWaiting, "in_queue": stateWaiting, "in_progress": stateWaiting,
	"queued": stateWaiting, "queueing": stateWaiting, "pending": stateWaiting, "throttled": stateWaiting,
	"running": stateWaiting, "dreaming": stateWaiting, "preparing": stateWaiting,
	"succeeded": stateDone, "success": stateDone, "completed": stateDone, "complete": stateDone, "done": stateDone, "finished": stateDone,
	"failed": stateFailed, "fail": stateFailed, "failure": stateFailed,
	"canceled": stateFailed, "cancelled": stateFailed, "aborted": stateFailed,
}

// state returns where the job is. A word that is not known means that the job still
// runs: providers add words, and a job is never given up for one.
func (c *conn) state(word lenient.Text) jobState {
	plain := strings.ToLower(string(word))
	known, ok := stateWords[plain]
	switch {
	case ok:
		if known == stateWaiting {
			c.progress(order.Progress{Phase: phaseOf(plain)})
		}
		return known
	case strings.Trim(plain, "0123456789.-+") == "":
		return stateNone // a number is more likely a status of the answer
	}
	c.unknownWord(plain)
	return stateWaiting
}

// unknownWord records and logs a state that is not known.
func (c *conn) unknownWord(word string) {
	if shown := c.clean(word); shown != c.word {
		c.word = shown
		c.log.Info("unknown state of a job; it counts as running", "state", shown)
	}
}

// withWord adds an unknown state to the failure of a job that takes too long.
func (c *conn) withWord(f *order.Failure) *order.Failure {
	if c.word == "" || f.Code != order.CodeSlow {
		return f
	}
	own := *f
	own.Err = fmt.Errorf("%w; the provider calls its state %q", f.Err, c.word)
	return &own
}
