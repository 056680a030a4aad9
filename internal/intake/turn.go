package intake

import "context"

// turn is a lock that may be held for as long as a request. It is a channel, so that a wait
// for it ends with a context, and simulated time passes meanwhile.
type turn chan struct{}

// LockUntil takes the turn. It fails with the error of ctx if that ends first.
func (t turn) LockUntil(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Lock takes the turn, however long that takes.
func (t turn) Lock() { t <- struct{}{} }

// Unlock gives the turn to the next one.
func (t turn) Unlock() { <-t }
