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
