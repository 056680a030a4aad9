package fence

import (
	"context"
	"errors"
	"time"
)

// Alive reports whether a host holds the lease.
func (e Entry) Alive(dead time.Duration) bool { return e.Host != "" && !e.Released && e.Silent < dead }

// Await returns the lease once no host holds it, or as it is with once. show gets what is
// seen meanwhile. There may be none, which the zero value stands for.
func Await(ctx context.Context, k Key, dead time.Duration, once bool, show func(Entry)) (Entry, error) {
	for {
		e, err := k.Lease(ctx)
		if errors.Is(err, ErrAbsent) {
			err = nil
		}
		if err == nil && !e.Alive(dead) || once {
			return e, err
		}
		if err == nil {
			show(e)
		}
		if err := sleep(ctx, dead/12); err != nil { // a server that is down may be back
			return e, err
		}
	}
}
