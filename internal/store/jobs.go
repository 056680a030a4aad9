package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// Turn records the attempt done, if it is not nil, and leases the most urgent due
// job of the lane, if more is true. Both happen in one transaction, so that a busy
// worker needs one commit for each job. lease is the duration of the new lease.
func (s *Store) Turn(done *order.Done, lane order.Lane, more bool, lease time.Duration) (order.Turn, error) {
	var turn order.Turn
	token := ""
	if more {
		token = rand.Text()
	}
	err := s.write(turnName(done, more), func(t *tx) (err error) {
		turn = order.Turn{}
		if done != nil {
			if turn.Lost, err = t.finish(done); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		if turn.Job, err = t.lease(lane, token, lease); err != nil || turn.Job != nil {
			return err
		}
		turn.Next, err = t.nextRunAt(lane)
		return err
	})
	if err != nil {
		return order.Turn{}, err
	}
	if done != nil && done.Asked() != nil {
		s.callClosed(Closed{Generator: order.Assistant, State: order.CallDone, Cost: done.Asked().Cost})
	}
	return turn, nil
}

// turnName returns the name of the commit point, for crash tests.
func turnName(done *order.Done, more bool) string {
	switch {
	case done == nil:
		return "lease"
	case done.Failure != nil:
		return "finish." + string(done.Failure.Class)
	default:
		return "finish." + string(done.Job.Stage)
	}
}

// lease leases the most urgent due job, or returns nil if there is none. A job whose
// row is damaged is held, and the next one is taken.
func (t *tx) lease(lane order.Lane, token string, lease time.Duration) (*order.Job, error) {
	var r query.LeaseRow
	for {
		rows, err := t.Lease(noCancel, query.LeaseParams{
			Token: token, Lane: lane, RunAt: t.now,
			LeaseUntil: utc.At(t.now.Add(lease)), ChangedAt: t.now,
		})
		if err != nil || len(rows) == 0 {
			return nil, err
		}
		r = rows[0]
		what := damage(column{"due_at", r.DueAt}, column{"created_at", r.CreatedAt})
		if what == "" {
			break
		}
		if err := t.holdDamaged(damagedJob{r.ID, r.OrderID, r.Kind, r.Round}, what); err != nil {
			return nil, err
		}
	}
	attempt, err := t.InsertAttempt(noCancel, query.InsertAttemptParams{
		JobID: r.ID, Stage: r.Stage, Attempt: r.Attempt, StartedAt: t.now,
	})
	if err != nil {
		return nil, err
	}
	return &order.Job{
		ID: r.ID, OrderID: r.OrderID, Kind: r.Kind, Round: int(r.Round), Stage: r.Stage,
		Attempt: int(r.Attempt), Token: token, AttemptID: attempt, DueAt: r.DueAt.Time,
		CreatedAt: r.CreatedAt.Time, ByOwner: r.CapAfterAttempt > 0, Redone: r.Redone != 0,
	}, nil
}

// finish records an attempt and its effect on the job, if the lease is still valid.
func (t *tx) finish(d *order.Done) (lost bool, err error) {
	var rows int64
	if d.Failure != nil {
		rows, err = t.finishFailed(d)
	} else {
		rows, err = t.finishDone(d)
	}
	if err != nil {
		return false, err
	}
	outcome := query.FinishAttemptParams{
		ID: d.Job.AttemptID, FinishedAt: t.now, Outcome: "done",
		Log: d.Result.Log, Cost: int64(d.Result.Cost),
	}
	if f := d.Failure; f != nil {
		outcome.Outcome, outcome.Code, outcome.Error = string(f.Class), f.Code, f.Error()
		outcome.Log, outcome.Cost = f.Log, int64(f.Cost)
	}
	if rows == 0 {
		outcome.Outcome = string(order.Lost)
	}
	if err := t.FinishAttempt(noCancel, outcome); err != nil {
		return rows == 0, err
	}
	if err := t.closeAsked(d); err != nil {
		return false, err
	}
	if rows == 0 || !waits(d.Failure) {
		return rows == 0, nil
	}
	return false, t.repeatWait(outcome)
}

// waits reports whether an attempt has only found that it has to wait, and is not counted.
func waits(f *order.Failure) bool {
	return f != nil && f.Cost == 0 && (f.Class == order.Wait || f.Class == order.Retry && f.Outage)
}

// repeatWait counts an attempt that waits for the same as an earlier one in its row, so that
// work which waits for a week does not write a row for each look.
func (t *tx) repeatWait(a query.FinishAttemptParams) error {
	n, err := t.RepeatWait(noCancel, query.RepeatWaitParams{ID: a.ID, FinishedAt: a.FinishedAt, Error: a.Error, Log: a.Log})
	if err != nil || n == 0 {
		return err
	}
	return t.DropAttempt(noCancel, a.ID)
}

func (t *tx) finishDone(d *order.Done) (rows int64, err error) {
	j, r := d.Job, d.Result
	if r.Next != "" {
		rows, err = t.Advance(noCancel, query.AdvanceParams{
			Stage: r.Next, Lane: r.Next.Lane(),
			Priority: priority(r.Next), RunAt: t.now, ChangedAt: t.now, ID: j.ID, Token: j.Token,
		})
		t.changed.lane(r.Next.Lane())
	} else {
		rows, err = t.Complete(noCancel, query.CompleteParams{ChangedAt: t.now, FinishedAt: t.now, ID: j.ID, Token: j.Token})
	}
	if err != nil || rows == 0 {
		return rows, err
	}
	if r.Delivery != "" || r.Redelivery != "" || r.Quote != "" || r.Sent != "" {
		if err := t.keepBefore(j.OrderID); err != nil {
			return rows, err
		}
	}
	if len(r.Artifacts) > 0 {
		if err := t.putArtifacts(j, r.Artifacts); err != nil {
			return rows, err
		}
	}
	if r.Priced != nil {
		if err := t.priced(j, *r.Priced); err != nil {
			return rows, err
		}
	}
	if err := t.queue(j.OrderID, r.Messages); err != nil {
		return rows, err
	}
	switch {
	case r.Draft != "":
		return rows, t.drafted(j, r.Draft, r.Hold)
	case r.Delivery != "":
		return rows, t.deliveryEnded(j, r.Delivery, r.Note)
	case r.Redelivery != "":
		return rows, t.redelivered(j, r.Redelivery, r.Note)
	case r.Quote != "":
		return rows, t.quoted(j.OrderID, r.Quote, r.Note)
	case r.Sent != "":
		return rows, t.messageEnded(j, r.Sent, r.Note)
	case r.Note != "":
		if _, err := t.event(j.OrderID, string(j.Stage), r.Note); err != nil {
			return rows, err
		}
	}
	if r.Hold != nil {
		return rows, t.holdNext(j, r.Hold)
	}
	return rows, nil
}

// holdNext holds the job at the stage that it just reached.
func (t *tx) holdNext(j order.Job, f *order.Failure) error {
	if err := t.HoldNext(noCancel, query.HoldNextParams{Code: f.Code, Reason: f.Error(), Hint: f.Hint, ID: j.ID}); err != nil {
		return err
	}
	return t.needsOwner(1, nil, j, order.StateHeld, f)
}

func (t *tx) finishFailed(d *order.Done) (int64, error) {
	j, f := d.Job, d.Failure
	switch f.Class {
	case order.Retry, order.Wait, order.Stopped, order.Lost:
		// A lease that ran out while the database could not be written still has our
		// token, so its job is ready again. A revoked lease matches no row.
		uncounted := int64(1)
		if f.Class == order.Retry && !f.Outage {
			uncounted = 0
		}
		runAt, err := t.runAt(d)
		if err != nil {
			return 0, err
		}
		t.changed.lane(j.Stage.Lane())
		rows, err := t.Reschedule(noCancel, query.RescheduleParams{
			Uncounted: uncounted, RunAt: runAt,
			Code: f.Code, Reason: f.Error(), Hint: f.Hint, ChangedAt: t.now, ID: j.ID, Token: j.Token,
			StuckBeforeAt: t.stuckBefore(f),
		})
		if err != nil || rows == 0 || f.Message == nil {
			return rows, err
		}
		return rows, t.queue(j.OrderID, []order.NewMessage{*f.Message})
	case order.Hold:
		rows, err := t.Hold(noCancel, query.HoldParams{
			Code: f.Code, Reason: f.Error(), Hint: f.Hint,
			ChangedAt: t.now, ID: j.ID, Token: j.Token,
		})
		return rows, t.needsOwner(rows, err, j, order.StateHeld, f)
	case order.Fail:
		rows, err := t.Fail(noCancel, query.FailParams{
			Code: f.Code, Reason: f.Error(), Hint: f.Hint,
			ChangedAt: t.now, FinishedAt: t.now, ID: j.ID, Token: j.Token,
		})
		return rows, t.needsOwner(rows, err, j, order.StateFailed, f)
	}
	return 0, fmt.Errorf("unknown failure class %q", f.Class)
}

// runAt returns when a job that has failed is due again: now if what it waits for has
// ended during its attempt.
func (t *tx) runAt(d *order.Done) (utc.Time, error) {
	if !d.RunAt.After(t.now.Time) {
		return t.now, nil
	}
	ended, err := t.WaitHasEnded(noCancel, query.WaitHasEndedParams{Fact: factEnded + string(d.Failure.Code), Token: d.Job.Token})
	if err != nil || ended {
		return t.now, err
	}
	return utc.At(d.RunAt), nil
}

// needsOwner records that a job needs the owner. With a delivery or a quote the
// order is held or failed too. A piece or a message is shown on its own, and the
// order keeps its state.
func (t *tx) needsOwner(rows int64, err error, j order.Job, state order.State, f *order.Failure) error {
	if err != nil || rows == 0 {
		return err
	}
	if f.Message != nil {
		if err := t.queue(j.OrderID, []order.NewMessage{*f.Message}); err != nil {
			return err
		}
	}
	text := f.Error()
	switch j.Kind {
	case order.KindDelivery, order.KindQuote:
		if err := t.SetOrderState(noCancel, query.SetOrderStateParams{
			State: state, Code: f.Code,
			Reason: text, Hint: f.Hint, ChangedAt: t.now, ID: j.OrderID,
		}); err != nil {
			return err
		}
	default:
		text = fmt.Sprintf("%s %d: %s", j.Kind, j.Round, text)
	}
	_, err = t.event(j.OrderID, string(state), text)
	return err
}

// priority orders the stages within their lane. What earns money comes first.
func priority(s order.Stage) int64 {
	switch s {
	case order.StageUpload, order.StagePrice:
		return 1
	case order.StageQuote:
		return 2
	case order.StageSend:
		return 3
	}
	return 0
}

// openJob creates a job that is ready at runAt. Of j, the order, kind, round,
// stage and due time count.
func (t *tx) openJob(j order.Job, runAt utc.Time) error {
	t.changed.lane(j.Stage.Lane())
	q := cmp.Or(t.jobs, t.Queries)
	return q.InsertJob(noCancel, query.InsertJobParams{
		OrderID: j.OrderID, Kind: j.Kind, Round: int64(j.Round),
		Stage: j.Stage, Lane: j.Stage.Lane(), Priority: priority(j.Stage), State: order.JobReady,
		DueAt: utc.At(j.DueAt), RunAt: runAt, CreatedAt: t.now, ChangedAt: t.now,
	})
}

// event appends to the timeline. orderID may be empty: then the event is about no order.
func (t *tx) event(orderID, kind, text string) (int64, error) {
	var id *string
	if orderID != "" {
		id = &orderID
	}
	return t.InsertEvent(noCancel, query.InsertEventParams{At: t.now, OrderID: id, Kind: kind, Text: text, Actor: t.by})
}

// Renew extends the leases of the given jobs to lease from now. It returns the
// jobs whose lease is lost.
func (s *Store) Renew(jobs []order.Job, lease time.Duration) (lost []order.Job, err error) {
	err = s.record("renew", func(t *tx) error {
		lost = nil
		for _, j := range jobs {
			n, err := t.Renew(noCancel, query.RenewParams{LeaseUntil: utc.At(t.now.Add(lease)), ID: j.ID, LeaseToken: j.Token})
			if err != nil {
				return err
			}
			if n == 0 {
				lost = append(lost, j)
			}
		}
		return nil
	})
	return lost, err
}

// rescue makes jobs ready again that an earlier process had leased when it died. A
// job that was leased in too many crashes is held.
func (s *Store) rescue() error {
	leased, err := s.read.LeasedJobs(noCancel)
	if err != nil || len(leased) == 0 {
		return err // a commit costs a sync, so there is none without work
	}
	return s.write("rescue", func(t *tx) error {
		jobs, err := t.LeasedJobs(noCancel)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			if err := t.rescue(j, s.maxCrashes); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) rescue(j query.LeasedJobsRow, maxCrashes int) error {
	if err := t.CrashAttempts(noCancel, query.CrashAttemptsParams{
		FinishedAt: t.now,
		Outcome:    "crashed", Code: order.CodeCrashed, JobID: j.ID,
	}); err != nil {
		return err
	}
	if int(j.Crashes)+1 < maxCrashes {
		return t.RescueJob(noCancel, query.RescueJobParams{ChangedAt: t.now, ID: j.ID})
	}
	f := order.Failf(order.Hold, order.CodeCrashes, "atelierd stopped %d times during stage %s", j.Crashes+1, j.Stage).
		WithHint("see the log for what stops it, then %s", order.Command("orders retry", j.OrderID))
	if err := t.HoldCrashedJob(noCancel, query.HoldCrashedJobParams{
		Reason: f.Error(), Hint: f.Hint,
		ChangedAt: t.now, ID: j.ID,
	}); err != nil {
		return err
	}
	return t.needsOwner(1, nil, order.Job{OrderID: j.OrderID, Kind: j.Kind, Round: int(j.Round), Stage: j.Stage}, order.StateHeld, f)
}

// FirstLater returns when the generator of the job first could not work in this stage,
// or the zero time.
func (s *Store) FirstLater(ctx context.Context, j order.Job) (time.Time, error) {
	rows, err := s.read.FirstLater(ctx, query.FirstLaterParams{JobID: j.ID, Stage: j.Stage})
	if err != nil || len(rows) == 0 {
		return time.Time{}, err
	}
	return rows[0].Time, nil
}

// HasWork reports whether any job is leased, or due at now.
func (s *Store) HasWork(now time.Time) (bool, error) {
	n, err := s.read.HasWork(noCancel, utc.At(now))
	return n != 0, err
}
