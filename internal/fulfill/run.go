package fulfill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/host"
	"atelierd/internal/message"
	"atelierd/internal/order"
)

// run is one attempt at work that a generator makes.
type run struct {
	*Fulfiller
	job     order.Job
	order   order.Order
	service Service
	// open are the calls that earlier attempts left open.
	open []order.Call
	// dir is the folder that the generator works in: the attempt's own, or that of
	// the open call, whose program began there.
	dir string
	// take is the number of the take that is made.
	take int
}

// newRun returns the run of a job. It fails when the order's service is not
// configured.
func (f *Fulfiller) newRun(ctx context.Context, j order.Job, o order.Order) (*run, error) {
	s, ok := f.o.Services[o.Service]
	if !ok {
		return nil, order.Failf(order.Hold, order.CodeNoService, "its service %.100q is not configured", o.Service).
			WithHint("add the [[service]] to the configuration and run %s, and work resumes by itself; or name another service: %s",
				order.Command("reload"), order.Command("orders assign", o.ID, "SERVICE"))
	}
	open, err := f.o.Store.OpenCalls(ctx, j, order.PurposeMake)
	if err != nil {
		return nil, err
	}
	attempt := j.Attempt
	if len(open) > 0 {
		attempt = open[len(open)-1].Attempt
	}
	return &run{
		Fulfiller: f, job: j, order: o, service: s, open: open,
		dir: f.attemptDir(j, attempt),
	}, nil
}

// generate has the files of a round made, checks them and stores them. Each take that the
// assistant's check opens is a part of the same attempt, so the cap of an attempt counts it.
func (f *Fulfiller) generate(ctx context.Context, j order.Job, o order.Order) (order.Result, error) {
	for {
		r, err := f.newRun(ctx, j, o)
		if err != nil {
			return order.Result{}, err
		}
		result, err := r.generateTake(ctx)
		if err = r.keepBest(ctx, err); !errors.Is(err, errNextTake) {
			return result, err
		}
	}
}

// generateTake has the files of the current take made, checks them and stores them.
func (r *run) generateTake(ctx context.Context) (order.Result, error) {
	if list, ok, err := r.chosen(ctx); err != nil || ok {
		return r.made(ctx, generate.Result{}, list, err)
	}
	made, err := r.make(ctx)
	if err != nil {
		return order.Result{}, r.refused(err)
	}
	artifacts, err := r.storeFiles(ctx, made)
	if err != nil {
		if wait := host.Failure(err); wait != nil {
			return order.Result{}, withLog(wait, made) // the result stays
		}
		if rejected(err) {
			// Otherwise the next attempt would find the files and use them.
			err = errors.Join(r.broken(err), os.RemoveAll(r.record()), os.RemoveAll(r.dir))
		}
		return order.Result{}, withLog(err, made)
	}
	return r.made(ctx, made, artifacts, nil)
}

// made returns what follows once the files of a take are stored.
func (r *run) made(ctx context.Context, made generate.Result, artifacts []order.Artifact, err error) (order.Result, error) {
	if err != nil {
		return order.Result{}, err
	}
	hold, err := r.afterCheck(ctx, artifacts)
	if err != nil {
		return order.Result{}, err // the files stay
	}
	if hold == nil {
		hold = r.approval()
	}
	j, result := r.job, order.Result{Next: order.StageDeliver, Artifacts: artifacts, Log: made.Log, Note: made.Message, Hold: hold}
	switch {
	case slices.ContainsFunc(artifacts, func(a order.Artifact) bool { return a.URL == "" }):
		result.Next = order.StageUpload
	case j.Kind == order.KindPiece && result.Hold != nil:
		result.Next = order.StageUpload // it waits there, and then uploads nothing
	case j.Kind == order.KindPiece:
		result.Next, result.Messages = "", pieceMessage(j)
	}
	return result, nil
}

// approval is what the made files wait for. One piece is made again by its number.
func (r *run) approval() *order.Failure {
	hold := r.now(r.service).Approval
	if hold == nil {
		return r.blocked(r.order)
	}
	return r.reviewHint(hold)
}

// reviewHint returns what made files wait for, with the commands of a piece for a piece.
func (r *run) reviewHint(hold *order.Failure) *order.Failure {
	if hold.Code != order.CodeReview || r.job.Kind != order.KindPiece {
		return hold
	}
	own := *hold
	return own.WithHint("%s names the files; then %s approves all pieces that wait, and %s makes this one again",
		order.Command("orders show", r.order.ID), order.Command("orders approve", r.order.ID),
		order.Command(fmt.Sprintf("orders redo --piece %d", r.job.Round), r.order.ID))
}

// make returns the files of the job. A result that an earlier attempt has stored
// is not paid for again, and an open call is resumed by the generator that began it.
func (r *run) make(ctx context.Context) (generate.Result, error) {
	var err error
	if r.take, err = r.currentTake(ctx); err != nil {
		return generate.Result{}, err
	}
	if made, dir, ok := r.unused(); ok {
		r.dir = dir
		return made, r.closeDone(ctx, r.open, made)
	}
	if err := r.reopen(ctx); err != nil {
		return generate.Result{}, err
	}
	r.unreserveAll()
	if err := r.room(); err != nil {
		return generate.Result{}, err
	}
	plan, err := r.choose()
	if err != nil {
		return generate.Result{}, err
	}
	if plan.resumed == nil { // what is paid for is fetched
		if err := r.allowed(ctx, r.job, r.order); err != nil {
			return generate.Result{}, err
		}
	}
	if err := r.mayStart(ctx, plan); err != nil {
		return generate.Result{}, err
	}
	if err := r.prepareFolder(); err != nil {
		return generate.Result{}, err
	}
	req, err := r.fullRequest(ctx, plan)
	if err != nil {
		return generate.Result{}, err
	}
	for i, g := range plan.generators {
		made, err := r.call(ctx, g, plan, req)
		if err == nil || i == len(plan.generators)-1 || !standIn(g, err) {
			return made, err
		}
		r.o.Log.Warn("another generator stands in", "order", r.job.OrderID, "job", r.job.ID, "stage", r.job.Stage,
			"attempt", r.job.Attempt, "generator", plan.generators[i+1].Name, "for", g.Name, "error", err)
	}
	return generate.Result{}, order.Failf(order.Hold, order.CodeNoGenerator, "the service has no generator").
		WithHint("set its generator in the configuration and run %s; work resumes by itself", order.Command("reload"))
}

// record is the file that notes the result of the attempt in dir. It lies next to
// the folder, so that it is never taken for output.
func (r *run) record() string { return r.dir + recorded }

// recorded ends the names of such files.
const recorded = ".result.json"

// unused returns a result that any attempt at the current take has stored and that was
// neither used nor rejected, with its folder. Those of earlier takes are removed.
func (r *run) unused() (made generate.Result, dir string, ok bool) {
	folder := filepath.Dir(r.dir)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return made, "", false // there is no folder yet
	}
	for _, e := range entries {
		dir, is := strings.CutSuffix(filepath.Join(folder, e.Name()), recorded)
		if !is {
			continue
		}
		made, take, ok := readResult(dir + recorded)
		if ok && take > 0 && take < r.take {
			_, _ = os.RemoveAll(dir+recorded), os.RemoveAll(dir) // else they go with the work folder
			continue
		}
		if ok {
			return made, dir, true
		}
	}
	return made, "", false
}

// prepareFolder makes the folder of the attempt. Files in it stay only if they
// belong to an open call: the owner's retry counts attempts from one again.
func (r *run) prepareFolder() error {
	if len(r.open) == 0 {
		if err := os.RemoveAll(r.dir); err != nil {
			return err
		}
	}
	return os.MkdirAll(r.dir, 0o700)
}

// rejected reports whether the files are of no use, so that they are made again.
func rejected(err error) bool {
	fail, ok := errors.AsType[*order.Failure](err)
	return ok && slices.Contains(order.Rejections, fail.Code)
}

// broken holds work whose files did not meet the service's requirements twice in
// a row. Otherwise a generator that cannot meet them is paid at each attempt.
func (r *run) broken(err error) error {
	fail, ok := errors.AsType[*order.Failure](err)
	if !ok || fail.Code != order.CodeBadFile || r.job.Attempt < 2 {
		return err
	}
	own := *fail
	own.Class = order.Hold
	return own.WithHint("fix the generator, or what the service requires, and run %s; then %s makes it again",
		order.Command("reload"), order.Command("orders retry", r.job.OrderID))
}

// refused adds the message to the client to a refusal, if its template is on. It
// is written now, while the bare reason is known.
func (r *run) refused(err error) error {
	fail, ok := errors.AsType[*order.Failure](err)
	if !ok || fail.Class != order.Fail || fail.Code != order.CodeRefused {
		return err
	}
	own := *fail
	for _, m := range r.service.messageFor("refused", fmt.Sprintf("refused-%s-%d", r.job.Kind, r.job.Round)) {
		d := message.Data{
			Order: r.order.ID, Service: r.service.Title, Brief: r.order.Brief, Round: r.order.Round,
			Reason: cmp.Or(fail.Reason, "it cannot be made here"),
		}
		if m.Body, err = r.service.Templates["refused"].Write(d); err != nil {
			m.Body = "" // it is written again, and the error is reported, when it is sent
		}
		own.Message = &m
	}
	return &own
}

// withLog adds the generator's log to a failure.
func withLog(err error, made generate.Result) error {
	fail := &order.Failure{Class: order.Retry, Code: order.CodeError, Err: err}
	if f, ok := errors.AsType[*order.Failure](err); ok {
		own := *f
		fail = &own
	}
	fail.Log = made.Log
	return fail
}
