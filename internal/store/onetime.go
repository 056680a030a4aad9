package store

import (
	"context"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// OneTimeAction is a change to the agent itself that must not happen twice.
type OneTimeAction struct {
	Name, Detail string
	State        order.ActionState
	Result       string
	SentAt       time.Time
}

// OneTimeAction returns the recorded action of that name; ok is false when there is none.
func (s *Store) OneTimeAction(ctx context.Context, name string) (a OneTimeAction, ok bool, err error) {
	rows, err := s.read.GetOneTimeAction(ctx, name)
	if err != nil || len(rows) == 0 {
		return a, false, err
	}
	r := rows[0]
	return OneTimeAction{Name: r.Name, Detail: r.Detail, State: order.ActionState(r.State), Result: r.Result, SentAt: r.SentAt.Time}, true, nil
}

// IntendOneTimeAction records that an action is about to be sent. Send nothing before
// it returns nil.
func (s *Store) IntendOneTimeAction(name, detail string) error {
	return s.write("one_time.intent", func(t *tx) error {
		if err := t.Queries.IntendOneTimeAction(noCancel, query.IntendOneTimeActionParams{Name: name, Detail: detail, SentAt: t.now}); err != nil {
			return err
		}
		_, err := t.event("", "owner", name+" "+detail)
		return err
	})
}

// EndOneTimeAction records the outcome of an action.
func (s *Store) EndOneTimeAction(name string, state order.ActionState, result string) error {
	return s.write("one_time.end", func(t *tx) error {
		if err := t.Queries.EndOneTimeAction(noCancel, query.EndOneTimeActionParams{State: string(state), Result: result, SettledAt: t.now, Name: name}); err != nil {
			return err
		}
		_, err := t.event("", name+" "+string(state), result)
		return err
	})
}
