package fulfill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/order"
)

const (
	// readTimeout limits the read of an order before a call, which keeps a worker.
	readTimeout = 10 * time.Second
	// unseenRetry is the longest time that work waits for its order to be seen. A poll
	// that shows the order ends the wait.
	unseenRetry = time.Minute
)

// seenOpen returns nil when this process has seen the order open lately, so that a
// new call may be paid for. Otherwise it reads the order once, which is not counted.
// Where single orders cannot be read, the last listing decides.
func (f *Fulfiller) seenOpen(ctx context.Context, j order.Job) error {
	if f.o.Sightings == nil {
		return nil
	}
	seen := f.o.Sightings.Seen(j.OrderID, j.Kind)
	switch {
	case seen.Fresh && seen.Open:
		return nil
	case seen.Fresh:
		return takesNoWork()
	case !seen.Ask:
		return notSeen(seen, errors.New("the marketplace has not answered yet"))
	}
	facts, err := f.readAlone(ctx, j.OrderID)
	fail, _ := errors.AsType[*order.Failure](err)
	switch {
	case err == nil && facts.TooLarge:
		return order.TooLarge(j.OrderID).Nothing()
	case err == nil && facts.OpenFor(j.Kind), fail != nil && fail.Code == order.CodeNotFound && seen.Listed && seen.Open:
		return nil
	case err == nil:
		return takesNoWork()
	case fail != nil && fail.Code == order.CodeNotFound:
		return notSeen(seen, errors.New("the marketplace does not show the order"))
	case fail != nil && (fail.Code == order.CodeKeyRefused || fail.Class == order.Wait):
		return marketFailure(err)
	}
	return notSeen(seen, err)
}

// readAlone reads one order, and records what it shows or that there was no answer.
func (f *Fulfiller) readAlone(ctx context.Context, id string) (order.Facts, error) {
	short, cancel := beat.Timeout(ctx, readTimeout)
	defer cancel()
	at := time.Now()
	facts, err := f.o.Market.Order(short, id)
	if err == nil {
		f.o.Sightings.Read(facts, at)
		return facts, nil
	}
	if fail, ok := errors.AsType[*order.Failure](err); ctx.Err() == nil && (!ok || fail.Code != order.CodeNotFound) {
		f.o.Sightings.Silent()
	}
	return facts, err
}

// notSeen puts the work off: at first for a moment, since the poll that ends the wait
// may come before the wait is committed.
func notSeen(seen order.Sighting, err error) *order.Failure {
	return &order.Failure{
		Class: order.Wait, Code: order.CodeNotSeen, After: min(max(seen.Waited, time.Second), unseenRetry), Charge: order.ChargeNone,
		Err: fmt.Errorf("nothing is paid for until the order is seen open: %w", err),
	}
}

// takesNoWork is the failure of work whose order was read and is not open for it. The
// next poll closes the work, or shows the order open again.
func takesNoWork() *order.Failure {
	return &order.Failure{
		Class: order.Wait, Code: order.CodeEnded, After: endedRetry, Charge: order.ChargeNone,
		Err: errors.New("the marketplace shows the order as not open for this work"),
	}
}
