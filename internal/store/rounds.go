package store

import (
	"context"

	"atelierd/internal/store/query"
)

// Rounds are the rounds that were delivered in a period: those of which the assistant wrote
// a prompt, and those of which it did not. There are none before it was first used.
type Rounds struct{ With, Without SentBack }

// SentBack is how many of the rounds that were delivered the clients have sent back.
type SentBack struct{ Delivered, SentBack int }

// Rounds returns the rounds that were delivered in a period.
func (s *Store) Rounds(ctx context.Context, p Period) (Rounds, error) { return rounds(ctx, s.read, p) }

func rounds(ctx context.Context, q *query.Queries, p Period) (r Rounds, err error) {
	low, high := p.ends()
	rows, err := q.RoundsSentBack(ctx, query.RoundsSentBackParams{Low: low, High: high})
	for _, row := range rows {
		sum := SentBack{int(row.Delivered), int(row.SentBack)}
		if row.Assisted {
			r.With = sum
		} else {
			r.Without = sum
		}
	}
	return r, err
}
