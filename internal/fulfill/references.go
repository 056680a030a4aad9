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

	"atelierd/internal/beat"
	"atelierd/internal/generate"
	"atelierd/internal/media"
	"atelierd/internal/order"
)

// Limits of the client's pictures together.
const (
	mostReferences     = 16
	mostReferenceBytes = 32 << 20 // a generator holds all of them in memory, several times over
	referencesTimeout  = time.Minute
	fetchesAtOnce      = 4
)

// pictureNames are the endings that make a reference link a picture.
var pictureNames = []string{".jpg", ".jpeg", ".png", ".webp", ".gif"}

// references returns the client's pictures, which are fetched once and stored. For
// one that cannot be fetched there is a note, for the generator and the owner. A
// failure of the disk is an error.
func (r *run) references(ctx context.Context) (list []generate.Reference, notes []string, err error) {
	f, o := r.Fulfiller, r.order
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
	for i, ref := range found {
		switch {
		case ref.err != nil:
			notes = append(notes, fmt.Sprintf("reference %d could not be fetched: %s", i+1, ref.err))
			continue
		case ref.Bytes > room:
			notes = append(notes, fmt.Sprintf("reference %d is left out: together they have more than %d MB", i+1, mostReferenceBytes>>20))
		default:
			room -= ref.Bytes
			list = append(list, generate.Reference{Path: filepath.Join(f.o.Dir, ref.Path), MIME: ref.MIME, URL: ref.URL})
		}
		have, fetched = append(have, ref.Artifact), fetched || ref.fetched
	}
	if fetched {
		err = f.o.Store.PutReferences(r.job, have)
	}
	if len(notes) > 0 {
		err = errors.Join(err, f.o.Store.Remark(r.job, "reference", notes))
	}
	return list, notes, err
}

// reference is a picture, or why there is none.
type reference struct {
	order.Artifact
	fetched bool // now, and not before
	err     error
}

// fetchMissing fetches what is not stored yet, a few at a time, within one time
// limit. A picture that fails has its own error; the returned one ends the run.
func (f *Fulfiller) fetchMissing(ctx context.Context, orderID string, links []string, kept []order.Artifact) ([]reference, error) {
	limited, cancel := beat.Timeout(ctx, referencesTimeout)
	defer cancel()
	found := make([]reference, len(links))
	turns := make(chan struct{}, fetchesAtOnce)
	var all sync.WaitGroup
	for i, link := range links {
		if a, there := f.stored(kept, link); there {
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

// lastRound returns the pictures of the last round whose files are still there.
func (r *run) lastRound(ctx context.Context) (list []generate.Reference, err error) {
	j := r.job
	if j.Kind != order.KindDelivery || j.Round == 0 {
		return nil, nil
	}
	files, err := r.o.Store.Artifacts(ctx, j.OrderID, j.Kind, j.Round-1)
	return r.picturesOf(files), err
}

// storedReferences returns the client's pictures that are stored, for a check. It
// fetches nothing: a check sees what the generator saw.
func (r *run) storedReferences(ctx context.Context) (list []generate.Reference, err error) {
	stored, err := r.o.Store.Artifacts(ctx, r.order.ID, order.KindReference, 0)
	for _, link := range pictures(r.order) {
		if a, there := r.stored(stored, link); there {
			list = append(list, generate.Reference{Path: filepath.Join(r.o.Dir, a.Path), MIME: a.MIME, URL: a.URL})
		}
	}
	return list, err
}

// pictures returns the links of an order to pictures, each once.
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

// stored finds the reference of a link that was fetched before, if its file is
// still there.
func (f *Fulfiller) stored(list []order.Artifact, link string) (order.Artifact, bool) {
	for _, a := range list {
		if a.URL == link {
			st, err := os.Lstat(filepath.Join(f.o.Dir, a.Path))
			return a, err == nil && st.Size() == a.Bytes
		}
	}
	return order.Artifact{}, false
}

// fetch fetches one picture. Its name comes from the link, because the list may
// change.
func (f *Fulfiller) fetch(ctx context.Context, orderID string, link string) (order.Artifact, error) {
	rel := filepath.Join(filepath.Dir(folder(FilesDir, orderID, order.KindDelivery, 0)), "references")
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
		return order.Artifact{}, fmt.Errorf("what %.60q links to is not a picture of a known type", siteOf(link))
	}
	sum := sha256.Sum256([]byte(link))
	name := media.Name(fmt.Sprintf("reference-%x", sum[:6]), info.MIME)
	if err := syncFile(temp.Name()); err != nil {
		return order.Artifact{}, err
	}
	if err := os.Rename(temp.Name(), filepath.Join(dir, name)); err != nil {
		return order.Artifact{}, err
	}
	return order.Artifact{
		Path: filepath.Join(rel, name), Name: name, Bytes: info.Bytes, SHA256: info.SHA256,
		MIME: info.MIME, Media: info.Media, Width: info.Width, Height: info.Height, URL: link,
	}, syncFile(dir)
}

func siteOf(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.Host
}
