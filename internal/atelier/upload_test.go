package atelier

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"atelierd/internal/order"
)

// tempFile makes a real file of the given size.
func tempFile(t testing.TB, size int64, mimeType string) File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "result.bin")
	if err := os.WriteFile(name, bytes.Repeat([]byte("atelier!"), int(size/8)), 0o600); err != nil {
		t.Fatal(err)
	}
	return File{
		Name: "my picture.png", MIME: mimeType, Size: size / 8 * 8,
		Open: func() (io.ReadCloser, error) { return os.Open(name) },
	}
}

func TestUploadSendsTheFormOfTheGuide(t *testing.T) {
	t.Parallel()
	s, seen := serve(t, answer(200, `{"success":true,"data":{"url":"https://cdn.example/1.png","media_type":"image"}}`))
	c, meter := client(t, s.URL)
	f := tempFile(t, 80_000, "image/png")
	up, err := c.Upload(t.Context(), "ord_1", f)
	if err != nil || up != (Uploaded{"https://cdn.example/1.png", "image"}) {
		t.Fatalf("%+v, %v", up, err)
	}
	r := seen()[0]
	if r.method != "POST" || r.uri != "/api/upload" || r.length != int64(len(r.body)) || r.length < f.Size || meter.taken[0] != "upload ord_1" {
		t.Errorf("%s %s, length %d of %d, meter %v", r.method, r.uri, r.length, len(r.body), meter.taken)
	}
	_, params, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	form := multipart.NewReader(strings.NewReader(r.body), params["boundary"])
	part, err := form.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	if part.FormName() != "file" || part.FileName() != "my_picture.png" || part.Header.Get("Content-Type") != "image/png" {
		t.Errorf("part = %v", part.Header)
	}
	content, err := io.ReadAll(part)
	if err != nil || !bytes.Equal(content, bytes.Repeat([]byte("atelier!"), 10_000)) {
		t.Errorf("%d bytes of the file arrived, %v", len(content), err)
	}
	if _, err := form.NextPart(); err != io.EOF {
		t.Errorf("after the file: %v", err)
	}
}

// vercel behaves like the deployed marketplace and its blob store.
type vercel struct {
	cuts                  bool // cut the connection of a large form instead of answering
	noToken, tokenRefused bool
	api, blob             func() []sent
}

func (v *vercel) start(t *testing.T) (*Client, *ledger) {
	t.Helper()
	api, apiSeen := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/api/upload" && r.ContentLength > 4_500_000 && v.cuts:
			panic(http.ErrAbortHandler)
		case r.URL.Path == "/api/upload" && r.ContentLength > 4_500_000:
			answer(413, "Request Entity Too Large\n\nFUNCTION_PAYLOAD_TOO_LARGE\n")(w, r)
		case r.URL.Path == "/api/upload":
			answer(200, `{"success":true,"data":{"url":"https://cdn.example/direct.mp4","media_type":"video"}}`)(w, r)
		case r.URL.Path == "/api/upload/token" && !v.noToken:
			answer(200, `{"success":true,"data":{"upload_token":"vercel_blob_client_tok","pathname":"atelier/uploads/a b.mp4"}}`)(w, r)
		default:
			answer(404, `<html><title>404</title></html>`)(w, r)
		}
	})
	blob, blobSeen := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if v.tokenRefused {
			answer(403, `{"error":{"code":"forbidden","message":"token vercel_blob_client_tok has expired"}}`)(w, r)
			return
		}
		answer(200, `{"url":"https://blob.example/a.mp4","pathname":"a"}`)(w, r)
	})
	v.api, v.blob = apiSeen, blobSeen
	return client(t, api.URL, func(o *Options) { o.BlobURL = parse(t, blob.URL+"/api/blob/") })
}

func TestALargeFileGoesToTheBlobStoreWithoutTheKey(t *testing.T) {
	t.Parallel()
	v := &vercel{}
	c, meter := v.start(t)
	f := tempFile(t, 5_000_000, "video/mp4")
	for range 2 {
		up, err := c.Upload(t.Context(), "ord_1", f)
		if err != nil || up != (Uploaded{"https://blob.example/a.mp4", "video"}) {
			t.Fatalf("%+v, %v", up, err)
		}
	}
	var calls []string
	for _, r := range v.api() {
		calls = append(calls, r.uri)
	}
	if want := "[/api/upload /api/upload/token /api/upload/token]"; fmt.Sprint(calls) != want {
		t.Errorf("calls = %v, want %v: the second file must know the way", calls, want)
	}
	sameJSON(t, v.api()[1].body, `{"content_type":"video/mp4","filename":"my_picture.mp4"}`)
	if len(meter.taken) != 3 || len(meter.answers) != 3 {
		t.Errorf("meter = %v", meter.taken)
	}
	for _, r := range v.blob() {
		if r.method != "PUT" || r.uri != "/api/blob/?pathname=atelier%2Fuploads%2Fa+b.mp4" || r.length != f.Size ||
			r.header.Get("Authorization") != "Bearer vercel_blob_client_tok" || r.header.Get("X-Api-Version") != "12" ||
			r.header.Get("Content-Type") != "video/mp4" || int64(len(r.body)) != f.Size {
			t.Errorf("blob store saw %s %s %v, %d bytes", r.method, r.uri, r.header, len(r.body))
		}
		if strings.Contains(fmt.Sprint(r.header), testKey) {
			t.Error("the blob store saw the key")
		}
	}
	if up, err := c.Upload(t.Context(), "ord_1", tempFile(t, 1000, "video/mp4")); err != nil || up.URL != "https://cdn.example/direct.mp4" {
		t.Errorf("a small file: %+v, %v", up, err)
	}
}

func TestALargeFileWithALostRefusalGoesToTheBlobStore(t *testing.T) {
	t.Parallel()
	v := &vercel{cuts: true}
	c, _ := v.start(t)
	if up, err := c.Upload(t.Context(), "ord_1", tempFile(t, 5_000_000, "video/mp4")); err != nil || up.URL != "https://blob.example/a.mp4" {
		t.Errorf("%+v, %v", up, err)
	}
	v = &vercel{cuts: true, noToken: true}
	c, _ = v.start(t)
	_, err := c.Upload(t.Context(), "ord_1", tempFile(t, 5_000_000, "video/mp4"))
	if f, _ := failed(t, err); f.Class != order.Retry || f.Code != order.CodeNoAnswer {
		t.Errorf("without upload tokens: %+v", f)
	}
}

func TestWithoutUploadTokensALargeFileIsRefused(t *testing.T) {
	t.Parallel()
	v := &vercel{noToken: true}
	c, _ := v.start(t)
	_, err := c.Upload(t.Context(), "ord_1", tempFile(t, 5_000_000, "video/mp4"))
	if f, e := failed(t, err); f.Class != order.Fail || f.Code != order.CodeTooLarge || e.Status != 413 {
		t.Errorf("%+v", f)
	}
	c.tokenWorks.Store(true) // as if tokens had worked before
	before := len(v.api())
	_, err = c.Upload(t.Context(), "ord_1", tempFile(t, 5_000_000, "video/mp4"))
	if f, _ := failed(t, err); f.Code != order.CodeTooLarge || len(v.api())-before != 2 || c.tokenWorks.Load() {
		t.Errorf("%+v after %d requests", f, len(v.api())-before)
	}
}

func TestARefusedUploadTokenIsNotARefusedKey(t *testing.T) {
	t.Parallel()
	v := &vercel{tokenRefused: true}
	c, _ := v.start(t)
	_, err := c.Upload(t.Context(), "ord_1", tempFile(t, 5_000_000, "video/mp4"))
	f, _ := failed(t, err)
	if f.Class != order.Retry || f.Code != order.CodeBlobRefused || !strings.Contains(err.Error(), "the blob store answered 403: token [secret] has expired") {
		t.Errorf("%s %s %v", f.Class, f.Code, err)
	}
}

func TestARefusedUploadDoesNotSendTheFile(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	rest := make(chan int64, 1)
	go func() { // a server that refuses at once and keeps the connection
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		if _, err := http.ReadRequest(in); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 429 Too Many\r\nRetry-After: 9\r\nContent-Length: 2\r\n\r\n{}")
		}
		n, _ := io.Copy(io.Discard, in)
		rest <- n
	}()
	c, _ := client(t, "http://"+l.Addr().String())
	f := tempFile(t, 1_000_000, "image/png")
	var read atomic.Int64
	open := f.Open
	f.Open = func() (io.ReadCloser, error) {
		r, err := open()
		return readCloser{io.TeeReader(r, counter{&read}), r}, err
	}
	_, err = c.Upload(t.Context(), "ord_1", f)
	sent := <-rest
	if fail, _ := failed(t, err); fail.Class != order.Wait || fail.After != 9*time.Second || read.Load()+sent != 0 {
		t.Errorf("%+v after %d bytes read and %d sent", fail, read.Load(), sent)
	}
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) { c.n.Add(int64(len(p))); return len(p), nil }

func TestAFileThatChangedIsNotUploaded(t *testing.T) {
	t.Parallel()
	s, seen := serve(t, answer(200, `{"success":true,"data":{"url":"https://cdn.example/1.png"}}`))
	c, meter := client(t, s.URL)
	for _, off := range []int64{-8, 8} {
		f := tempFile(t, 200_000, "image/png")
		f.Size += off
		_, err := c.Upload(t.Context(), "ord_1", f)
		if fail, _ := failed(t, err); fail.Class != order.Retry || fail.Code != order.CodeFileChanged {
			t.Errorf("size %+d: %+v", off, fail)
		}
	}
	for _, r := range seen() {
		if r.length == int64(len(r.body)) {
			t.Error("the server has got a whole body")
		}
	}
	taken := len(meter.taken)
	_, err := c.Upload(t.Context(), "ord_1", File{
		Name: "x", MIME: "image/png", Size: 8,
		Open: func() (io.ReadCloser, error) { return nil, os.ErrNotExist },
	})
	if fail, _ := failed(t, err); fail.Code != order.CodeFileUnreadable || !errors.Is(err, ErrNotSent) || len(meter.taken) != taken {
		t.Errorf("missing file: %+v", fail)
	}
	for _, mimeType := range []string{"", "image/png\r\nX: y", "no type at all"} {
		_, err := c.Upload(t.Context(), "ord_1", File{MIME: mimeType})
		if fail, _ := failed(t, err); fail.Class != order.Fail || !errors.Is(err, ErrNotSent) {
			t.Errorf("type %q: %+v", mimeType, fail)
		}
	}
}

func TestFileNamesAreMadeSafe(t *testing.T) {
	t.Parallel()
	for _, tc := range [][3]string{
		{"result.png", "image/png", "result.png"},
		{"../../etc/passwd", "image/png", "passwd.png"},
		{`C:\pics\a.jpeg`, "image/jpeg", "a.jpg"},
		{"a\"; filename=\"b.exe\r\nX: y", "video/mp4", "a___filename__b.mp4"},
		{"", "image/gif", "file.gif"},
		{".png", "image/png", "file.png"},
		{"naïve 🎨.webp", "image/webp", "na_ve.webp"},
		{strings.Repeat("x", 500) + ".png", "image/png", strings.Repeat("x", 80) + ".png"},
		{"notes.txt", "text/plain", "notes.txt"},
	} {
		if got := safeName(tc[0], tc[1]); got != tc[2] {
			t.Errorf("safeName(%q, %s) = %q, want %q", tc[0], tc[1], got, tc[2])
		}
	}
}

// discard is a server that accepts files of any size and stores their digest.
func discard(t testing.TB) (*httptest.Server, *atomic.Value) {
	var digest atomic.Value
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form, err := r.MultipartReader()
		if err != nil {
			t.Error(err)
			return
		}
		part, err := form.NextPart()
		if err != nil {
			t.Error(err)
			return
		}
		h := sha256.New()
		if _, err := io.Copy(h, part); err != nil {
			t.Error(err)
		}
		digest.Store(hex.EncodeToString(h.Sum(nil)))
		answer(200, `{"success":true,"data":{"url":"https://cdn.example/1.mp4","media_type":"video"}}`)(w, r)
	}))
	t.Cleanup(s.Close)
	return s, &digest
}

//nolint:paralleltest // it measures the memory of the whole process
func TestUploadStreamsInConstantMemory(t *testing.T) {
	s, digest := discard(t)
	c, _ := client(t, s.URL)
	f := tempFile(t, 50<<20, "video/mp4")
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := c.Upload(t.Context(), "ord_1", f); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 4<<20 {
		t.Errorf("50 MB cost %d bytes of memory, both ends together", spent)
	}
	want := sha256.Sum256(bytes.Repeat([]byte("atelier!"), 50<<20/8))
	if digest.Load() != hex.EncodeToString(want[:]) {
		t.Errorf("the file arrived as %v", digest.Load())
	}
}

func TestWhatTheFormRefusesGoesUpByToken(t *testing.T) {
	t.Parallel()
	for _, mime := range []string{"text/html", "Text/HTML; charset=utf-8", "text/javascript"} {
		v := &vercel{}
		c, _ := v.start(t)
		up, err := c.Upload(t.Context(), "ord_1", tempFile(t, 1000, mime))
		if err != nil || up.URL != "https://blob.example/a.mp4" || len(v.api()) != 1 || v.api()[0].uri != "/api/upload/token" {
			t.Errorf("%s: %+v, %v, after %d requests", mime, up, err, len(v.api()))
		}
	}
	v := &vercel{noToken: true}
	c, _ := v.start(t)
	if up, err := c.Upload(t.Context(), "ord_1", tempFile(t, 1000, "text/html")); err != nil || up.URL != "https://cdn.example/direct.mp4" {
		t.Errorf("without upload tokens the form is tried: %+v, %v", up, err)
	}
}
