package fulfill

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/host"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// This file decides what follows from the assistant's check. Work below the service's score
// gets another take, as often as the service says. If none is good enough, the best one
// becomes the last take and waits for the owner.

// errNextTake ends the work on a take: the next one is open.
var errNextTake = errors.New("the next take is open")

// history is what was made for a round or a piece since the owner last wanted it made again.
type history struct {
	takes  []order.Take
	checks []order.Check
	first  int // the number of the first take of it
}

// last returns the take that is made now.
func (h history) last() order.Take { return h.takes[len(h.takes)-1] }

// check returns the last check of a take.
func (h history) check(take int) (order.Check, bool) {
	for _, c := range slices.Backward(h.checks) {
		if c.Take == take {
			return c, true
		}
	}
	return order.Check{}, false
}

// twin returns a check with a score of the same files, since the owner last wanted others.
func (h history) twin(files string) (order.Check, bool) {
	for _, c := range slices.Backward(h.checks) {
		if c.Files == files && c.Score != nil && c.Take >= h.first {
			return c, true
		}
	}
	return order.Check{}, false
}

// best returns the number and the check of the take with the highest score, of several the
// last one. It is 0 if none has a score.
func (h history) best() (take int, best order.Check) {
	for _, t := range h.takes[h.first-1:] {
		c, ok := h.check(t.N)
		if !ok || c.Score == nil || len(t.Files) == 0 {
			continue
		}
		if take == 0 || *c.Score >= *best.Score {
			take, best = t.N, c
		}
	}
	return take, best
}

// made returns how many takes the check has had made.
func (h history) made() (n int) {
	for _, t := range h.takes[h.first:] {
		if t.SameAs == 0 {
			n++
		}
	}
	return n
}

// history reads what was made so far.
func (r *run) history(ctx context.Context) (h history, err error) {
	if h.takes, err = r.takes(ctx); err != nil {
		return h, err
	}
	for i, t := range h.takes {
		if !t.ByCheck {
			h.first = i + 1
		}
	}
	list, err := r.o.Store.Checks(ctx, r.order.ID)
	for _, c := range list {
		if c.Kind == r.job.Kind && c.Round == r.job.Round {
			h.checks = append(h.checks, c)
		}
	}
	return h, err
}

// afterCheck has the assistant look at the files of the current take. It returns what they wait
// for, or nil. Its error is errNextTake if another take is open.
func (r *run) afterCheck(ctx context.Context, list []order.Artifact) (*order.Failure, error) {
	if r.service.Check == nil || filepath.Base(r.dir) == ownersDir {
		return nil, nil
	}
	h, err := r.history(ctx)
	if err != nil {
		return nil, err
	}
	if h.last().Copies() {
		return r.lowScore(h), nil
	}
	c, err := r.checked(ctx, h, list)
	if err != nil {
		return nil, err
	}
	h.takes[len(h.takes)-1].Files = list
	h.checks = append(h.checks, c)
	best, _ := h.best()
	switch {
	case c.Score != nil && *c.Score >= r.service.Check.Below, c.Score == nil && !h.last().ByCheck:
		return nil, nil
	case c.Score != nil && h.made() < r.service.Check.Again:
		return nil, r.openNext(ctx, order.NextTake{Files: list, Note: fmt.Sprintf("take %d is made: the last one has %s", c.Take+1, c.Words())})
	case c.Score != nil && best != c.Take:
		return nil, r.openNext(ctx, bestOf(h, order.NextTake{Files: list}))
	}
	return r.lowScore(h), nil
}

// bestOf returns the take that has the files of the best one.
func bestOf(h history, n order.NextTake) order.NextTake {
	best, c := h.best()
	n.SameAs, n.Note = best, fmt.Sprintf("take %d has the files of take %d, with %s", h.last().N+1, best, c.Words())
	return n
}

// openNext opens the next take and returns errNextTake. What was made for the last one is
// stored or of no use by then.
func (r *run) openNext(ctx context.Context, n order.NextTake) error {
	if err := r.keep(ctx, r.job, func() error { return r.o.Store.OpenNextTake(r.job, n) }); err != nil {
		return err
	}
	r.o.Log.Info("the assistant's check has opened another take", "order", r.job.OrderID, "job", r.job.ID, "stage", r.job.Stage,
		"attempt", r.job.Attempt, "why", n.Note)
	if err := errors.Join(os.RemoveAll(r.record()), os.RemoveAll(r.dir)); err != nil {
		return err
	}
	return errNextTake
}

// lowScore is what work waits for that was found too bad. The last take is the best one, or
// one that could not be checked.
func (r *run) lowScore(h history) *order.Failure {
	return r.reviewHint(order.Failf(order.Hold, order.CodeReview, "%s", term.Line("waits for your approval: "+h.found(), 1000)).
		WithHint("%s names the files; then %s, %s or %s", order.Command("orders show", order.AnyOrder),
			order.Command("orders approve", order.AnyOrder), order.Command("orders redo", order.AnyOrder), order.Command("orders cancel", order.AnyOrder)))
}

// found says what the checks found, and which take waits if nobody has looked at it.
func (h history) found() string {
	take, best := h.best()
	text, looked, others := "", 0, ""
	for _, t := range h.takes[h.first-1:] {
		switch c, ok := h.check(t.N); {
		case !ok:
		case c.Score != nil:
			looked++
		case t.N == h.last().N:
			text = fmt.Sprintf("take %d waits and was %s; take %d had %s", t.N, c.Words(), take, best.Words())
		default:
			others += fmt.Sprintf("; take %d was %s", c.Take, c.Words())
		}
	}
	switch {
	case text != "":
	case looked > 1:
		text = fmt.Sprintf("the assistant's check gives the best of %d takes %s", looked, best.Words())
	default:
		text = "the assistant's check gives the files " + best.Words()
	}
	if len(best.Problems) > 0 {
		text += ": " + strings.Join(best.Problems, "; ")
	}
	return text + others
}

// keepBest returns errNextTake in place of a failure to make a take that the check wanted. The
// best take before is the last one then, because more is not paid for. What passes by itself
// is waited for, and a call that is still open is not given up.
func (r *run) keepBest(ctx context.Context, err error) error {
	fail, ok := errors.AsType[*order.Failure](err)
	if !ok || r.service.Check == nil || !endsTake(fail) {
		return err
	}
	h, readErr := r.history(ctx)
	if readErr != nil || !h.last().ByCheck || h.last().SameAs > 0 {
		return err
	}
	if best, _ := h.best(); best == 0 {
		return err
	}
	open, readErr := r.o.Store.OpenCalls(ctx, r.job, order.PurposeMake)
	if readErr != nil || len(open) > 0 {
		return err
	}
	c := order.Check{Kind: r.job.Kind, Round: r.job.Round, Take: h.last().N, Below: r.service.Check.Below, Note: term.Line(fail.Error(), 300)}
	return r.openNext(ctx, bestOf(h, order.NextTake{Check: &c}))
}

// endsTake reports whether a take is not tried again after a failure.
func endsTake(f *order.Failure) bool {
	switch f.Class {
	case order.Fail, order.Hold:
		return true
	case order.Retry:
		return !f.Outage && !lacking(f)
	case order.Wait:
		return slices.Contains(askingCaps, f.Code)
	}
	return false
}

// lacking reports whether a failure is of this machine, or has no meaning of its own.
func lacking(f *order.Failure) bool {
	return host.Failure(f) != nil || f.Code == order.CodeError || f.Code == order.CodeNotNoted
}

// chosen returns the files of a take that has those of an earlier one; ok is false for any
// other take. They are linked, so that each take has its own.
func (r *run) chosen(ctx context.Context) (list []order.Artifact, ok bool, err error) {
	takes, err := r.takes(ctx)
	if err != nil {
		return nil, false, err
	}
	t := takes[len(takes)-1]
	if !t.Copies() {
		return nil, false, nil
	}
	rel := r.filesDir(t.N)
	if err := os.MkdirAll(filepath.Join(r.o.Dir, rel), 0o700); err != nil {
		return nil, false, err
	}
	for _, a := range takes[t.SameAs-1].Files {
		if a.Path != "" {
			from, there := r.there(a)
			if !there {
				return nil, false, order.Failf(order.Hold, order.CodeFileGone, "the file %s is gone or has changed", a.Path).
					WithHint("%s makes it again", order.Command("orders redo", r.job.OrderID))
			}
			a.Path = filepath.Join(rel, a.Name)
			if err := link(from, filepath.Join(r.o.Dir, a.Path)); err != nil {
				return nil, false, err
			}
		}
		a.ID = 0
		list = append(list, a)
	}
	return list, true, syncFile(filepath.Join(r.o.Dir, rel))
}

// putProblems puts what the check found wrong with the take before into the request of a take
// that it has opened.
func (r *run) putProblems(ctx context.Context, req *generate.Request) error {
	if r.service.Check == nil || r.job.Kind == order.KindQuote {
		return nil
	}
	h, err := r.history(ctx)
	if err != nil || !h.last().ByCheck {
		return err
	}
	c, _ := h.check(h.last().N - 1)
	req.Problems = c.Problems
	return nil
}
