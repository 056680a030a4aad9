package order

import (
	"math/rand/v2"
	"time"
)

// Backoff is exponential with full jitter: before attempt n+1 it waits a
// random time in [0, min(Max, Base * 2^(n-1))], never less than a tenth of it,
// so that a row of unlucky draws does not become a busy loop.
type Backoff struct {
	Base time.Duration
	Max  time.Duration
}

// Delay is how long to wait after the attempt with the given number (from 1).
func (b Backoff) Delay(attempt int) time.Duration {
	ceiling := b.Max
	if shift := attempt - 1; shift >= 0 && shift < 32 {
		if d := b.Base << shift; d > 0 && d < b.Max {
			ceiling = d
		}
	}
	if ceiling <= 0 {
		return 0
	}
	return max(ceiling/10, rand.N(ceiling))
}
