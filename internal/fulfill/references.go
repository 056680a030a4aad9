package fulfill

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/media"
	"atelierd/internal/order"
)

// mostReferences is how many of the client's pictures are fetched.
const mostReferences = 16

// pictureNames are endings by which a reference link is taken for a picture.
var pictureNames = []string{".jpg", ".jpeg", ".png", ".webp", ".gif"}

// references are the client's pictures, fetched once and kept. One that cannot
// be had is a note to the generator.
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
	var have []order.Artifact
	fetched := false
	for i, link := range links {
		a, there := f.kept(kept, link)
		if !there {
			if a, err = f.fetch(ctx, o.ID, i, link); err != nil {
				if ctx.Err() != nil {
					return nil, nil, context.Cause(ctx)
				}
				notes = append(notes, fmt.Sprintf("reference %d could not be had: %s", i+1, err))
				continue
			}
			fetched = true
		}
		have = append(have, a)
	}
	if fetched {
		if err := f.o.Store.PutReferences(j, have); err != nil {
			return nil, nil, err
		}
	}
	dir, err := filepath.Abs(f.o.Dir)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range have {
		list = append(list, generate.Reference{Path: filepath.Join(dir, a.Path), MIME: a.MIME, URL: a.URL})
	}
	return list, notes, nil
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

// fetch brings in one picture.
func (f *Fulfiller) fetch(ctx context.Context, orderID string, i int, link string) (order.Artifact, error) {
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
	name := media.Name(fmt.Sprintf("reference-%d", i+1), info.MIME)
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
