package store

import (
	"context"
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// crashShown is how long after it a crash is an alert. Crashes that follow each other
// sooner are one alert.
const crashShown = time.Hour

// beginRun records that a process begins, and that those before it have crashed which had
// not stopped. A copy of a folder that was in use shows no crash.
func (t *tx) beginRun(b order.Boot) error {
	if b.Restored != "" {
		if err := t.EndRun(noCancel, t.now); err != nil {
			return err
		}
	}
	crashed, err := t.FindCrashes(noCancel, t.now)
	if err != nil {
		return err
	}
	if crashed > 0 {
		if err := t.alertCrashes(); err != nil {
			return err
		}
	}
	if err := t.BeginRun(noCancel, query.BeginRunParams{Version: b.Version, BeganAt: t.now, Host: b.Host}); err != nil {
		return err
	}
	return t.PruneRuns(noCancel)
}

// alertCrashes opens the alert about crashes, or brings it up to date. It is not left to
// the checker, because a process that crashes again and again may never get that far.
func (t *tx) alertCrashes() error {
	list, err := (&check{tx: t}).crashes()
	if err != nil {
		return err
	}
	open, err := t.OpenAlerts(noCancel)
	if err != nil {
		return err
	}
	for _, c := range list {
		if _, _, err := t.raise(c, open); err != nil {
			return err
		}
	}
	return nil
}

// crashes is a daemon that has crashed lately.
func (c *check) crashes() ([]order.Condition, error) {
	rows, err := c.CrashesSince(noCancel, utc.At(c.now.Add(-crashShown)))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	c.changesAt(rows[0].CrashedAt.Add(crashShown))
	last := rows[len(rows)-1]
	reason := fmt.Sprintf("atelierd ended without stopping, and was started again at %s UTC", last.CrashedAt.Format("15:04"))
	if len(rows) > 1 {
		reason = fmt.Sprintf("atelierd ended without stopping %d times within an hour, and was last started again at %s UTC", len(rows), last.CrashedAt.Format("15:04"))
	}
	if last.Note != "" {
		reason += ": " + last.Note
	}
	return []order.Condition{{
		What: "daemon", ID: string(order.AlertCrashed), Code: order.AlertCrashed.Code(), State: "crashed", Timed: true, Reason: reason,
		Hint: "see why in its log or the system's; the alert ends after an hour without another crash",
	}}, nil
}

// EndRun records that this process stops in order.
func (s *Store) EndRun() error {
	return s.write("run.end", func(t *tx) error { return t.EndRun(noCancel, t.now) })
}

// FailRun records why this process ends without stopping in order.
func (s *Store) FailRun(why string) error {
	return s.write("run.fail", func(t *tx) error { return t.FailRun(noCancel, why) })
}

// lastRun returns the last process that has worked on the folder; it is zero without one.
func (s *Store) lastRun(ctx context.Context) (order.Run, error) {
	rows, err := s.read.LastRun(ctx)
	if err != nil || len(rows) == 0 {
		return order.Run{}, err
	}
	r := rows[0]
	return order.Run{Version: r.Version, BeganAt: r.BeganAt.Time, EndedAt: r.EndedAt.Time, Note: r.Note}, nil
}
