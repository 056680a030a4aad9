package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/host"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// output is what a provider made.
type output struct {
	blobs []blob
	// cost is the cost that the provider reports, or 0.
	cost order.USD
	// whole: the answer is the file, which may have been cut on its way.
	whole bool
}

// blob is one file of an output: its bytes, or their address.
type blob struct {
	data []byte
	// file is where the bytes are if they are many, and data has only the first. It is
	// moved.
	file string
	// link is a full address. It is fetched without credentials.
	link string
	// path is below the base URL. It is fetched with credentials: those of header, or the
	// usual ones if it is nil. With a header it may redirect to another host.
	path   string
	header http.Header
	// mime is the type that the provider names, or empty.
	mime string
}

// endings of texts, whose type does not show in their content.
var endings = map[string]string{
	"text/plain": ".txt", "text/markdown": ".md", "text/html": ".html", "text/csv": ".csv",
	"text/javascript": ".js", "application/javascript": ".js", "text/x-python": ".py", "application/json": ".json",
}

// ending returns the ending of the file's name if it is a text, else "".
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

// saveRetrying tries a few more times to fetch the files of a call without a job, because
// no later run could fetch them. If that fails too, the outcome of the call is
// unknown and counts as an attempt. Otherwise it would be made and paid for without
// end.
func (p *Provider) saveRetrying(ctx context.Context, c *conn, req generate.Request, out *output) ([]string, error) {
	files, err := p.savePersisting(ctx, c, req, out)
	pause := p.spec.PollInterval
	for range 3 {
		if f, ok := errors.AsType[*order.Failure](err); !ok || !p.passing(f) || sleep(ctx, pause) != nil {
			break
		}
		pause *= 4
		files, err = p.savePersisting(ctx, c, req, out)
	}
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Charge == order.ChargePending && f.Class != order.Stopped {
		if f.Late() && p.Repeats() {
			return files, err // the same call is made again, and names the links again
		}
		own := *f
		own.Charge, own.Outage = order.ChargeUnknown, false
		switch {
		case f.Late():
			own.Class = order.Retry
		case f.Class == order.Hold && p.Repeats():
			own.Charge = order.ChargePending // the same call returns the same result
		case f.Class == order.Hold: // the provider has made the file
			own.Charge = order.ChargeFull
			own.Hint = "check the link; " + retryCommand + " makes another call, which is paid for"
		}
		err = &own
	}
	return files, err
}

// passing reports whether the fetch of a file may succeed a moment later. A late result
// of a call that can be made again is not waited for here.
func (p *Provider) passing(f *order.Failure) bool {
	return f.Charge == order.ChargePending && (f.Class == order.Retry || f.Late() && !p.Repeats())
}

// savePersisting is save, which waits while this machine lacks what it needs, such as
// room on the disk.
func (p *Provider) savePersisting(ctx context.Context, c *conn, req generate.Request, out *output) (files []string, err error) {
	var failures logonce.Logger
	defer failures.Recovered(p.spec.Log, "a result is stored again")
	err = host.Persist(ctx, func(err error) {
		failures.Failed(p.spec.Log, "a result cannot be stored; trying again", err, "order", req.OrderID, "round", req.Round, "attempt", req.Attempt)
	}, func() error {
		files, err = p.save(ctx, c, req, out)
		if host.Lacks(err) == host.Room && req.Call.MakeRoom != nil && req.Call.MakeRoom() {
			files, err = p.save(ctx, c, req, out)
		}
		return err
	})
	return files, err
}

// save writes the output's files, each whole or not at all.
func (p *Provider) save(ctx context.Context, c *conn, req generate.Request, out *output) ([]string, error) {
	if len(out.blobs) == 0 {
		return nil, order.Failf(order.Hold, order.CodeNoOutput, "the provider's answer holds no file").
			WithHint("change the generator's params and run %s, then %s, which is paid for", order.Command("reload"), redoCommand)
	}
	if len(out.blobs) > generate.MaxFiles { // the next answer would most likely be the same
		return nil, order.Failf(order.Hold, order.CodeBadAnswer, "the provider made %d files, at most %d are accepted", len(out.blobs), generate.MaxFiles).
			WithHint("change the generator's params and run %s, then %s, which is paid for", order.Command("reload"), redoCommand)
	}
	if err := os.MkdirAll(req.OutputDir, 0o700); err != nil {
		return nil, &order.Failure{Class: order.Retry, Code: order.CodeOutputDir, Charge: order.ChargePending, Err: err}
	}
	var files []string
	for i, b := range out.blobs {
		file := filepath.Join(req.OutputDir, fmt.Sprintf("result-%d%s", i+1, b.ending()))
		if err := p.saveBlob(ctx, c, b, target{file, i + 1, len(out.blobs)}); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// target is where a file goes: its name, and its number of several.
type target struct {
	name    string
	n, most int
}

func (p *Provider) saveBlob(ctx context.Context, c *conn, b blob, to target) error {
	file := to.name
	if strings.HasPrefix(b.link, "data:") {
		var err error
		if b, err = fromBase64(b.link); err != nil {
			return err
		}
	}
	if b = c.spool.whole(b); b.file != "" {
		return moveBlob(b.file, file)
	}
	temp := filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".tmp")
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return &order.Failure{Class: order.Retry, Code: order.CodeOutputDir, Charge: order.ChargePending, Err: err}
	}
	size, got := int64(len(b.data)), error(nil)
	w := &counted{Writer: f, c: c, file: to.n, last: to.most}
	switch {
	case b.link != "":
		size, got = p.links.Fetch(ctx, b.link, w)
		got = linkFailure(ctx, got)
	case b.path != "":
		size, got = p.download(ctx, c, b, w)
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
	if size == 0 && b.remote() {
		return order.LateResult(order.CodeExpired, "the provider's file is empty")
	}
	if err := deliverable(size); err != nil {
		return err
	}
	return os.Rename(temp, file)
}

// mostRedirects is how often a file with credentials may redirect.
const mostRedirects = 3

// download fetches a file with credentials. An address at another host to which it
// redirects gets none.
func (p *Provider) download(ctx context.Context, c *conn, b blob, w io.Writer) (int64, error) {
	address := b.path
	for range mostRedirects + 1 {
		n, next, err := c.download(ctx, address, b.header, w)
		if err != nil || next == "" {
			return n, err
		}
		if _, elsewhere := c.target(next); elsewhere != nil {
			n, err = p.links.Fetch(ctx, next, w)
			return n, linkFailure(ctx, err)
		}
		address = next
	}
	return 0, order.LateResult(order.CodeExpired, "the provider's file redirects more than %d times", mostRedirects)
}

// moveBlob moves a file that is on the disk already. An earlier try may have moved it.
func moveBlob(from, file string) error {
	info, err := os.Stat(from)
	if errors.Is(err, fs.ErrNotExist) {
		from = file
		info, err = os.Stat(from)
	}
	if err == nil {
		if err := deliverable(info.Size()); err != nil {
			return err
		}
		err = os.Rename(from, file)
	}
	if err != nil {
		return &order.Failure{Class: order.Retry, Code: order.CodeOutputDir, Charge: order.ChargePending, Err: err}
	}
	return nil
}

// deliverable returns an error if a file of the size cannot be delivered.
func deliverable(size int64) error {
	switch {
	case size == 0:
		return order.Failf(order.Retry, order.CodeBadAnswer, "the provider's file is empty")
	case size > generate.MaxFileBytes:
		return order.Failf(order.Hold, order.CodeProviderTooLarge, "the provider's file has more than %d bytes, the most that can be delivered", generate.MaxFileBytes).
			WithHint("change the generator's params and run %s, then %s, which is paid for", order.Command("reload"), redoCommand)
	}
	return nil
}
