package store

import (
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/utc"
)

// stuckAfter is how long a job fails in the same way until the owner is shown it,
// whatever the failure means: a retry that costs no attempt would go on unseen.
const stuckAfter = 3 * time.Hour

// stuckBefore returns the time before which a job must have begun to fail like this to
// be stuck, or NULL if such a failure is expected to last.
func (t *tx) stuckBefore(f *order.Failure) utc.Time {
	if f.Code.Lasts() {
		return utc.Time{}
	}
	return utc.At(t.now.Add(-stuckAfter))
}
