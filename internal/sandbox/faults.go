package sandbox

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// Cut is used instead of a status: the connection is closed without an answer.
const Cut = -1

// Fault is the fault of one request. The zero value is none.
type Fault struct {
	// Before answers with this status, or Cut, without counting the request and
	// without any effect.
	Before int
	// Refuse answers 429 before the ceiling is reached, and rejects all calls of the
	// same count for this long. It applies to counted calls only.
	Refuse time.Duration
	// Slow waits before the effect, Linger between the effect and the answer.
	// Neither ends early when the client gives up.
	Slow, Linger time.Duration
	// After replaces the answer by this status, or Cut, after the effect.
	After int
}

// String names the fault for the log. It is empty for none.
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

// Faults are the probabilities, from 0 to 1, of faults of requests to the marketplace
// and its blob store. The fault of the n-th request for a method and path depends on
// the seed alone, not on other requests.
type Faults struct {
	Before   float64 // an error or a closed connection, without an effect
	After    float64 // the effect happens, but the answer is lost
	Slow     float64 // the answer takes up to SlowMax
	Early429 float64 // 429 before the ceiling is reached

	// SlowMax is the longest wait. Zero means one second.
	SlowMax time.Duration
	// Shapes varies the form of answers: lists as arrays, null or JSON in a string,
	// booleans as 0 and 1, two forms of times, unknown fields, and sometimes an
	// unknown status.
	Shapes bool
	// Script returns the fault of a single request. n counts all requests to the
	// marketplace, from 1. The probabilities apply if it returns the zero Fault. It
	// must not call the sandbox, which is locked.
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

// SetFaults replaces the faults.
func (s *Server) SetFaults(f Faults) {
	s.lock()
	defer s.mu.Unlock()
	s.faults = f
}

// SetDown makes every call answer 503 without an effect, until it is false again.
func (s *Server) SetDown(down bool) {
	s.lock()
	defer s.mu.Unlock()
	s.down = down
}
