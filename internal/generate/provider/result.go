package provider

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// output is what a provider has made.
type output struct {
	blobs []blob
	// cost is what the provider says that it costs; 0 if it does not say.
	cost order.USD
}

// blob is one file of an output: its bytes, or where they are.
type blob struct {
	data []byte
	// link is a full address, fetched without credentials.
	link string
	// path is one below the base URL, fetched with them.
	path string
	// mime is what the provider says that it is; empty if it does not.
	mime string
}

// endings are those of texts, which cannot be told by their content.
var endings = map[string]string{"text/plain": ".txt", "text/markdown": ".md", "text/html": ".html", "text/csv": ".csv",
	"text/javascript": ".js", "application/javascript": ".js", "text/x-python": ".py", "application/json": ".json"}

// ending is what the file's name has to end with when it is a text; else "".
func (b blob) ending() string {
	if known := endings[b.mime]; known != "" || b.link == "" {
		return known
	}
	u, err := url.Parse(b.link)
	if err != nil {
		return ""
	}
	if ext := strings.ToLower(path.Ext(u.Path)); slices.Contains(slices.Collect(maps.Values(endings)), ext) {
		return ext
	}
	return ""
}

// insist tries a few times more to bring in the files of a call without a job: no
// later run could have them. When that fails too, the call counts as an attempt
// of unknown outcome, for it would otherwise be made, and paid for, without end.
func (p *Provider) insist(ctx context.Context, c *conn, req generate.Request, out *output, files []string, err error) ([]string, error) {
	pause := p.spec.PollInterval
	for range 3 {
		if f, ok := errors.AsType[*order.Failure](err); !ok || f.Class != order.Retry || f.Charge != order.ChargePending || sleep(ctx, pause) != nil {
			break
		}
		pause *= 4
		files, err = p.save(ctx, c, req, out)
	}
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Charge == order.ChargePending && f.Class != order.Stopped {
		own := *f
		own.Charge, own.Outage = order.ChargeUnknown, false
		if f.Class == order.Hold { // the provider has done its part
			own.Charge = order.ChargeFull
			own.Hint = "see what is wrong with the link; `atelierd orders retry` makes another, which is paid for"
		}
		if f.Class == order.Hold && p.Repeats() {
			own.Charge, own.Hint = order.ChargePending, f.Hint // the same call is answered with the same
		}
		err = &own
	}
	return files, err
}

// save writes the output's files, whole or not at all.
func (p *Provider) save(ctx context.Context, c *conn, req generate.Request, out *output) ([]string, error) {
	if len(out.blobs) == 0 {
		return nil, order.Failf(order.Retry, order.CodeNoOutput, "the provider's answer holds no file")
	}
	if len(out.blobs) > generate.MaxFiles {
		return nil, order.Failf(order.Retry, order.CodeBadAnswer, "the provider made %d files, at most %d are taken", len(out.blobs), generate.MaxFiles)
	}
	if err := os.MkdirAll(req.OutputDir, 0o700); err != nil {
		return nil, &order.Failure{Class: order.Retry, Code: order.CodeOutputDir, Charge: order.ChargePending, Err: err}
	}
	var files []string
	for i, b := range out.blobs {
		file := filepath.Join(req.OutputDir, fmt.Sprintf("result-%d%s", i+1, b.ending()))
		if err := p.saveBlob(ctx, c, b, file); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

func (p *Provider) saveBlob(ctx context.Context, c *conn, b blob, file string) error {
	temp := filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".tmp")
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return &order.Failure{Class: order.Retry, Code: order.CodeOutputDir, Charge: order.ChargePending, Err: err}
	}
	if strings.HasPrefix(b.link, "data:") {
		var err error
		if b, err = fromBase64(b.link); err != nil {
			return err
		}
	}
	size, got := int64(len(b.data)), error(nil)
	switch {
	case b.link != "":
		size, got = p.links.Fetch(ctx, b.link, f)
		got = linkFailure(ctx, got)
	case b.path != "":
		size, got = c.download(ctx, b.path, f)
	default:
		_, got = f.Write(b.data)
	}
	if err := errors.Join(got, f.Close()); err != nil {
		_, disk := errors.AsType[*fs.PathError](got)
		if _, ok := errors.AsType[*order.Failure](got); ok && !disk {
			return got
		}
		return &order.Failure{Class: order.Retry, Code: order.CodeOutputDir, Charge: order.ChargePending, Err: err}
	}
	switch {
	case size == 0:
		return order.Failf(order.Retry, order.CodeBadAnswer, "the provider's file is empty")
	case size > generate.MaxFileBytes:
		return order.Failf(order.Hold, order.CodeProviderTooLarge, "the provider's file has more than %d bytes, the most that can be delivered", generate.MaxFileBytes).
			WithHint("change the generator's params and restart, then `atelierd orders redo`, which is paid for")
	}
	return os.Rename(temp, file)
}
