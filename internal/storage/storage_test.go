package storage_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/pipenet"
	"atelierd/internal/secret"
	"atelierd/internal/storage"
)

// serve serves over pipes, in simulated time.
func serve(t *testing.T, h http.Handler) *http.Transport {
	t.Helper()
	listener := pipenet.New()
	server := &http.Server{Handler: h}
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(listener) })
	t.Cleanup(func() {
		server.Close()
		serving.Wait()
	})
	return &http.Transport{DialContext: listener.Dial, DisableKeepAlives: true}
}

// published is what a storage keeps, with how the web shows it.
type published struct {
	*storage.Storage
	bucket *bucket
	folder string
	// web, if not nil, answers a fetch in place of the web server.
	web atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool]
}

func (p *published) answer(fn func(w http.ResponseWriter, r *http.Request) bool) { p.web.Store(&fn) }

func (p *published) serve(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fn := p.web.Load(); fn != nil && r.Header.Get("Authorization") == "" && (*fn)(w, r) {
			return
		}
		h.ServeHTTP(w, r)
	})
}

func newFolder(t *testing.T, dir string) *published {
	t.Helper()
	p := &published{folder: dir}
	files := http.StripPrefix("/deliveries", http.FileServer(http.Dir(dir)))
	p.Storage = storage.New(storage.Options{
		Backend: storage.Folder{Path: dir}, Place: "folder", PublicURL: "http://files.test/deliveries/",
		Transport: serve(t, p.serve(files)),
	})
	return p
}

func newS3(t *testing.T, change func(*storage.S3)) *published {
	t.Helper()
	p := &published{bucket: &bucket{objects: map[string]object{}}}
	transport := serve(t, p.serve(p.bucket))
	b := storage.S3{
		Endpoint: "http://s3.test", Bucket: "files", Region: "us-east-1", Prefix: "out/", Transport: transport,
		Keys: func() (access, key secret.Text, err error) { return secret.New(accessKey), secret.New(secretKey), nil },
	}
	if change != nil {
		change(&b)
	}
	p.Storage = storage.New(storage.Options{Backend: b, Place: "s3", PublicURL: "http://s3.test/files/out", Transport: transport})
	return p
}

func file(content string) storage.File {
	sum := sha256.Sum256([]byte(content))
	return storage.File{
		Key: storage.NewKey(".png"), Name: "a-fox.png", MIME: "image/png", Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
	}
}

// both runs a test with each kind of storage, in simulated time.
func both(t *testing.T, test func(t *testing.T, p *published)) {
	t.Helper()
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) { test(t, newFolder(t, dir)) })
	})
	t.Run("s3", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { test(t, newS3(t, nil)) })
	})
}

func (p *published) names(t *testing.T) (list []string) {
	t.Helper()
	if p.bucket != nil {
		for _, key := range p.bucket.stored() {
			list = append(list, strings.TrimPrefix(key, "out/"))
		}
		return list
	}
	entries, err := os.ReadDir(p.folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestARepeatedPutIsTheSameObject(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p *published) {
		f := file("\x89PNG a fox")
		first, err := p.Publish(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		again, err := p.Publish(t.Context(), f)
		if err != nil || again != first || !strings.HasSuffix(first, "/"+f.Key) {
			t.Errorf("%s, then %s, %v", first, again, err)
		}
		if names := p.names(t); !slices.Equal(names, []string{f.Key}) {
			t.Errorf("stored are %q", names)
		}
		for range 2 {
			if err := p.Remove(t.Context(), f.Key); err != nil {
				t.Error(err)
			}
		}
		if names := p.names(t); len(names) != 0 {
			t.Errorf("%q are left", names)
		}
	})
}

func TestAnAddressThatShowsNothingYetIsFetchedAgain(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p *published) {
		asked := 0
		p.answer(func(w http.ResponseWriter, r *http.Request) bool {
			if asked++; asked > 3 {
				return false
			}
			http.NotFound(w, r)
			return true
		})
		if _, err := p.Publish(t.Context(), file("late")); err != nil || asked != 4 {
			t.Errorf("%v after %d fetches", err, asked)
		}
	})
}

func TestWhatTheAddressShowsIsCompared(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, contentType, body, want string }{
		{"other bytes", "image/png", "a cat", "other bytes"},
		{"more bytes", "image/png", "a fox and more", "other bytes"},
		{"a page", "text/html", "a fox", `"text/html"`},
		{"no type", "application/octet-stream", "a fox", "and not image/png"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			both(t, func(t *testing.T, p *published) {
				p.answer(func(w http.ResponseWriter, _ *http.Request) bool {
					w.Header().Set("Content-Type", c.contentType)
					io.WriteString(w, c.body)
					return true
				})
				_, err := p.Publish(t.Context(), file("a fox"))
				if err == nil || !strings.Contains(err.Error(), c.want) || storage.Hint(err) == "" {
					t.Errorf("%v (%s)", err, storage.Hint(err))
				}
			})
		})
	}
}

func TestAStorageThatIsClosedToOthersOrRedirectsIsSaid(t *testing.T) {
	t.Parallel()
	for status, hint := range map[int]string{
		http.StatusForbidden: "everybody may read", http.StatusFound: "redirected", http.StatusInternalServerError: "everybody may read",
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			both(t, func(t *testing.T, p *published) {
				p.answer(func(w http.ResponseWriter, _ *http.Request) bool {
					w.Header().Set("Location", "/elsewhere")
					w.WriteHeader(status)
					return true
				})
				if _, err := p.Publish(t.Context(), file("a fox")); !strings.Contains(storage.Hint(err), hint) {
					t.Errorf("%v (%s)", err, storage.Hint(err))
				}
			})
		})
	}
}

// A storage that is down is not asked for each file, and is asked again after a while.
func TestAStorageThatFailedIsLeftAloneForAWhile(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p *published) {
		asked := 0
		down := true
		p.answer(func(w http.ResponseWriter, _ *http.Request) bool {
			asked++
			if down {
				w.WriteHeader(http.StatusBadGateway)
			}
			return down
		})
		f := file("a fox")
		if _, err := p.Publish(t.Context(), f); err == nil {
			t.Fatal("no error")
		}
		before := asked
		if _, err := p.Publish(t.Context(), f); err == nil || asked != before || p.Wait() <= 0 {
			t.Errorf("%v; %d and then %d fetches, wait %s", err, before, asked, p.Wait())
		}
		down = false
		time.Sleep(p.Wait())
		synctest.Wait()
		if _, err := p.Publish(t.Context(), f); err != nil || p.Wait() != 0 {
			t.Errorf("%v, wait %s", err, p.Wait())
		}
	})
}

// A web server that does not know one type shows the others well.
func TestAFileOfAWrongTypePausesNothing(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p *published) {
		p.answer(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/octet-stream")
			io.WriteString(w, "a film")
			return true
		})
		film := file("a film")
		film.MIME = "video/quicktime"
		if _, err := p.Publish(t.Context(), film); !storage.Mistyped(err) || p.Wait() != 0 {
			t.Fatalf("%v, wait %s", err, p.Wait())
		}
		p.answer(func(http.ResponseWriter, *http.Request) bool { return false })
		if _, err := p.Publish(t.Context(), file("a fox")); err != nil {
			t.Errorf("a file of another type: %v", err)
		}
	})
}

func TestAStopEndsAtOnceAndPausesNothing(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p *published) {
		ctx, cancel := context.WithCancel(t.Context())
		p.answer(func(http.ResponseWriter, *http.Request) bool {
			cancel()
			return false
		})
		if _, err := p.Publish(ctx, file("a fox")); !errors.Is(err, context.Canceled) || p.Wait() != 0 {
			t.Errorf("%v, wait %s", err, p.Wait())
		}
	})
}

func TestAKeyIsNoPath(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p *published) {
		for _, key := range []string{"", "fox.png", "../" + storage.NewKey(".png"), storage.NewKey("/../x") + "/x", strings.Repeat("a", 31)} {
			f := file("a fox")
			f.Key = key
			if _, err := p.Publish(t.Context(), f); err == nil {
				t.Errorf("%q was put", key)
			}
			if err := p.Remove(t.Context(), key); err == nil {
				t.Errorf("%q was removed", key)
			}
		}
	})
}

func TestKeysAreLongAndDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		key := storage.NewKey(".PNG")
		if seen[key] || len(key) != 36 || !strings.HasSuffix(key, ".png") {
			t.Fatalf("%q", key)
		}
		seen[key] = true
	}
}

func TestTextsMayHaveOtherNamesAndPicturesMayNot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mime, served string
		fits         bool
	}{
		{"image/png", "image/png", true},
		{"image/png", "image/webp", false},
		{"video/mp4", "application/octet-stream", false},
		{"text/markdown", "text/plain; charset=utf-8", true},
		{"text/javascript", "application/javascript", true},
		{"text/x-python", "text/python", true},
		{"application/pdf", "application/pdf", true},
		{"application/pdf", "text/html", false},
		{"text/html", "text/plain", false},
		{"text/csv", "", false},
	} {
		t.Run(c.mime+" as "+c.served, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newS3(t, nil)
				p.answer(func(w http.ResponseWriter, _ *http.Request) bool {
					w.Header()["Content-Type"] = []string{c.served}
					io.WriteString(w, "a text")
					return true
				})
				f := file("a text")
				f.MIME = c.mime
				if _, err := p.Publish(t.Context(), f); (err == nil) != c.fits {
					t.Error(err)
				}
			})
		})
	}
}

// Nothing of a file is under its key before all of it is.
func TestAFolderShowsWholeFilesOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := storage.Folder{Path: dir}
	f := file("a fox")
	f.Open = func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("a f"), looking(func() {
			if _, err := os.Stat(filepath.Join(dir, f.Key)); err == nil {
				t.Error("half a file is shown")
			}
		}), failing{})), nil
	}
	if err := folder.Put(t.Context(), f); err == nil {
		t.Error("half a file was put")
	}
	f.Open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("a cat")), nil }
	if err := folder.Put(t.Context(), f); err == nil {
		t.Error("another file was put")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%v, %v", entries, err)
	}
	err := storage.Folder{Path: filepath.Join(dir, "missing")}.Put(t.Context(), f)
	if err == nil || !strings.Contains(storage.Hint(err), "create") {
		t.Errorf("%v (%s)", err, storage.Hint(err))
	}
}

// looking is an empty reader that calls a function.
type looking func()

func (l looking) Read([]byte) (int, error) {
	l()
	return 0, io.EOF
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the disk fails") }
