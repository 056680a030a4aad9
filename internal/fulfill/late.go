package fulfill

import (
	"context"
	"errors"
	"slices"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/media"
	"atelierd/internal/order"
)

// This file is about results that a provider has and that cannot be had yet. Their call
// stays open, and the job waits without a worker.

// secondLook is the pause before a file is fetched once more in the same run.
const secondLook = 5 * time.Second

// generate calls the generator. A file that was fetched and is another than the service
// requires is fetched once more, because a link may lead to another file at first.
func (r *run) generate(ctx context.Context, g Generator, req generate.Request) (generate.Result, error) {
	ticket, submitted := req.Call.Ticket, req.Call.Submitted
	req.Call.Submitted = func(id string) error { ticket = id; return submitted(id) }
	made, err := g.Backend.Generate(ctx, req)
	if err != nil || r.arrived(made) != nil || r.fits(made) {
		return made, err
	}
	select {
	case <-ctx.Done():
		return generate.Result{}, generate.Stopped(ctx)
	case <-time.After(secondLook):
		req.Call.Ticket, req.Call.Resumed = ticket, true
		return g.Backend.Generate(ctx, req)
	}
}

// fits reports whether each file that was fetched is what the service requires.
func (r *run) fits(made generate.Result) bool {
	if !made.Fetched {
		return true
	}
	need := r.service.Requirements
	return !slices.ContainsFunc(need.Wanted(made.Files), func(file string) bool {
		info, err := media.Inspect(file)
		return err == nil && need.Check(info) != nil
	})
}

// arrived returns a late failure if a file that was fetched is damaged or no file at all,
// such as a web page. It is fetched again until the limit of late results.
func (r *run) arrived(made generate.Result) error {
	if !made.Fetched {
		return nil
	}
	need := r.service.Requirements
	for _, file := range need.Wanted(made.Files) {
		info, err := media.Inspect(file)
		if err == nil && (info.Media == media.Text || info.Media == media.Code) {
			err = need.Check(info) // a page, or the text of an error
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
