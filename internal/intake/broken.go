package intake

import (
	"fmt"
	"time"
)

// broken is a thread that cannot be read while others can.
type broken struct {
	since, last time.Time
	err         error
}

// brokenFor is how long a thread counts as broken after its last read. Nobody reads it
// again once its order has ended.
const brokenFor = time.Hour

// broke records that the thread of an order could not be read.
func (t *Threads) broke(id string, err error) {
	b, ok := t.broken[id]
	if !ok {
		b.since = time.Now()
	}
	b.last, b.err = time.Now(), err
	t.broken[id] = b
}

// showLasting shows the owner a failure to read threads, all or one, that lasts. err is
// that of the last row.
func (t *Threads) showLasting(err error) {
	switch {
	case keyWasRefused(err): // it has an alert of its own
		return
	case err != nil:
		t.noteErr(t.lasting.failed(err))
		return
	}
	var oldest broken
	for id, b := range t.broken {
		switch {
		case time.Since(b.last) > brokenFor:
			delete(t.broken, id)
		case oldest.err == nil || b.since.Before(oldest.since):
			oldest = b
			oldest.err = fmt.Errorf("order %s: %w", id, b.err)
		}
	}
	if oldest.err != nil {
		t.noteErr(t.lasting.failing(oldest.since, oldest.err))
		return
	}
	t.noteErr(t.lasting.worked())
}

// noteErr logs the error of a write that the next row makes up for.
func (t *Threads) noteErr(err error) {
	if err != nil {
		t.o.Log.Warn("write to the store failed", "error", err)
	}
}
