package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/thumb"
)

// gallery is a site with files of orders.
type gallery struct {
	*site
	*console
	rows  int64
	thumb *thumb.Maker
}

// fileSource joins a ledger and its small pictures as the daemon does.
type fileSource struct {
	*thumb.Maker
	fileRows
}

// fileRows is the part of the store that has files.
type fileRows interface {
	File(ctx context.Context, id int64) (order.Artifact, error)
	Covers(ctx context.Context, orderIDs []string) (map[string]order.Artifact, error)
}

func newGallery(t *testing.T) *gallery {
	t.Helper()
	g := &gallery{}
	g.site = newSite(t, func(o *Options) {
		st := o.View.Store
		g.thumb = thumb.New(thumb.Options{Dir: o.View.Config().DataDir, FilesDir: "artifacts", Files: st.FilesAfter, Wanted: st.FileWanted})
		o.Files = fileSource{g.thumb, st}
		g.console = &console{Options: *o}
	})
	g.link()
	return g
}

// run makes small pictures until the end of the test.
func (g *gallery) run() {
	ctx, stop := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { _ = g.thumb.Run(ctx) })
	g.Cleanup(func() { stop(); ended.Wait() })
}

// put stores a file of an order and returns its row.
func (g *gallery) put(orderID, name, mime string, content []byte) order.Artifact {
	g.Helper()
	file := filepath.Join(g.dir, "artifacts", orderID, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		g.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		g.Fatal(err)
	}
	sum := sha256.Sum256(content)
	return g.row(order.Artifact{
		OrderID: orderID, Path: "artifacts/" + orderID + "/" + name, Name: name, MIME: mime, Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:]),
	})
}

// row stores a row of the ledger, whether or not there is such a file.
func (g *gallery) row(a order.Artifact) order.Artifact {
	g.Helper()
	g.rows++
	a.ID = g.rows
	g.exec(`INSERT INTO artifacts (id, order_id, kind, round, take, position, path, name, bytes, sha256, mime, media, width, height, url, created_at)
		VALUES (?, ?, 'delivery', 0, 1, ?, ?, ?, ?, ?, ?, 'image', 0, 0, '', '2026-11-26T12:00:00Z')`,
		a.ID, a.OrderID, a.ID, a.Path, a.Name, a.Bytes, a.SHA256, a.MIME)
	return a
}

func full(a order.Artifact) string  { return fmt.Sprintf("/files/%d/%s", a.ID, a.SHA256) }
func small(a order.Artifact) string { return fmt.Sprintf("/thumbs/%d/%s.jpg", a.ID, a.SHA256) }

func pngOf(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fenced fails unless a browser may do nothing with what it got but show it.
func (g *gallery) fenced(a answer) {
	g.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := a.Header.Values(name); len(got) != 1 || got[0] != want {
			g.Errorf("%s: %s is %q, want %q", a.Request.URL, name, got, want)
		}
	}
}

// made asks for a small picture until it is made, which may take long on a busy machine.
func (g *gallery) made(at string) answer {
	g.Helper()
	for {
		if got := g.get(at); !strings.HasPrefix(got.body, "<svg") || g.Context().Err() != nil {
			return got
		}
	}
}

func TestAFileIsShownOrSavedByWhatItIs(t *testing.T) {
	t.Parallel()
	const svg, page = `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`, "<!doctype html><script>alert(1)</script>"
	const movie = "\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"
	g := newGallery(t)
	for name, c := range map[string]struct{ mime, content, kind, as string }{
		"a.png":                    {"image/png", string(pngOf(t, 9, 9)), "image/png", "inline; filename=a.png"},
		"b.jpg":                    {"image/jpeg", "\xff\xd8\xff\xe0", "image/jpeg", "inline; filename=b.jpg"},
		"c.gif":                    {"image/gif", "GIF89a", "image/gif", "inline; filename=c.gif"},
		"d.webp":                   {"image/webp", "RIFF\x00\x00\x00\x00WEBP", "image/webp", "inline; filename=d.webp"},
		"e.mp4":                    {"video/mp4", movie, "video/mp4", "inline; filename=e.mp4"},
		"f.webm":                   {"video/webm", "\x1aE\xdf\xa3\x9f\x42\x82\x84webm", "video/webm", "inline; filename=f.webm"},
		"g.svg":                    {"image/svg+xml", svg, "application/octet-stream", "attachment; filename=g.bin"},
		"h.html":                   {"text/html", page, "application/octet-stream", "attachment; filename=h.html"},
		"i.png":                    {"image/png", page, "application/octet-stream", "attachment; filename=i.png"},
		"j.png":                    {"image/png", svg, "application/octet-stream", "attachment; filename=j.png"},
		"k.html":                   {"text/html", string(pngOf(t, 9, 8)), "image/png", "inline; filename=k.png"},
		"l.pdf":                    {"application/pdf", "%PDF-1.7", "application/octet-stream", "attachment; filename=l.pdf"},
		"m.txt":                    {"text/plain", "hello", "application/octet-stream", "attachment; filename=m.txt"},
		"n.js":                     {"text/javascript", "alert(1)", "application/octet-stream", "attachment; filename=n.js"},
		"o.zip":                    {"application/zip", "PK\x03\x04", "application/octet-stream", "attachment; filename=o.zip"},
		"\"\r\n;p \u202egnp.x.png": {"image/png", string(pngOf(t, 9, 7)), "image/png", "inline; filename=p-gnp-x.png"},
	} {
		a := g.put("o1", name, c.mime, []byte(c.content))
		got := g.get(full(a))
		g.want(got, http.StatusOK)
		g.fenced(got)
		if got.body != c.content || got.Header.Get("Content-Type") != c.kind || got.Header.Get("Content-Disposition") != c.as {
			t.Errorf("%q: %s, %q, %d bytes", name, got.Header.Get("Content-Type"), got.Header.Get("Content-Disposition"), len(got.body))
		}
		if cache := got.Header.Get("Cache-Control"); !strings.HasPrefix(cache, "private,") || got.Header.Get("ETag") != `"`+a.SHA256+`"` {
			t.Errorf("%q: Cache-Control %q, ETag %q", name, cache, got.Header.Get("ETag"))
		}
	}
}

func TestPartsOfAFilmAreServed(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	a := g.put("o1", "a.mp4", "video/mp4", []byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"))
	for _, c := range []struct {
		name, value string
		status      int
		body        string
	}{
		{"Range", "bytes=4-7", http.StatusPartialContent, "ftyp"},
		{"Range", "bytes=-4", http.StatusPartialContent, "iso2"},
		{"Range", "bytes=99-", http.StatusRequestedRangeNotSatisfiable, ""},
		{"If-None-Match", `"` + a.SHA256 + `"`, http.StatusNotModified, ""},
	} {
		got := g.send(http.MethodGet, full(a), nil, func(r *http.Request) { r.Header.Set(c.name, c.value) })
		g.want(got, c.status, c.body)
		g.fenced(got)
	}
	if got := g.send(http.MethodHead, full(a), nil); got.ContentLength != a.Bytes || got.body != "" {
		t.Errorf("HEAD has %d bytes", got.ContentLength)
	}
}

// TestNoAddressLeadsOutOfTheFiles guards the key, the configuration and other files.
func TestNoAddressLeadsOutOfTheFiles(t *testing.T) {
	t.Parallel()
	const secret = "the secret of the agent"
	g := newGallery(t)
	if err := os.WriteFile(filepath.Join(g.dir, "credentials.json"), []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	a, b := g.put("o1", "a.png", "image/png", pngOf(t, 9, 9)), g.put("o2", "b.png", "image/png", pngOf(t, 8, 8))
	paths := []string{
		"/files/", "/files", "/files/1", fmt.Sprintf("/files/%d/%s", a.ID, b.SHA256), fmt.Sprintf("/files/%d/%s", b.ID+9, b.SHA256),
		fmt.Sprintf("/files/%d/", a.ID), fmt.Sprintf("/thumbs/%d/.jpg", a.ID), fmt.Sprintf("/thumbs/%d/%s", a.ID, a.SHA256), fmt.Sprintf("/thumbs/%d/%s.jpg", a.ID, b.SHA256),
		"/files/-1/" + a.SHA256, "/files/+1/" + a.SHA256, "/files/1e0/" + a.SHA256, "/files/0x1/" + a.SHA256, "/files/99999999999999999999/" + a.SHA256,
		"/files/1%00/" + a.SHA256, fmt.Sprintf("/files/%d/%s%%00", a.ID, a.SHA256), fmt.Sprintf("/files/%d/%s", a.ID, strings.ToUpper(a.SHA256)),
	}
	for _, up := range []string{"../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..;/", "....//", "%252e%252e%252f", "..%c0%af", "%u002e%u002e/"} {
		for _, from := range []string{"/files/", "/files/1/", "/thumbs/1/", "/thumbs/", "/static/"} {
			paths = append(paths, from+up+"credentials.json", from+up+up+up+"credentials.json", from+strings.Repeat(up, 9)+"etc/passwd")
		}
	}
	paths = append(paths, "/files//etc/passwd", "/files/1//etc/passwd", "/files/%2fetc%2fpasswd/1", "/files/1/%2fetc%2fpasswd", "/files/file:%2f%2f%2fetc%2fpasswd/1")
	for _, p := range paths {
		got := g.send(http.MethodGet, "/", nil, func(r *http.Request) { r.URL.Opaque = p })
		if got.StatusCode == http.StatusOK || strings.Contains(got.body, secret) || strings.Contains(got.body, "root:") {
			t.Errorf("%s: status %d\n%.200s", p, got.StatusCode, got.body)
		}
	}
	g.want(g.get(full(a)), http.StatusOK)
}

// TestARowThatNamesAnotherFileShowsNothing guards against a damaged ledger, and against
// links among the files.
func TestARowThatNamesAnotherFileShowsNothing(t *testing.T) {
	t.Parallel()
	const secret = "the secret of the agent"
	sum := sha256.Sum256([]byte(secret))
	g := newGallery(t)
	g.run()
	a := g.put("o1", "a.png", "image/png", pngOf(t, 9, 9))
	if err := os.WriteFile(filepath.Join(g.dir, "credentials.json"), []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"link": "../../credentials.json", "up": "../.."} {
		if err := os.Symlink(to, filepath.Join(g.dir, "artifacts", "o1", link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{
		"credentials.json", "artifacts/../credentials.json", "artifacts/o1/link", "artifacts/o1/up/credentials.json", filepath.Join(g.dir, "credentials.json"),
		"artifacts/o1/missing", "", "artifacts/o1/link\x00.png",
	} {
		row := g.row(order.Artifact{OrderID: "o1", Path: path, Name: "x.png", MIME: "image/png", Bytes: int64(len(secret)), SHA256: hex.EncodeToString(sum[:])})
		for _, at := range []string{full(row), small(row)} {
			got := g.made(at)
			g.want(got, http.StatusNotFound)
			g.fenced(got)
		}
	}
	if err := os.WriteFile(filepath.Join(g.dir, a.Path), []byte("longer than the ledger has it"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.want(g.get(full(a)), http.StatusNotFound)
}

func TestOnlyWhoIsLoggedInSeesFiles(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	a := g.put("o1", "a.png", "image/png", pngOf(t, 9, 9))
	g.client = browser(t)
	for _, at := range []string{full(a), small(a)} {
		got := g.get(at)
		if got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.Header.Get("Location"), "/login") {
			t.Errorf("%s: status %d to %q, want the log-in", at, got.StatusCode, got.Header.Get("Location"))
		}
	}
}

func TestASmallPictureIsMadeWhenAPageAsksForIt(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	a, broken := g.put("o1", "a.png", "image/png", pngOf(t, 1024, 512)), g.put("o1", "b.png", "image/png", []byte("\x89PNG\r\n\x1a\n"))
	before := g.get(small(a)) // nothing makes it yet
	g.want(before, http.StatusOK, "<svg")
	g.fenced(before)
	if got := before.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("a tile is cached: %q", got)
	}
	g.run()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			got := g.made(small(a))
			g.want(got, http.StatusOK)
			g.fenced(got)
			img, err := jpeg.DecodeConfig(strings.NewReader(got.body))
			if err != nil || img.Width != 512 || img.Height != 256 || !strings.HasPrefix(got.Header.Get("Cache-Control"), "private,") {
				t.Errorf("it has %d x %d pixels, %v", img.Width, img.Height, err)
			}
		})
	}
	all.Wait()
	g.want(g.made(small(broken)), http.StatusNotFound)
	if g.file(broken).Thumb != full(broken) {
		t.Errorf("a browser is not left to decode %+v", g.file(broken))
	}
}

func TestWhatPagesShowOfAFile(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	sum := strings.Repeat("ab", 32)
	here := order.Artifact{ID: 7, Path: "artifacts/o1/a", SHA256: sum, Bytes: 1_234_567}
	for name, c := range map[string]struct {
		change func(*order.Artifact)
		want   file
	}{
		"a picture": {func(a *order.Artifact) { a.MIME, a.Width, a.Height = "image/png", 1024, 2048 }, file{
			Kind: "picture", Tag: "PNG", Words: "PNG, 1024 × 2048, 1.2 MB", Width: 256, Height: 512, Full: "/files/7/" + sum, Thumb: "/thumbs/7/" + sum + ".jpg",
		}},
		"a film":     {func(a *order.Artifact) { a.MIME = "video/mp4" }, file{Kind: "film", Tag: "MP4", Words: "MP4, 1.2 MB", Full: "/files/7/" + sum}},
		"a document": {func(a *order.Artifact) { a.MIME = "application/pdf" }, file{Kind: "other", Tag: "PDF", Words: "PDF, 1.2 MB", Full: "/files/7/" + sum}},
		"a text":     {func(a *order.Artifact) { a.MIME = "text/markdown" }, file{Kind: "text", Tag: "MD", Words: "MD, 1.2 MB", Full: "/files/7/" + sum}},
		"a link":     {func(a *order.Artifact) { a.Path, a.Bytes = "", 0 }, file{Kind: "link", Tag: "link", Words: "link"}},
		"removed": {func(a *order.Artifact) { a.MIME, a.Removed = "image/webp", time.Now() }, file{
			Kind: "gone", Tag: "WEBP", Words: "WEBP, 1.2 MB, no longer kept",
		}},
		"of an unknown type": {func(a *order.Artifact) { a.MIME = `x"><script>` }, file{Kind: "other", Tag: "BIN", Words: "BIN, 1.2 MB", Full: "/files/7/" + sum}},
	} {
		a := here
		c.change(&a)
		c.want.ID = 7
		if got := g.file(a); got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}

func TestAnOrderOfAListHasACover(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	first, second := g.put("o1", "a.png", "image/png", pngOf(t, 9, 9)), g.put("o1", "b.png", "image/png", pngOf(t, 8, 8))
	g.exec("UPDATE artifacts SET created_at = '2026-11-27T12:00:00Z' WHERE id = ?", second.ID)
	covers, err := g.covers(t.Context(), []string{"o1", "o2"})
	if err != nil || len(covers) != 1 || covers["o1"].ID != second.ID {
		t.Errorf("got %+v, %v; want file %d, made after %d", covers, err, second.ID, first.ID)
	}
	if _, err := g.Files.File(t.Context(), 99); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an unknown id: %v", err)
	}
}
