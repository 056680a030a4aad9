package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// Ledger returns what the database says of itself.
func (s *Store) Ledger(ctx context.Context) (order.Ledger, error) {
	r, err := s.read.GetLedger(ctx)
	if err != nil {
		return order.Ledger{}, fmt.Errorf("read whose the database is: %w", err)
	}
	l := order.Ledger{
		ID: r.ID, AgentID: r.AgentID, BaseURL: r.BaseUrl, Boot: r.Boot, Event: r.Event, Marked: r.Marked != 0,
		Used: r.Used != 0, Reconcile: r.Reconcile, RestoredAt: r.RestoredAt.Time, Epoch: r.Epoch, Host: r.Host,
	}
	if l.LastAt = r.UncomparedAt.Time; !l.LastAt.IsZero() {
		return l, nil
	}
	last, err := s.read.LastEventAt(ctx)
	if err == nil && len(last) > 0 {
		l.LastAt = last[0].Time
	}
	return l, err
}

// Boot records that a daemon or a heartbeat begins. The open file is the database now, so
// an alert that it was another one ends.
func (s *Store) Boot(b order.Boot) error {
	return s.write("boot", func(t *tx) error {
		if err := t.beginEpoch(b); err != nil {
			return err
		}
		if err := t.beginRun(b); err != nil {
			return err
		}
		if _, err := t.DeleteFact(noCancel, string(order.AlertDatabase.Code())); err != nil {
			return err
		}
		if err := t.uncompared(); err != nil {
			return err
		}
		if err := t.BootLedger(noCancel, rand.Text()); err != nil || b.Restored == "" {
			return err
		}
		return t.restored(b.Restored)
	})
}

// beginEpoch records that another host works with the ledger from now on.
func (t *tx) beginEpoch(b order.Boot) error {
	before, err := t.GetLedger(noCancel)
	if err != nil || b.Epoch <= before.Epoch {
		return err
	}
	text := fmt.Sprintf("host %s works in epoch %d", b.Host, b.Epoch)
	if before.Host != "" {
		text += "; host " + before.Host + " worked before"
	}
	if _, err := t.event("", "epoch", text); err != nil {
		return err
	}
	return t.BeginEpoch(noCancel, b.Epoch)
}

// Marked records that a mark was written next to the database.
func (s *Store) Marked() error {
	return s.write("marked", func(t *tx) error { return t.MarkLedger(noCancel) })
}

// BindAgent records whose work the ledger records.
func (s *Store) BindAgent(agentID, baseURL string) error {
	return s.write("bind", func(t *tx) error {
		return t.BindLedger(noCancel, query.BindLedgerParams{AgentID: agentID, BaseUrl: baseURL})
	})
}

// WantReconcile records that the ledger was restored and is to be reconciled before any
// work.
func (s *Store) WantReconcile(why string) error {
	return s.write("reconcile.want", func(t *tx) error { return t.restored(why) })
}

// restored records that the ledger was restored and is to be reconciled. A second restore
// replaces the time of one that is not accepted, because the caps of its own day are
// unknown too.
func (t *tx) restored(why string) error {
	if err := t.SetRestored(noCancel, t.now); err != nil {
		return err
	}
	if _, err := t.event("", "restored", why); err != nil {
		return err
	}
	return t.WantReconcile(noCancel, why)
}

// Reconciled records that the ledger has what the marketplace shows. missing says what
// it lacks for good, and is shown until the owner accepts it, with what an earlier
// reconcile found that is not accepted. windows are the request counts from then on,
// and unread are orders that could not be read.
func (s *Store) Reconciled(missing string, windows []order.Window, unread []string) error {
	return s.write("reconcile.end", func(t *tx) error {
		if err := t.putWindows(windows); err != nil {
			return err
		}
		if err := t.compared(unread); err != nil {
			return err
		}
		alert := string(order.AlertRestored.Code())
		earlier, err := t.GetFact(noCancel, alert)
		if err != nil {
			return err
		}
		if err := t.WantReconcile(noCancel, ""); err != nil {
			return err
		}
		if _, err := t.event("", "reconciled", missing); err != nil {
			return err
		}
		if err := t.PutFact(noCancel, query.PutFactParams{Name: FactReconciled, Value: t.now.Format(utc.Layout), ChangedAt: t.now}); err != nil {
			return err
		}
		if len(earlier) > 0 && earlier[0] != missing {
			missing += "; before: " + earlier[0]
		}
		return t.PutFact(noCancel, query.PutFactParams{Name: alert, Value: missing, ChangedAt: t.now})
	})
}

// FactReconciled is when the ledger was last reconciled.
const FactReconciled = "reconciled"

// ReconciledSince reports whether the ledger was reconciled at the time or later, so
// that it may have forgotten what was done for what is older.
func (s *Store) ReconciledSince(ctx context.Context, at time.Time) (bool, error) {
	value, err := s.Fact(ctx, FactReconciled)
	if err != nil || value == "" {
		return false, err
	}
	last, err := time.Parse(utc.Layout, value)
	if err != nil {
		return false, fmt.Errorf("read when the ledger was reconciled: %w", err)
	}
	return !last.Before(at), nil
}

// AcceptRestore records that the owner accepts what a restored ledger lacks: the day's
// cap and the requests count from what is known, and the orders that were held because
// of the restore are worked on again. After a second daemon, new work begins again. It
// reports whether either was open.
func (o Owner) AcceptRestore() (open bool, err error) {
	err = o.write("owner.accept", func(t *tx) error {
		before, err := t.GetLedger(noCancel)
		if err != nil {
			return err
		}
		if before.Reconcile != "" {
			return fmt.Errorf("%w: %s", ErrNotReconciled, before.Reconcile)
		}
		if open, err = t.acceptSecondDaemon(); err != nil || before.RestoredAt.IsZero() {
			return err
		}
		open = true
		return t.acceptRestore()
	})
	return open, err
}

// WantReconcile has the ledger reconciled because the owner asks for it. If a reconcile
// has not ended yet, it changes nothing and keeps its reason.
func (o Owner) WantReconcile(ctx context.Context, why string) error {
	l, err := o.Ledger(ctx)
	if err != nil {
		return err
	}
	why = l.Lacks(why, time.Now())
	return o.write("owner.reconcile", func(t *tx) error {
		before, err := t.GetLedger(noCancel)
		if err != nil || before.Reconcile != "" {
			return err
		}
		if !before.RestoredAt.IsZero() {
			// The last one counted all requests as used. This one needs a poll.
			if err := t.FreeWindows(noCancel); err != nil {
				return err
			}
		}
		return t.restored(why)
	})
}

func (t *tx) acceptRestore() error {
	if err := t.ReleaseRestored(noCancel, query.ReleaseRestoredParams{RunAt: t.now, ChangedAt: t.now}); err != nil {
		return err
	}
	for _, do := range []func() error{
		func() error { return t.ResumeRestoredOrders(noCancel, t.now) },
		func() error { return t.SetRestored(noCancel, utc.Time{}) },
		func() error { return t.ForgetOrdersRestored(noCancel) },
		func() error { return t.FreeWindows(noCancel) },
		func() error { return t.cappedToday(nil) },
		func() error { return t.runNow(order.CodeDayCap) },
		func() error { return t.runNow(order.CodeBudget) },
	} {
		if err := do(); err != nil {
			return err
		}
	}
	if _, err := t.DeleteFact(noCancel, string(order.AlertRestored.Code())); err != nil {
		return err
	}
	t.changed.Generate, t.changed.Network = true, true
	_, err := t.event("", "owner", "accepted what the restored ledger lacks")
	return err
}
