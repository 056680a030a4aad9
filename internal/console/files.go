package console

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/media"
	"atelierd/internal/order"
	"atelierd/internal/thumb"
)

// Files are the files of orders and their thumbnails.
type Files interface {
	// File returns a file of the ledger by its id.
	File(ctx context.Context, id int64) (order.Artifact, error)
	// Original opens a file, and Open its thumbnail, see package thumb.
	Original(a order.Artifact) (*os.File, error)
	Open(ctx context.Context, a order.Artifact) (*os.File, error)
	// Has reports whether a file has a thumbnail, or may get one.
	Has(a order.Artifact) bool
	// Covers returns the first file of what was made last for each of the orders, by the
	// order's id.
	Covers(ctx context.Context, orderIDs []string) (map[string]order.Artifact, error)
}

// file is a file of an order as pages show it.
type file struct {
	ID    int64
	Kind  string // picture, film, text, other, link or gone
	Thumb string // address of the small picture; "" for none
	Full  string // address of the file; "" for one that is not here
	// Width and Height are the pixels of the small picture, or of the frame for a film; 0
	// where they are unknown.
	Width, Height int
	Tag           string // PNG, MP4, ...
	Words         string // PNG, 1024 × 1024, 1.2 MB
}

// Tile is the file as a square in a list.
func (f file) Tile() picture { return picture{Src: f.Thumb, Word: f.Tag} }

// mostDirect are the largest pictures that pages show themselves where no small one can be
// made. A browser decodes more forms than we do.
const (
	mostDirect       = 2 << 20
	mostDirectPixels = 4 << 20
)

// file returns what pages show of a file.
func (c *console) file(a order.Artifact) file {
	f := file{ID: a.ID, Kind: kindOf(a), Tag: tagOf(a)}
	f.Words = f.Tag
	if a.Width > 0 && a.Height > 0 {
		f.Words += fmt.Sprintf(", %d × %d", a.Width, a.Height)
		f.Width, f.Height = thumb.Fit(a.Width, a.Height, thumb.Side)
	}
	if a.Bytes > 0 {
		size, _ := bytesText(a.Bytes) // it is a number
		f.Words += ", " + size
	}
	switch {
	case f.Kind == "gone":
		f.Words += ", no longer kept"
		return f
	case f.Kind == "link" || c.Files == nil:
		return f
	}
	f.Full = fmt.Sprintf("/files/%d/%s", a.ID, a.SHA256)
	switch {
	case c.Files.Has(a):
		f.Thumb = fmt.Sprintf("/thumbs/%d/%s.jpg", a.ID, a.SHA256)
	case f.Kind == "picture" && a.Bytes <= mostDirect && a.Width*a.Height <= mostDirectPixels:
		f.Thumb = f.Full
	}
	return f
}

// covers returns a file for each of the orders that has one, by the order's id.
func (c *console) covers(ctx context.Context, orderIDs []string) (map[string]file, error) {
	if c.Files == nil {
		return nil, nil
	}
	found, err := c.Files.Covers(ctx, orderIDs)
	covers := map[string]file{}
	for id, a := range found {
		covers[id] = c.file(a)
	}
	return covers, err
}

func kindOf(a order.Artifact) string {
	kind, _, _ := strings.Cut(a.MIME, "/")
	switch {
	case !a.Removed.IsZero():
		return "gone"
	case a.Path == "":
		return "link"
	case kind == "image":
		return "picture"
	case kind == "video":
		return "film"
	case kind == "text" || a.MIME == "application/json":
		return "text"
	}
	return "other"
}

// tagOf is the type of a file in one word.
func tagOf(a order.Artifact) string {
	if a.MIME == "" {
		return "link"
	}
	if a.MIME == "image/jpeg" {
		return "JPEG"
	}
	return strings.ToUpper(strings.TrimPrefix(path.Ext(media.Name("", a.MIME)), "."))
}

// filePolicy lets a file do nothing, should a browser open it as a page.
const filePolicy = "sandbox; default-src 'none'"

// shown are the types that a browser may show. Others are saved: a page or a drawing could
// run a script.
var shown = map[string]bool{
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true,
	"video/mp4": true, "video/webm": true, "video/quicktime": true,
}

const (
	// fileTime is how long the sending of a file may take. A browser asks again for the
	// rest of a film.
	fileTime = 15 * time.Minute
	// thumbTime is how long a page waits for a small picture that is not made yet.
	thumbTime = 3 * time.Second
)

// showFile serves a file of an order. Its address has the id of the file in the ledger and
// its sha256, so that a page never shows other pictures than those that it was made for.
func (c *console) showFile(w http.ResponseWriter, v visit) {
	a, ok := c.asked(w, v, v.PathValue("sum"))
	if !ok {
		return
	}
	f, err := c.Files.Original(a)
	if err != nil {
		c.noFile(w, v, err)
		return
	}
	defer f.Close()
	kind, err := media.Sniff(f)
	if err != nil {
		c.noFile(w, v, err)
		return
	}
	disposition, named := "inline", kind
	if !shown[kind] {
		kind, disposition, named = "application/octet-stream", "attachment", a.MIME
	}
	name := media.Name(strings.TrimSuffix(a.Name, path.Ext(a.Name)), named)
	w.Header().Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": name}))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(fileTime)) // or the usual one stays
	send(w, v, f, kind, a.SHA256)
}

// showThumb serves the small picture of a file, and a tile while it is made.
func (c *console) showThumb(w http.ResponseWriter, v visit) {
	sum, isJPEG := strings.CutSuffix(v.PathValue("name"), ".jpg")
	if !isJPEG {
		sum = ""
	}
	a, ok := c.asked(w, v, sum)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(v.Context(), thumbTime)
	defer cancel()
	f, err := c.Files.Open(ctx, a)
	switch {
	case errors.Is(err, thumb.ErrLater):
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = w.Write([]byte(tileBeingMade)) // whoever asked has left
		return
	case err != nil:
		c.noFile(w, v, err)
		return
	}
	defer f.Close()
	send(w, v, f, "image/jpeg", "thumb-"+a.SHA256)
}

// tileBeingMade is shown in the place of a small picture that is not made yet.
const tileBeingMade = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72"><rect width="72" height="72" fill="#efece6"/>` +
	`<g fill="#857f74"><circle cx="24" cy="36" r="3"/><circle cx="36" cy="36" r="3"/><circle cx="48" cy="36" r="3"/></g></svg>`

// asked returns the file that an address names: by its id, with its sha256.
func (c *console) asked(w http.ResponseWriter, v visit, sum string) (order.Artifact, bool) {
	w.Header().Set("Content-Security-Policy", filePolicy)
	id, err := strconv.ParseUint(v.PathValue("id"), 10, 63)
	if err != nil || c.Files == nil {
		c.noFile(w, v, nil)
		return order.Artifact{}, false
	}
	a, err := c.Files.File(v.Context(), int64(id))
	if err != nil || a.SHA256 == "" || a.SHA256 != sum {
		c.noFile(w, v, err)
		return order.Artifact{}, false
	}
	return a, true
}

// noFile answers a request for a file that is not there.
func (c *console) noFile(w http.ResponseWriter, v visit, err error) {
	if err != nil {
		c.Log.Debug("a file could not be shown", "path", v.URL.Path, "error", err)
	}
	http.Error(w, "There is no such file here. It may have been made again, or is no longer kept.", http.StatusNotFound)
}

// send sends a file, or the parts of it that are asked for. What an address shows never
// changes.
func send(w http.ResponseWriter, v visit, f *os.File, kind, tag string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "private, max-age=86400, immutable")
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, v.Request, "", time.Time{}, f)
}
