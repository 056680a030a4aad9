package store

import (
	"atelierd/internal/order"
	"atelierd/internal/store/utc"
)

// stuckBefore returns the time before which a job must have begun to fail like this to
// be stuck, or NULL if such a failure is expected to last.
func (t *tx) stuckBefore(f *order.Failure) utc.Time {
	if f.Code.Lasts() {
		return utc.Time{}
	}
	return utc.At(t.now.Add(-order.StuckAfter))
}
