package store

import (
	"context"
	"time"

	"atelierd/internal/store/query"
)

// OneTimeAction is something done to the agent itself that must not happen twice.
type OneTimeAction struct {
	Name, Detail string
	State        string // sending, done or refused
	Result       string
	SentAt       time.Time
}

// OneTimeAction is what is written down about an act; ok is false when there is nothing.
func (s *Store) OneTimeAction(ctx context.Context, name string) (a OneTimeAction, ok bool, err error) {
	rows, err := s.read.GetAct(ctx, name)
	if err != nil || len(rows) == 0 {
		return a, false, err
	}
	r := rows[0]
	return OneTimeAction{Name: r.Name, Detail: r.Detail, State: r.State, Result: r.Result, SentAt: r.SentAt.Time}, true, nil
}

// IntendOneTimeAction writes down that an act is about to be sent. Nothing may be sent
// before it returns nil.
func (s *Store) IntendOneTimeAction(name, detail string) error {
	return s.write("act.intent", func(t *tx) error {
		if err := t.Queries.IntendAct(noCancel, query.IntendActParams{Name: name, Detail: detail, SentAt: t.now}); err != nil {
			return err
		}
		_, err := t.event("", "owner", name+" "+detail)
		return err
	})
}

// EndOneTimeAction writes down how an act has ended: done or refused.
func (s *Store) EndOneTimeAction(name, state, result string) error {
	return s.write("act.settle", func(t *tx) error {
		if err := t.Queries.SettleAct(noCancel, query.SettleActParams{State: state, Result: result, SettledAt: t.now, Name: name}); err != nil {
			return err
		}
		_, err := t.event("", name+" "+state, result)
		return err
	})
}
