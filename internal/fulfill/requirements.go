package fulfill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/media"
	"atelierd/internal/order"
)

// Requirements is what the files of a service have to be before they are uploaded.
type Requirements struct {
	media.Rules
	// Files is how many there have to be; 0 is any number from one.
	Files int
	// Repeats allows a file that is the same as one of another order.
	Repeats bool
	// Checker is the owner's own program, which may veto; nil for none.
	Checker generate.Checker
}

// storeFiles checks the files and puts them where they stay. All that it returns
// is durable.
func (r *run) storeFiles(ctx context.Context, made generate.Result) ([]order.Artifact, error) {
	take, err := r.currentTake(ctx)
	if err != nil {
		return nil, err
	}
	rel := r.filesDir(take)
	made.Files = r.wanted(made.Files)
	list, err := r.inspect(made, rel)
	if err != nil {
		return nil, err
	}
	if err := r.check(ctx, made, list); err != nil {
		return nil, err
	}
	to := filepath.Join(r.o.Dir, rel)
	if err := os.MkdirAll(to, 0o700); err != nil {
		return nil, err
	}
	for i, file := range made.Files {
		if err := link(file, filepath.Join(to, list[i].Name)); err != nil {
			return nil, err
		}
	}
	return list, syncFile(to)
}

// filesDir returns the folder of the files of a take. Those of earlier takes stay.
func (r *run) filesDir(take int) string {
	dir := folder(FilesDir, r.job.OrderID, r.job.Kind, r.job.Round)
	if take > 1 {
		dir = filepath.Join(dir, fmt.Sprintf("take-%d", take))
	}
	return dir
}

// wanted returns the files to deliver, without the stills next to a promised video.
func (r *run) wanted(files []string) []string {
	wanted := r.service.Requirements.Wanted(files)
	if left := len(files) - len(wanted); left > 0 {
		r.o.Log.Info("stills next to the video are left out", "order", r.job.OrderID, "job", r.job.ID,
			"stage", r.job.Stage, "attempt", r.job.Attempt, "files", left)
	}
	return wanted
}

// inspect checks each file on its own and returns what is known of it. The files
// come first and in their order; rel is the folder where they will be.
func (r *run) inspect(made generate.Result, rel string) ([]order.Artifact, error) {
	need := r.service.Requirements
	var list []order.Artifact
	for i, file := range made.Files {
		info, err := media.Inspect(file)
		if err != nil {
			return nil, err
		}
		if err := r.secretFile(file); err != nil {
			return nil, err
		}
		if err := need.Check(info); err != nil {
			return nil, err
		}
		// A long id is cut here, because Name would cut the number off its end.
		// Clients see no take in a name.
		name := media.Name(fmt.Sprintf("%.40s-%s-%d", r.job.OrderID, filepath.Base(r.filesDir(1)), i+1), info.MIME)
		list = append(list, order.Artifact{
			Path: filepath.Join(rel, name), Name: name, Bytes: info.Bytes,
			SHA256: info.SHA256, MIME: info.MIME, Media: info.Media, Width: info.Width, Height: info.Height,
		})
	}
	if made.URL == "" {
		return list, nil
	}
	if err := r.secretLink(made.URL); err != nil {
		return nil, err
	}
	if err := need.link(made); err != nil {
		return nil, err
	}
	return append(list, order.Artifact{URL: made.URL, Media: cmp.Or(made.MediaType, need.Kind, "link"), Name: made.URL}), nil
}

// link checks a link that is delivered as it is, as far as possible without
// fetching it.
func (p Requirements) link(made generate.Result) error {
	if p.Kind != "" && p.Kind != "link" && made.MediaType != "" && made.MediaType != p.Kind {
		return order.Failf(order.Retry, order.CodeBadFile, "the generator made a link to media type %s, the service requires %s", made.MediaType, p.Kind)
	}
	if p.MinWidth > 0 || p.MinHeight > 0 || p.AspectW > 0 || p.MinDuration > 0 || p.MaxDuration > 0 {
		return order.Failf(order.Hold, order.CodeNotMeasured, "the generator made a link, whose size or duration cannot be measured, and the service requires one").
			WithHint("let the generator fetch the file, or drop the requirement from the service, and run %s; then %s",
				order.Command("reload"), order.Command("orders redo", order.AnyOrder))
	}
	return nil
}

// check looks at the files as a whole.
func (r *run) check(ctx context.Context, made generate.Result, list []order.Artifact) error {
	need := r.service.Requirements
	if len(list) == 0 {
		return order.Failf(order.Retry, order.CodeNoOutput, "the generator made nothing")
	}
	if n := need.Files; n > 0 && len(list) != n {
		return order.Failf(order.Retry, order.CodeBadFile, "the generator made %d files, the service requires %d", len(list), n)
	}
	if err := r.fresh(ctx, list); err != nil {
		return err
	}
	if need.Checker == nil {
		return nil
	}
	req, err := r.request(ctx)
	if err != nil {
		return err
	}
	if req.References, err = r.storedReferences(ctx); err != nil {
		return err
	}
	if req.Prompt, err = r.prompt(ctx, req); err != nil {
		return err
	}
	return r.checkFailed(need.Checker.CheckFiles(ctx, req, made.Files))
}

// checkFailed returns what the failure of a check means for finished work, which
// may have been paid for. Only a veto has it made again.
func (r *run) checkFailed(err error) error {
	fail, ok := errors.AsType[*order.Failure](err)
	if !ok {
		return err
	}
	own := *fail
	switch {
	case fail.Class == order.Fail:
		own.Class, own.Code, own.Err = order.Retry, order.CodeVetoed, errors.New("the service's check refuses the files: "+cmp.Or(fail.Reason, "it gives no reason"))
	case fail.Code == order.CodeTryLater:
		own.Class, own.After, own.Err = order.Wait, checkRetry, fail
	case fail.Class == order.Retry:
		own.Class, own.Code, own.Err = order.Hold, order.CodeCheck, fail
		own.Hint = "run the check by hand on " + r.dir + " and fix it, then " + order.Command("orders retry", r.job.OrderID)
	}
	return &own
}

// checkRetry is how long work waits for a check that asks to be tried later.
const checkRetry = time.Minute

// fresh makes sure that no client gets a file that another one has, the same file
// twice, or only what the client sent back.
func (r *run) fresh(ctx context.Context, list []order.Artifact) error {
	sentBack, err := r.sentBack(ctx)
	if err != nil {
		return err
	}
	changed := len(sentBack) == 0
	for i, a := range list {
		same := func(b order.Artifact) bool { return sameContent(a, b) }
		changed = changed || !slices.ContainsFunc(sentBack, same)
		if r.service.Requirements.Repeats {
			continue
		}
		if slices.ContainsFunc(list[:i], same) {
			return order.Failf(order.Retry, order.CodeDuplicate, "the generator made the same file twice")
		}
		if a.SHA256 == "" {
			continue
		}
		other, err := r.o.Store.SameFile(ctx, r.job, a.SHA256)
		if err != nil {
			return err
		}
		if other != "" {
			return order.Failf(order.Retry, order.CodeDuplicate, "the generator made the same file as for order %s", other).
				WithHint("if the service may deliver the same file again, set repeats = true for it and run %s", order.Command("reload"))
		}
	}
	if !changed {
		return order.Failf(order.Retry, order.CodeSameAgain, "the generator made the same file that the client sent back")
	}
	return nil
}

// sentBack returns what the client got in earlier rounds.
func (r *run) sentBack(ctx context.Context) (list []order.Artifact, err error) {
	j := r.job
	for round := 0; j.Kind == order.KindDelivery && round < j.Round; round++ {
		files, err := r.o.Store.Artifacts(ctx, j.OrderID, order.KindDelivery, round)
		if err != nil {
			return nil, err
		}
		list = append(list, files...)
	}
	return list, nil
}

// sameContent compares files by their content, and links by themselves.
func sameContent(a, b order.Artifact) bool {
	if a.SHA256 == "" && b.SHA256 == "" {
		return a.URL == b.URL
	}
	return a.SHA256 == b.SHA256
}
