package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func (x *market) fetch(address string) (*http.Response, []byte) {
	x.t.Helper()
	resp, err := x.http.Get(address)
	if err != nil {
		x.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	return resp, body
}

func TestAnUploadedFileIsServedUnchanged(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "files")
	x := open(t, Options{UploadDir: dir})
	content := png(70_000)
	r := x.upload("../../e vil\"\r\n.html", "image/png", content)
	address, _ := r.row()["url"].(string)
	if r.status != 200 || r.row()["media_type"] != "image" || strings.Contains(address, "..") || !strings.HasSuffix(address, ".png") {
		t.Fatalf("the upload answered %d %s", r.status, r.text)
	}
	resp, body := x.fetch(address)
	if resp.StatusCode != 200 || !bytes.Equal(body, content) {
		t.Errorf("the file came back as %d with %d bytes", resp.StatusCode, len(body))
	}
	for name, want := range map[string]string{"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	sum := sha256.Sum256(content)
	if f := x.s.Files(); len(f) != 1 || f[0].SHA256 != hex.EncodeToString(sum[:]) || f[0].Size != 70_000 || filepath.Dir(f[0].Path) != dir {
		t.Errorf("the files are %+v", f)
	}
	for _, path := range []string{"/files/none/a.png", "/files/..%2f..%2fetc/passwd"} {
		if resp, _ := x.fetch(x.base + path); resp.StatusCode != 404 {
			t.Errorf("%s answered %d", path, resp.StatusCode)
		}
	}
}

func TestUploadsAreCheckedForTypeContentAndSize(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x := open(t, Options{UploadDir: dir, MaxUpload: 1 << 20, PlatformLimit: -1, Limits: Limits{Upload: -1}})
	mp4 := append([]byte("\x00\x00\x00\x18ftypisom"), make([]byte, 100)...)
	for _, c := range []struct {
		name, kind string
		content    []byte
		want       int
	}{
		{"a.png", "image/png", png(1 << 20), 200},
		{"a.mp4", "video/mp4", mp4, 200},
		{"a.mov", "video/quicktime", mp4, 200},
		{"a.webm", "video/webm", []byte("\x1A\x45\xDF\xA3 and so on"), 200},
		{"a.gif", "image/gif", []byte("GIF89a..."), 200},
		{"a.webp", "image/webp", []byte("RIFF....WEBPVP8 "), 200},
		{"a.jpg", "image/jpeg; q=1", []byte("\xFF\xD8\xFF\xE0"), 200},
		{"a.png", "image/png", png(1<<20 + 1), 400},
		{"a.png", "application/octet-stream", png(100), 400},
		{"a.svg", "image/svg+xml", []byte("<svg/>"), 400},
		{"a.png", "image/png", []byte("<html>"), 400},
		{"a.png", "image/jpeg", png(100), 400},
		{"a.mp4", "video/mp4", png(100), 400},
		{"a.png", "image/png", nil, 400},
	} {
		if r := x.upload(c.name, c.kind, c.content); r.status != c.want || (c.want >= 400 && r.problem == "") {
			t.Errorf("%s as %s, %d bytes: %d %s, want %d", c.name, c.kind, len(c.content), r.status, r.text, c.want)
		}
	}
	kind, body := uploadRequest(t, "attachment", "a.png", "image/png", png(100))
	if r := x.send(t.Context(), "POST", "/api/upload", http.Header{"Content-Type": {kind}}, bytes.NewReader(body)); r.status != 400 {
		t.Errorf("a wrong field name answered %d", r.status)
	}
	kind, body = uploadRequest(t, "file", "a.png", "image/png", png(5000))
	if r := x.send(t.Context(), "POST", "/api/upload", http.Header{"Content-Type": {kind}}, bytes.NewReader(body[:4000])); r.status != 400 {
		t.Errorf("an incomplete body answered %d", r.status)
	}
	x.call(400, "POST", "/api/upload", `{"file":"x"}`)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 7 {
		t.Errorf("%d files on disk (%v), want the 7 accepted ones", len(entries), err)
	}
	if n := len(x.s.Files()); n != 7 {
		t.Errorf("%d files known, want 7", n)
	}
}

func TestThePlatformRejectsLargeRequestsWithoutCountingThem(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Limits: Limits{Upload: 1}})
	contentType, body := uploadRequest(t, "file", "a.png", "image/png", png(4_500_000))
	header := http.Header{"Content-Type": {contentType}}
	if r := x.send(t.Context(), "POST", "/api/upload", header, bytes.NewReader(body)); r == nil || r.status != 413 {
		t.Fatalf("too large a request answered %+v", r)
	}
	if r := x.upload("a.png", "image/png", png(4_400_000)); r.status != 200 {
		t.Errorf("a request below the limit answered %d %s", r.status, r.text)
	}
	y := open(t, Options{})
	if r := y.send(t.Context(), "POST", "/api/upload", header, io.MultiReader(bytes.NewReader(body))); r == nil || r.status != 413 {
		t.Errorf("too large a request of unknown length answered %+v", r)
	}
	z := open(t, Options{Guide: true})
	if r := z.upload("a.png", "image/png", png(4_500_000)); r.status != 200 {
		t.Errorf("the marketplace of the guide answered %d", r.status)
	}
}

func TestOnlyTheDeployedMarketplaceAcceptsTexts(t *testing.T) {
	t.Parallel()
	for guide, want := range map[bool]int{false: 200, true: 400} {
		x := open(t, Options{Guide: guide})
		for name, content := range map[string]string{"text/markdown": "# a poem", "application/pdf": "%PDF-1.7", "application/json": `{"a":1}`} {
			r := x.upload("a", name, []byte(content))
			if r.status != want {
				t.Errorf("guide %v: %s answered %d %s", guide, name, r.status, r.text)
			}
		}
		if r := x.upload("a.txt", "text/plain", []byte("\xff\xfe binary rubbish \x00\xff")); r.status != 400 {
			t.Errorf("a binary file as text answered %d", r.status)
		}
	}
}

func TestTheFormTakesNoPagesAndNoScripts(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Limits: Limits{Upload: -1}})
	id := x.order(NewOrder{})
	for kind, content := range map[string]string{"text/html": "<html>", "text/javascript": "alert(1)", "text/csv": "a,b"} {
		want := 400
		if kind == "text/csv" {
			want = 200
		}
		if r := x.upload("a", kind, []byte(content)); r.status != want {
			t.Errorf("%s by the form answered %d %s", kind, r.status, r.text)
		}
		x.call(200, "POST", "/api/upload/token", `{"content_type":"`+kind+`","filename":"a"}`)
		contentType, body := uploadRequest(t, "file", "a", kind, []byte(content))
		for path, want := range map[string]int{"/api/orders/" + id + "/upload": 200, "/api/orders/ord_none/upload": 404} {
			if r := x.send(t.Context(), "POST", path, http.Header{"Content-Type": {contentType}}, bytes.NewReader(body)); r.status != want {
				t.Errorf("%s to %s answered %d %s", kind, path, r.status, r.text)
			}
		}
	}
}

func TestAnUploadTokenIsValidForItsPathOnly(t *testing.T) {
	t.Parallel()
	x := open(t, Options{UploadDir: t.TempDir()})
	x.call(400, "POST", "/api/upload/token", `{"content_type":"text/x-perl","filename":"a.pl"}`)
	granted := x.call(200, "POST", "/api/upload/token", `{"content_type":"image/png","filename":"my picture.png"}`).row()
	token, _ := granted["upload_token"].(string)
	pathname, _ := granted["pathname"].(string)
	put := func(token, pathname, kind, version string, content []byte) *reply {
		return x.send(t.Context(), "PUT", "/blob/?pathname="+url.QueryEscape(pathname),
			http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {kind}, "X-Api-Version": {version}}, bytes.NewReader(content))
	}
	for _, c := range []struct {
		token, pathname, kind, version string
		want                           int
	}{
		{x.key, pathname, "image/png", "12", 403},
		{token, "other", "image/png", "12", 403},
		{token, pathname, "image/gif", "12", 400},
		{token, pathname, "image/png", "", 400},
	} {
		if r := put(c.token, c.pathname, c.kind, c.version, png(100)); r.status != c.want || !strings.Contains(r.text, `"message"`) {
			t.Errorf("%+v: got %d %s", c, r.status, r.text)
		}
	}
	content := png(6_000_000)
	r := put(token, pathname, "image/png", "12", content)
	f := x.s.Files()
	if r.status != 200 || len(f) != 1 || !strings.Contains(r.text, f[0].URL) {
		t.Fatalf("the blob store answered %d %s", r.status, r.text)
	}
	if resp, body := x.fetch(f[0].URL); resp.StatusCode != 200 || !bytes.Equal(body, content) {
		t.Errorf("the blob came back as %d with %d bytes", resp.StatusCode, len(body))
	}
}

//nolint:paralleltest // it counts the allocations of the whole process
func TestAnUploadStreamsInConstantMemory(t *testing.T) {
	x := open(t, Options{UploadDir: t.TempDir(), PlatformLimit: -1})
	const size = 48 << 20
	from, to := io.Pipe()
	go func() {
		_, err := to.Write([]byte("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n"))
		chunk := png(1 << 20)
		for range size / len(chunk) {
			if err == nil {
				_, err = to.Write(chunk)
			}
		}
		if err == nil {
			_, err = to.Write([]byte("\r\n--b--\r\n"))
		}
		to.CloseWithError(err)
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := x.send(t.Context(), "POST", "/api/upload", http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, from)
	runtime.ReadMemStats(&after)
	if r == nil || r.status != 200 || x.s.Files()[0].Size != size {
		t.Fatalf("the upload answered %+v", r)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("an upload of %d MB allocated %d MB", size>>20, grown>>20)
	}
}
