package fulfill

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/media"
	"atelierd/internal/order"
)

// What the client's pictures may take together.
const (
	mostReferences     = 16
	mostReferenceBytes = 32 << 20 // a back end holds all of them in memory, several times over
	referencesTimeout  = time.Minute
	fetchesAtOnce      = 4
)

// pictureNames are endings by which a reference link is taken for a picture.
var pictureNames = []string{".jpg", ".jpeg", ".png", ".webp", ".gif"}

// references are the client's pictures, fetched once and kept. One that cannot
// be had is a note to the generator, and told to the owner; trouble with the disk
// is an error.
func (f *Fulfiller) references(ctx context.Context, j order.Job, o order.Order) (list []generate.Reference, notes []string, err error) {
	links := pictures(o)
	if f.o.Links == nil || len(links) == 0 {
		return nil, nil, nil
	}
	if len(links) > mostReferences {
		notes = append(notes, fmt.Sprintf("only the first %d of %d references are used", mostReferences, len(links)))
		links = links[:mostReferences]
	}
	kept, err := f.o.Store.Artifacts(ctx, o.ID, order.KindReference, 0)
	if err != nil {
		return nil, nil, err
	}
	found, err := f.fetchMissing(ctx, o.ID, links, kept)
	if err != nil {
		return nil, nil, err
	}
	var have []order.Artifact
	fetched, room := false, int64(mostReferenceBytes)
	for i, r := range found {
		switch {
		case r.err != nil:
			notes = append(notes, fmt.Sprintf("reference %d could not be had: %s", i+1, r.err))
			continue
		case r.Bytes > room:
			notes = append(notes, fmt.Sprintf("reference %d is left out: together they have more than %d MB", i+1, mostReferenceBytes>>20))
		default:
			room -= r.Bytes
			list = append(list, generate.Reference{Path: filepath.Join(f.o.Dir, r.Path), MIME: r.MIME, URL: r.URL})
		}
		have, fetched = append(have, r.Artifact), fetched || r.fetched
	}
	if fetched {
		err = f.o.Store.PutReferences(j, have)
	}
	if len(notes) > 0 {
		err = errors.Join(err, f.o.Store.Remark(j, "reference", notes))
	}
	return list, notes, err
}

// reference is a picture that was found, or why it was not.
type reference struct {
	order.Artifact
	fetched bool // just now
	err     error
}

// fetchMissing brings in what is not kept yet, a few at a time, until the time for
// all of them is over. Its error is none of a reference's.
func (f *Fulfiller) fetchMissing(ctx context.Context, orderID string, links []string, kept []order.Artifact) ([]reference, error) {
	limited, cancel := context.WithTimeout(ctx, referencesTimeout)
	defer cancel()
	found := make([]reference, len(links))
	turns := make(chan struct{}, fetchesAtOnce)
	var all sync.WaitGroup
	for i, link := range links {
		if a, there := f.kept(kept, link); there {
			found[i].Artifact = a
			continue
		}
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			found[i].fetched = true
			found[i].Artifact, found[i].err = f.fetch(limited, orderID, link)
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for _, r := range found {
		if _, disk := errors.AsType[*fs.PathError](r.err); disk {
			return nil, r.err
		}
	}
	return found, nil
}

// last are the pictures of the round before, as far as their files are still there.
func (f *Fulfiller) last(ctx context.Context, j order.Job) (list []generate.Reference, err error) {
	if j.Kind != order.KindDelivery || j.Round == 0 {
		return nil, nil
	}
	files, err := f.o.Store.Artifacts(ctx, j.OrderID, j.Kind, j.Round-1)
	for _, a := range files {
		path := filepath.Join(f.o.Dir, a.Path)
		if st, err := os.Stat(path); a.Media == media.Image && a.Path != "" && err == nil && st.Size() == a.Bytes {
			list = append(list, generate.Reference{Path: path, MIME: a.MIME, URL: a.URL})
		}
	}
	return list, err
}

// seen are the client's pictures as far as they are kept, for a check: it is told
// of what the generator was given, and fetches nothing.
func (f *Fulfiller) seen(ctx context.Context, o order.Order) (list []generate.Reference, err error) {
	kept, err := f.o.Store.Artifacts(ctx, o.ID, order.KindReference, 0)
	for _, link := range pictures(o) {
		if a, there := f.kept(kept, link); there {
			list = append(list, generate.Reference{Path: filepath.Join(f.o.Dir, a.Path), MIME: a.MIME, URL: a.URL})
		}
	}
	return list, err
}

// pictures are the links of an order that lead to pictures, each once.
func pictures(o order.Order) []string {
	var links []string
	for _, l := range o.ReferenceImages {
		if !slices.Contains(links, l) {
			links = append(links, l)
		}
	}
	for _, l := range o.ReferenceURLs {
		u, err := url.Parse(l)
		if err == nil && slices.Contains(pictureNames, strings.ToLower(path.Ext(u.Path))) && !slices.Contains(links, l) {
			links = append(links, l)
		}
	}
	return links
}

// kept finds the reference that was fetched before, if its file is still there.
func (f *Fulfiller) kept(list []order.Artifact, link string) (order.Artifact, bool) {
	for _, a := range list {
		if a.URL == link {
			st, err := os.Lstat(filepath.Join(f.o.Dir, a.Path))
			return a, err == nil && st.Size() == a.Bytes
		}
	}
	return order.Artifact{}, false
}

// fetch brings in one picture. Its name is made from the link, because the list
// may change.
func (f *Fulfiller) fetch(ctx context.Context, orderID string, link string) (order.Artifact, error) {
	rel := filepath.Join(filepath.Dir(folder(artifactDir, orderID, order.KindDelivery, 0)), "references")
	dir := filepath.Join(f.o.Dir, rel)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return order.Artifact{}, err
	}
	temp, err := os.CreateTemp(dir, ".fetch-*")
	if err != nil {
		return order.Artifact{}, err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // once it is renamed, there is nothing to remove
	_, err = f.o.Links.Fetch(ctx, link, temp)
	if closed := temp.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return order.Artifact{}, err
	}
	info, err := media.Inspect(temp.Name())
	if err != nil || info.Media != media.Image {
		return order.Artifact{}, fmt.Errorf("what %.60q leads to is no picture of a known type", host(link))
	}
	sum := sha256.Sum256([]byte(link))
	name := media.Name(fmt.Sprintf("reference-%x", sum[:6]), info.MIME)
	if err := syncFile(temp.Name()); err != nil {
		return order.Artifact{}, err
	}
	if err := os.Rename(temp.Name(), filepath.Join(dir, name)); err != nil {
		return order.Artifact{}, err
	}
	return order.Artifact{Path: filepath.Join(rel, name), Name: name, Bytes: info.Bytes, SHA256: info.SHA256,
		MIME: info.MIME, Media: info.Media, Width: info.Width, Height: info.Height, URL: link}, syncFile(dir)
}

func host(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.Host
}
