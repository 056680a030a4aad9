package fulfill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/media"
	"atelierd/internal/order"
)

// Promise is what the files of a service have to be before they are uploaded.
type Promise struct {
	media.Rules
	// Files is how many there have to be; 0 is any number but none.
	Files int
	// Repeats lets a file be the same as one of another order.
	Repeats bool
	// Judge is the owner's own program, which may veto; nil for none.
	Judge generate.Judge
}

// keep checks the files and puts them where they stay. Only files that are
// durable come back.
func (f *Fulfiller) keep(ctx context.Context, j order.Job, o order.Order, s Service, made generate.Result, dir string) ([]order.Artifact, error) {
	rel := folder(artifactDir, j.OrderID, j.Kind, j.Round)
	to := filepath.Join(f.o.Dir, rel)
	var list []order.Artifact
	for i, file := range made.Files {
		info, err := media.Inspect(file)
		if err != nil {
			return nil, err
		}
		if err := s.Promise.Check(info); err != nil {
			return nil, err
		}
		// A long id is cut here, because Name would cut the number off its end.
		name := media.Name(fmt.Sprintf("%.40s-%s-%d", j.OrderID, filepath.Base(rel), i+1), info.MIME)
		list = append(list, order.Artifact{Path: filepath.Join(rel, name), Name: name, Bytes: info.Bytes,
			SHA256: info.SHA256, MIME: info.MIME, Media: info.Media, Width: info.Width, Height: info.Height})
	}
	if made.URL != "" {
		list = append(list, order.Artifact{URL: made.URL, Media: cmp.Or(made.MediaType, s.Promise.Kind, "link"), Name: made.URL})
	}
	if err := f.judge(ctx, j, o, s, made, list, dir); err != nil {
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

// judge looks at the files as a whole.
func (f *Fulfiller) judge(ctx context.Context, j order.Job, o order.Order, s Service, made generate.Result, list []order.Artifact, dir string) error {
	if len(list) == 0 {
		return order.Failf(order.Retry, "no_output", "the generator made nothing")
	}
	if n := s.Promise.Files; n > 0 && len(list) != n {
		return order.Failf(order.Retry, "bad_file", "the generator made %d files, the service promises %d", len(list), n)
	}
	if err := f.fresh(ctx, j, s, list); err != nil {
		return err
	}
	if s.Promise.Judge == nil {
		return nil
	}
	req, err := f.request(ctx, j, o, s, dir)
	if err != nil {
		return err
	}
	return judged(s.Promise.Judge.Judge(ctx, req, made.Files))
}

// judged says what a check's failure means for work that is made and may have
// been paid for: only a veto has it made again.
func judged(err error) error {
	fail, ok := errors.AsType[*order.Failure](err)
	if !ok {
		return err
	}
	own := *fail
	switch {
	case fail.Class == order.Fail:
		own.Class, own.Code, own.Err = order.Retry, "vetoed", fmt.Errorf("the service's check has refused the work: %w", fail)
	case fail.Code == "try_later":
		own.Class, own.After, own.Err = order.Wait, checkRetry, fmt.Errorf("the service's check cannot judge yet: %w", fail)
	case fail.Class == order.Retry:
		own.Class, own.Code, own.Err = order.Hold, "check", fmt.Errorf("the service's check failed: %w", fail)
		own.Hint = "run it by hand and mend it, then `atelierd orders retry`; the work that is made is kept"
	}
	return &own
}

// checkRetry is how long work waits for a check that asks to be tried later.
const checkRetry = time.Minute

// fresh makes sure that no client gets what another has got, or what he has sent
// back.
func (f *Fulfiller) fresh(ctx context.Context, j order.Job, s Service, list []order.Artifact) error {
	disputed := map[string]bool{}
	if j.Kind == order.KindDelivery && j.Round > 0 {
		before, err := f.o.Store.Artifacts(ctx, j.OrderID, order.KindDelivery, j.Round-1)
		if err != nil {
			return err
		}
		for _, a := range before {
			disputed[a.SHA256] = a.SHA256 != ""
		}
	}
	for _, a := range list {
		if a.SHA256 == "" {
			continue
		}
		if disputed[a.SHA256] {
			return order.Failf(order.Retry, "same_again", "the generator made the very file that the client has sent back")
		}
		if s.Promise.Repeats {
			continue
		}
		other, err := f.o.Store.SameFile(ctx, j.OrderID, a.SHA256)
		if err != nil {
			return err
		}
		if other != "" {
			return order.Failf(order.Retry, "duplicate", "the generator made the very file that order %s has got", other).
				WithHint("if the service may deliver the same file to several clients, set its repeats = true")
		}
	}
	return nil
}
