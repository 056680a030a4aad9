package intake

import (
	"time"

	"atelierd/internal/order"
)

// lasting shows the owner an operation that has failed for hours, whatever the failure
// means. The log has it from the first failure on.
type lasting struct {
	alert    order.Alert
	what     string // what has not worked for hours
	setAlert func(order.Alert, string) error

	since time.Time // of the first failure in a row; zero for none
	shown bool
	begun bool // an earlier process's alert was cleared
}

// failed records a failure. Once a row of them has lasted for order.StuckAfter, the
// owner is shown the last one.
func (l *lasting) failed(err error) error {
	if l.since.IsZero() {
		l.since = time.Now()
	}
	return l.failing(l.since, err)
}

// failing records a failure that has lasted since then.
func (l *lasting) failing(since time.Time, err error) error {
	l.since = since
	if l.shown || time.Since(since) < order.StuckAfter {
		return nil
	}
	if err := l.setAlert(l.alert, l.what+": "+err.Error()); err != nil {
		return err
	}
	l.shown = true
	return nil
}

// worked records that the operation works.
func (l *lasting) worked() error {
	l.since = time.Time{}
	if l.begun && !l.shown {
		return nil
	}
	if err := l.setAlert(l.alert, ""); err != nil {
		return err
	}
	l.begun, l.shown = true, false
	return nil
}
