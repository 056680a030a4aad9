package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"atelierd/internal/order"
)

// File returns a file of an order by its id, or ErrNotFound.
func (s *Store) File(ctx context.Context, id int64) (order.Artifact, error) {
	row, err := s.read.FileByID(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return order.Artifact{}, fmt.Errorf("%w: file %d", ErrNotFound, id)
	}
	return artifact(row), err
}

// FilesAfter returns files of orders that are on the disk and have a picture, at most 100:
// those whose ids come after one, by their ids.
func (s *Store) FilesAfter(ctx context.Context, id int64) ([]order.Artifact, error) {
	rows, err := s.read.FilesAfter(ctx, id)
	list := make([]order.Artifact, len(rows))
	for i, r := range rows {
		list[i] = artifact(r)
	}
	return list, err
}

// FileWanted reports whether an order has a file with this sha256 on the disk.
func (s *Store) FileWanted(ctx context.Context, sha256 string) (bool, error) {
	n, err := s.read.FileWanted(ctx, sha256)
	return n != 0, err
}

// Covers returns the first file of what was made last for each of the orders that has one
// on the disk, by the order's id.
func (s *Store) Covers(ctx context.Context, orderIDs []string) (map[string]order.Artifact, error) {
	covers := map[string]order.Artifact{}
	for _, id := range orderIDs {
		rows, err := s.read.Cover(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			covers[id] = artifact(r)
		}
	}
	return covers, nil
}
