package store

import (
	"context"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// ObjectKey returns the key of a file in a storage of the owner's own. The first time it
// records the fresh key, so that a put that is repeated after a crash is of the same
// object, and so that what was put is removed some day whatever became of it.
func (s *Store) ObjectKey(j order.Job, a order.Artifact, place, fresh string) (key string, err error) {
	err = s.write("object", func(t *tx) error {
		if err := t.leaseStands(j); err != nil {
			return err
		}
		known, err := t.ObjectKey(noCancel, query.ObjectKeyParams{
			OrderID: a.OrderID, Kind: a.Kind, Round: int64(a.Round), Take: int64(a.Take), Position: int64(a.Position),
			Sha256: a.SHA256, Place: place,
		})
		if err != nil {
			return err
		}
		if len(known) > 0 {
			key = known[0]
			return nil
		}
		key = fresh
		return t.InsertObject(noCancel, query.InsertObjectParams{
			Key: fresh, Place: place, OrderID: a.OrderID, Kind: a.Kind, Round: int64(a.Round), Take: int64(a.Take),
			Position: int64(a.Position), Sha256: a.SHA256, CreatedAt: t.now,
		})
	})
	return key, err
}

// OldObjects returns the keys of files in a storage whose orders had ended before a time,
// at the marketplace as well, and of those that MarkObject has marked.
func (s *Store) OldObjects(ctx context.Context, place string, before time.Time, most int) ([]string, error) {
	return s.read.OldObjects(ctx, query.OldObjectsParams{Place: place, BeforeAt: utc.At(before), Most: int64(most)})
}

// MarkObject records that a file is to be removed from its storage, if its order had ended
// before a time. From then on its address is not used any more.
func (s *Store) MarkObject(key string, before time.Time) (marked bool, err error) {
	err = s.write("retention.object", func(t *tx) error {
		n, err := t.MarkObject(noCancel, query.MarkObjectParams{Now: t.now, Key: key, BeforeAt: utc.At(before)})
		if marked = n > 0; err != nil || !marked {
			return err
		}
		return t.ForgetAddress(noCancel, key)
	})
	return marked, err
}

// ObjectRemoved records that a marked file is gone from its storage.
func (s *Store) ObjectRemoved(key string) error {
	return s.write("retention.object_removed", func(t *tx) error { return t.DeleteObject(noCancel, key) })
}
