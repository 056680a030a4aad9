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
	if len(missing) == 0 {
		return nil
	}
	known, err := t.knownIDs(missing)
	if err != nil {
		return err
	}
	for _, id := range missing {
		k := known[id]
		if k.Missing || k.effect > l.Mark {
			continue
		}
		sum.Missing++
		if !l.Complete {
			continue
		}
		if err := t.SetOrderMissing(noCancel, query.SetOrderMissingParams{MissingAt: t.now, ID: id}); err != nil {
			return err
		}
		if err := t.follow(id, k.Known, l.Vanished(k.Known)); err != nil {
			return err
		}
	}
	return nil
}
