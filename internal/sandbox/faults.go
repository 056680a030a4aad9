package sandbox

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// Cut in place of a status means that the connection is cut without an answer.
const Cut = -1

// Fault is what goes wrong with one request. The zero value is nothing.
type Fault struct {
	// Before answers with this status, or Cut, and does nothing else: the
	// request is not even counted.
	Before int
	// Refuse answers 429 before the ceiling is reached, and refuses what
	// belongs to the same count for that long. Only counted calls obey it.
	Refuse time.Duration
	// Slow waits before the effect, Linger between the effect and the answer.
	// Neither ends when the client goes away.
	Slow, Linger time.Duration
	// After loses the answer: the effect has happened, but this status, or
	// Cut, is what the client gets.
	After int
}

// String names the fault for the log; empty when there is none.
func (f Fault) String() string {
	var words []string
	if f.Before != 0 {
		words = append(words, "before "+breakName(f.Before))
	}
	if f.Refuse > 0 {
		words = append(words, "refuse "+f.Refuse.String())
	}
	if f.Slow > 0 {
		words = append(words, "slow "+f.Slow.String())
	}
	if f.Linger > 0 {
		words = append(words, "linger "+f.Linger.String())
	}
	if f.After != 0 {
		words = append(words, "after "+breakName(f.After))
	}
	return strings.Join(words, ", ")
}

func breakName(status int) string {
	if status == Cut {
		return "cut"
	}
	return fmt.Sprint(status)
}

// Faults say how often requests to the marketplace and its blob store go wrong.
// Probabilities are from 0 to 1. What happens to the n-th request for a method
// and path is decided by the seed alone, not by other requests.
type Faults struct {
	Before   float64 // an error or a cut connection, without effect
	After    float64 // the effect happens, its answer is lost
	Slow     float64 // the answer takes up to SlowMax
	Early429 float64 // refused before the ceiling is reached

	// SlowMax is the longest wait. Zero means one second.
	SlowMax time.Duration
	// Shapes varies the form of answers: lists as arrays, null or JSON in a
	// string, booleans as 0 and 1, two forms of times, unknown fields and now
	// and then an unknown status.
	Shapes bool
	// Script decides for single requests; n counts all requests to the
	// marketplace from 1. The zero Fault leaves it to the probabilities. It is
	// called with the sandbox locked and must not call it.
	Script func(r *http.Request, n int) Fault
}

func (f Faults) drawn() bool { return f.Before > 0 || f.After > 0 || f.Slow > 0 || f.Early429 > 0 }

func (f Faults) draw(g *rand.Rand, window time.Duration) Fault {
	var out Fault
	if g.Float64() < f.Before {
		out.Before = []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, Cut}[g.IntN(4)]
		return out
	}
	if g.Float64() < f.Early429 {
		out.Refuse = time.Second + time.Duration(g.Int64N(max(int64(window/12), 1)))
		return out
	}
	if g.Float64() < f.Slow {
		wait := 1 + time.Duration(g.Int64N(int64(orDefault(f.SlowMax, time.Second))))
		if g.IntN(2) == 0 {
			out.Slow = wait
		} else {
			out.Linger = wait
		}
	}
	if g.Float64() < f.After {
		out.After = []int{http.StatusInternalServerError, Cut}[g.IntN(2)]
	}
	return out
}

// SetFaults replaces what goes wrong from now on.
func (s *Server) SetFaults(f Faults) {
	s.lock()
	defer s.mu.Unlock()
	s.faults = f
}

// SetDown makes every call answer 503 without effect, until it is set to false.
func (s *Server) SetDown(down bool) {
	s.lock()
	defer s.mu.Unlock()
	s.down = down
}
