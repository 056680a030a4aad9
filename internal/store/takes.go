package store

import (
	"context"
	"fmt"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// Takes returns the takes of a round, or of a piece, with their files. The last one is
// what is made now. There is always one.
func (s *Store) Takes(ctx context.Context, orderID string, kind order.Kind, round int) ([]order.Take, error) {
	rows, err := s.read.ListTakes(ctx, query.ListTakesParams{OrderID: orderID, Kind: kind, Round: int64(round)})
	if err != nil {
		return nil, err
	}
	files, err := s.read.TakenFiles(ctx, query.TakenFilesParams{OrderID: orderID, Kind: kind, Round: int64(round)})
	if err != nil {
		return nil, err
	}
	last := 1
	for _, r := range rows {
		last = max(last, int(r.Take))
	}
	list := make([]order.Take, last)
	for i := range list {
		list[i] = order.Take{Kind: kind, Round: round, N: i + 1}
	}
	for _, r := range rows {
		list[r.Take-1] = taken(r)
	}
	for _, f := range files {
		at := &list[min(int(f.Take), last)-1]
		at.Files = append(at.Files, artifact(f))
	}
	return list, nil
}

func taken(r query.Take) order.Take {
	return order.Take{
		Kind: r.Kind, Round: int(r.Round), N: int(r.Take), Instructions: r.Instructions, FromThese: r.FromThese != 0,
		ByCheck: r.ByCheck != 0, SameAs: int(r.SameAs), Opened: r.CreatedAt.Time,
	}
}

// openTake opens the next take of a job, as the owner wants it. What is made from the
// files of the take before needs some.
func (t *tx) openTake(j order.Job, r order.Redo) error {
	last, err := t.CurrentTake(noCancel, query.CurrentTakeParams{OrderID: j.OrderID, Kind: j.Kind, Round: int64(j.Round)})
	if err != nil {
		return err
	}
	if r.FromThese {
		files, err := t.ListArtifacts(noCancel, query.ListArtifactsParams{OrderID: j.OrderID, Kind: j.Kind, Round: int64(j.Round)})
		if err != nil {
			return err
		}
		if len(files) == 0 {
			return fmt.Errorf("order %s has no files yet to start from", j.OrderID)
		}
	}
	return t.putTake(j, int(last)+1, r)
}

func (t *tx) putTake(j order.Job, n int, r order.Redo) error {
	from := int64(0)
	if r.FromThese {
		from = 1
	}
	return t.InsertTake(noCancel, query.InsertTakeParams{
		OrderID: j.OrderID, Kind: j.Kind, Round: int64(j.Round), Take: int64(n), Instructions: r.Instructions,
		FromThese: from, CreatedAt: t.now,
	})
}
