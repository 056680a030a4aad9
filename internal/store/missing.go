package store

import (
	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// unlisted returns the open orders that the listing lacks. It is called before the
// listing is applied, with the listed orders that are known. A part of a listing shows
// nothing before the last one.
func (t *tx) unlisted(l order.Batch, known map[string]row) ([]string, error) {
	if l.More {
		return nil, nil
	}
	all, err := t.CountOpen(noCancel)
	if err != nil {
		return nil, err
	}
	all -= int64(l.EarlierOpen)
	for _, k := range known {
		if !k.State.Ended() {
			all--
		}
	}
	if all == 0 {
		return nil, nil // nearly every poll; counting is cheaper than reading all ids
	}
	open, err := t.OpenOrderIDs(noCancel)
	if err != nil {
		return nil, err
	}
	unreadable := make(map[string]bool, len(l.Bad))
	for _, b := range l.Bad {
		unreadable[b.ID] = true // listed, if not readable
	}
	var ids []string
	for _, id := range open {
		if !known[id].Exists && !unreadable[id] && !l.Earlier[id] {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// applyMissing records the open orders that the listing lacks. If the listing is not
// complete, such an order has most likely completed. Only a complete listing
// shows that the order vanished.
func (t *tx) applyMissing(l order.Batch, missing []string, sum *order.Applied) error {
	if l.Complete && !l.More {
		n, err := t.CloseWorkOfEnded(noCancel, query.CloseWorkOfEndedParams{ChangedAt: t.now, FinishedAt: t.now})
		if err != nil {
			return err
		}
		t.changed.Revoked = t.changed.Revoked || n > 0
	}
	if len(missing) == 0 {
		return nil
	}
	known, err := t.knownIDs(missing)
	if err != nil {
		return err
	}
	for _, id := range missing {
		k := known[id]
		// The owner may have retried what was held because the order had vanished.
		news := !k.Missing || k.Job == order.JobReady || k.Job == order.JobLeased || k.Quoting == order.JobReady || k.Quoting == order.JobLeased
		if k.effect > l.Mark {
			continue
		}
		if news {
			sum.Missing++
		}
		if !l.Complete {
			continue
		}
		if err := t.vanish(id, k, news, l.Vanished); err != nil {
			return err
		}
	}
	return nil
}

// vanish holds the work of an order that a complete listing lacks. news reports whether
// there is more to hold than pieces that were opened or retried since the last one.
func (t *tx) vanish(id string, k row, news bool, vanished func(order.Known) order.Decision) error {
	if !k.Missing {
		if err := t.SetOrderMissing(noCancel, query.SetOrderMissingParams{MissingAt: t.now, ID: id}); err != nil {
			return err
		}
	}
	if news {
		if err := t.follow(id, k.Known, vanished(k.Known)); err != nil {
			return err
		}
	}
	why := order.Vanished()
	n, err := t.HoldVanished(noCancel, query.HoldVanishedParams{Reason: why.Error(), Hint: why.Hint, ChangedAt: t.now, OrderID: id})
	t.changed.Revoked = t.changed.Revoked || n > 0
	return err
}

// reappeared releases what was held because the order had vanished. The decision about
// the order follows, and may hold or close it again.
func (t *tx) reappeared(id string) error {
	n, err := t.ReleaseVanished(noCancel, query.ReleaseVanishedParams{RunAt: t.now, ChangedAt: t.now, OrderID: id})
	if n > 0 {
		t.changed.lane(order.LaneGenerate)
		t.changed.lane(order.LaneNetwork)
	}
	return err
}
