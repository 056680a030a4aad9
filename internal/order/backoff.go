package order

import (
	"math/rand/v2"
	"time"
)

// Backoff is exponential with full jitter. The delay before attempt n+1 is random
// in [0, min(Max, Base * 2^(n-1))], but never below a tenth of that, so that
// unlucky draws do not become a busy loop.
type Backoff struct {
	Base time.Duration
	Max  time.Duration
}

// Delay returns how long to wait after the attempt with the given number, from 1.
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
