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
	// Files is how many there have to be; 0 is any number but none.
	Files int
	// Repeats lets a file be the same as one of another order.
	Repeats bool
	// Checker is the owner's own program, which may veto; nil for none.
	Checker generate.Checker
}

// storeFiles checks the files and puts them where they stay. Only files that are
// durable come back.
func (f *Fulfiller) storeFiles(ctx context.Context, j order.Job, o order.Order, s Service, made generate.Result, dir string) ([]order.Artifact, error) {
	rel := folder(artifactDir, j.OrderID, j.Kind, j.Round)
	to := filepath.Join(f.o.Dir, rel)
	var list []order.Artifact
	for i, file := range made.Files {
		info, err := media.Inspect(file)
		if err != nil {
			return nil, err
		}
		if err := s.Requirements.Check(info); err != nil {
			return nil, err
		}
		// A long id is cut here, because Name would cut the number off its end.
		name := media.Name(fmt.Sprintf("%.40s-%s-%d", j.OrderID, filepath.Base(rel), i+1), info.MIME)
		list = append(list, order.Artifact{Path: filepath.Join(rel, name), Name: name, Bytes: info.Bytes,
			SHA256: info.SHA256, MIME: info.MIME, Media: info.Media, Width: info.Width, Height: info.Height})
	}
	if made.URL != "" {
		if err := s.Requirements.link(made); err != nil {
			return nil, err
		}
		list = append(list, order.Artifact{URL: made.URL, Media: cmp.Or(made.MediaType, s.Requirements.Kind, "link"), Name: made.URL})
	}
	if err := f.check(ctx, j, o, s, made, list, dir); err != nil {
		return nil, err
	}
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

// link says whether a link that is delivered as it is keeps the promise, as far as
// that can be told: nobody looks at what it leads to.
func (p Requirements) link(made generate.Result) error {
	if p.Kind != "" && p.Kind != "link" && made.MediaType != "" && made.MediaType != p.Kind {
		return order.Failf(order.Retry, order.CodeBadFile, "the generator made a link to media type %s, but the service promises %s", made.MediaType, p.Kind)
	}
	if p.MinWidth > 0 || p.MinHeight > 0 || p.AspectW > 0 || p.MinDuration > 0 || p.MaxDuration > 0 {
		return order.Failf(order.Hold, order.CodeNotMeasured, "the generator made a link, whose size or duration cannot be measured, and the service promises one").
			WithHint("let the generator bring in the file, or take the promise out of the service, then `atelierd orders redo`")
	}
	return nil
}

// check looks at the files as a whole.
func (f *Fulfiller) check(ctx context.Context, j order.Job, o order.Order, s Service, made generate.Result, list []order.Artifact, dir string) error {
	if len(list) == 0 {
		return order.Failf(order.Retry, order.CodeNoOutput, "the generator made nothing")
	}
	if n := s.Requirements.Files; n > 0 && len(list) != n {
		return order.Failf(order.Retry, order.CodeBadFile, "the generator made %d files, the service promises %d", len(list), n)
	}
	if err := f.fresh(ctx, j, s, list); err != nil {
		return err
	}
	if s.Requirements.Checker == nil {
		return nil
	}
	req, err := f.request(ctx, j, o, s, dir)
	if err != nil {
		return err
	}
	if req.References, err = f.seen(ctx, o); err != nil {
		return err
	}
	if req.Prompt, err = f.prompt(ctx, s, req); err != nil {
		return err
	}
	return checkFailed(s.Requirements.Checker.CheckFiles(ctx, req, made.Files), dir)
}

// checkFailed says what a check's failure means for work that is made and may have
// been paid for: only a veto has it made again.
func checkFailed(err error, dir string) error {
	fail, ok := errors.AsType[*order.Failure](err)
	if !ok {
		return err
	}
	own := *fail
	switch {
	case fail.Class == order.Fail:
		own.Class, own.Code, own.Err = order.Retry, order.CodeVetoed, errors.New("the service's check refuses the work: "+cmp.Or(fail.Reason, "it gives no reason"))
	case fail.Code == order.CodeTryLater:
		own.Class, own.After, own.Err = order.Wait, checkRetry, fail
	case fail.Class == order.Retry:
		own.Class, own.Code, own.Err = order.Hold, order.CodeCheck, fail
		own.Hint = "run it by hand on what is in " + dir + " and mend it, then `atelierd orders retry`"
	}
	return &own
}

// checkRetry is how long work waits for a check that asks to be tried later.
const checkRetry = time.Minute

// fresh makes sure that no client gets what another has got, the same thing twice,
// or nothing but what he has sent back.
func (f *Fulfiller) fresh(ctx context.Context, j order.Job, s Service, list []order.Artifact) error {
	sentBack, err := f.sentBack(ctx, j)
	if err != nil {
		return err
	}
	changed := len(sentBack) == 0
	for i, a := range list {
		same := func(b order.Artifact) bool { return sameContent(a, b) }
		changed = changed || !slices.ContainsFunc(sentBack, same)
		if s.Requirements.Repeats {
			continue
		}
		if slices.ContainsFunc(list[:i], same) {
			return order.Failf(order.Retry, order.CodeDuplicate, "the generator made the very same file twice")
		}
		if a.SHA256 == "" {
			continue
		}
		other, err := f.o.Store.SameFile(ctx, j, a.SHA256)
		if err != nil {
			return err
		}
		if other != "" {
			return order.Failf(order.Retry, order.CodeDuplicate, "the generator made the very file that order %s has got", other).
				WithHint("if the service may deliver the same file again, set its repeats = true")
		}
	}
	if !changed {
		return order.Failf(order.Retry, order.CodeSameAgain, "the generator made the very file that the client has sent back")
	}
	return nil
}

// sentBack is what the client got in the rounds before.
func (f *Fulfiller) sentBack(ctx context.Context, j order.Job) (list []order.Artifact, err error) {
	for round := 0; j.Kind == order.KindDelivery && round < j.Round; round++ {
		files, err := f.o.Store.Artifacts(ctx, j.OrderID, order.KindDelivery, round)
		if err != nil {
			return nil, err
		}
		list = append(list, files...)
	}
	return list, nil
}

// sameContent tells files by their content, and links by themselves.
func sameContent(a, b order.Artifact) bool {
	if a.SHA256 == "" && b.SHA256 == "" {
		return a.URL == b.URL
	}
	return a.SHA256 == b.SHA256
}
