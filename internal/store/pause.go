package store

import (
	"context"
	"errors"
	"fmt"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// ErrNotPaused is returned where there is no pause to end.
var ErrNotPaused = errors.New("not paused")

// Paused returns who has paused the daemon and why; "" if nobody has.
func (s *Store) Paused(ctx context.Context) (string, error) {
	return s.Fact(ctx, string(order.AlertPaused.Code()))
}

// Pause has the daemon begin no work until Resume, also after a restart. Another reason
// replaces an earlier one.
func (o Owner) Pause(reason string) error {
	text := "paused"
	if o.By != "" {
		text += " by " + string(o.By)
	}
	if reason != "" {
		text += ": " + reason
	}
	return o.write("owner.pause", func(t *tx) error {
		if err := t.PutFact(noCancel, query.PutFactParams{Name: string(order.AlertPaused.Code()), Value: text, ChangedAt: t.now}); err != nil {
			return err
		}
		_, err := t.event("", "owner", text)
		return err
	})
}

// Resume ends a Pause. It fails if there is none.
func (o Owner) Resume() error {
	return o.write("owner.resume", func(t *tx) error {
		n, err := t.DeleteFact(noCancel, string(order.AlertPaused.Code()))
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("the daemon is %w", ErrNotPaused)
		}
		t.changed.Generate, t.changed.Network = true, true
		_, err = t.event("", "owner", "resumed")
		return err
	})
}

// ResumeGenerator ends the pause of a generator that failed. A running daemon uses it
// again once it is woken. It fails if the generator is not paused.
func (o Owner) ResumeGenerator(name string) error {
	return o.write("owner.resume_generator", func(t *tx) error {
		n, err := t.DeleteFact(noCancel, string(order.GeneratorAlert(name).Code()))
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("the generator %s is %w", name, ErrNotPaused)
		}
		t.changed.Generate = true
		if err := t.runNow(order.CodePaused); err != nil {
			return err
		}
		_, err = t.event("", "owner", "resumed the generator "+name)
		return err
	})
}
