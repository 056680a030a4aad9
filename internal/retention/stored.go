package retention

import (
	"context"
	"time"
)

const (
	// storedAtOnce is how many files of a storage are looked up at once, and mostPlanned how
	// many are counted.
	storedAtOnce = 200
	mostPlanned  = 1_000_000
)

// pruneStored removes files of the owner's storage whose orders nobody can send back or
// dispute any more.
func (p *Pruner) pruneStored(ctx context.Context) error {
	s := p.o.Storage
	if s == nil {
		return nil
	}
	before := time.Now().Add(-p.o.KeepStored)
	return p.step(ctx, func() (bool, error) {
		keys, err := p.o.Store.OldObjects(ctx, s.Place(), before, storedAtOnce)
		if err != nil {
			return false, err
		}
		removed := 0
		for _, key := range keys {
			marked, err := p.o.Store.MarkObject(key, before)
			if err != nil {
				return false, err
			}
			if !marked || ctx.Err() != nil {
				continue // its order goes on
			}
			if err := s.Remove(ctx, key); err != nil {
				return false, err
			}
			if err := p.o.Store.ObjectRemoved(key); err != nil {
				return false, err
			}
			removed++
		}
		p.Removed.Stored += removed
		return removed > 0, nil
	})
}
