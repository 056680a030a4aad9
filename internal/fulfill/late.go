package fulfill

import (
	"context"
	"errors"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/media"
	"atelierd/internal/order"
)

// This file is about results that a provider has and that cannot be had yet. Their call
// stays open, and the job waits without a worker.

// arrived returns a late failure if a file that was fetched is to be fetched again before
// it is rejected: as long as it is damaged or no file at all, such as a web page, and once
// if it is another file than the service requires.
func (r *run) arrived(c order.Call, made generate.Result) error {
	if !made.Fetched {
		return nil
	}
	need := r.service.Requirements
	for _, file := range need.Wanted(made.Files) {
		info, err := media.Inspect(file)
		if err == nil && c.LateAt.IsZero() {
			err = need.Check(info)
		}
		if fail, ok := errors.AsType[*order.Failure](err); ok && fail.Code == order.CodeBadFile {
			return order.LateResult(order.CodeExpired, "the file at the provider's link is not the result yet: %w", fail)
		}
	}
	return nil
}

// lateFor records that the result of a call is late, if that is its failure, and returns
// for how long.
func (r *run) lateFor(ctx context.Context, c order.Call, f *order.Failure) (late time.Duration, err error) {
	if !f.Late() {
		return 0, nil
	}
	err = r.keep(ctx, r.job, func() (err error) {
		late, err = r.o.Store.CallLate(c.ID)
		return err
	})
	return late, err
}

// later bounds how long work waits for a generator of the owner that cannot work now.
func (f *Fulfiller) later(ctx context.Context, j order.Job, o order.Order, err error) error {
	fail, ok := errors.AsType[*order.Failure](err)
	if !ok || !fail.Later() {
		return err
	}
	first, readErr := f.o.Store.FirstLater(ctx, j)
	if readErr != nil {
		return err // it is tried again, and bounded then
	}
	now := time.Now()
	if first.IsZero() {
		first = now
	}
	until := order.LaterUntil(first, j.DueAt)
	if j.Kind == order.KindPiece {
		w, readErr := f.window(ctx, j, o)
		if readErr != nil {
			return err
		}
		until = w.plan.Deliver
	}
	return fail.TooLate(now, until)
}
