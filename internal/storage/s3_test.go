package storage_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/secret"
	"atelierd/internal/storage"
)

func TestABucketHasTheTypeAndTheName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newS3(t, nil)
		picture, page := file("a fox"), file("<p>a fox")
		page.Key, page.Name, page.MIME = storage.NewKey(".html"), "a \"fox\".html", "text/html"
		for _, f := range []storage.File{picture, page} {
			if _, err := p.Publish(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		if o := p.bucket.objects["out/"+picture.Key]; o.contentType != "image/png" || o.disposition != "inline; filename=a-fox.png" {
			t.Errorf("%+v", o)
		}
		if o := p.bucket.objects["out/"+page.Key]; o.contentType != "text/html" || !strings.HasPrefix(o.disposition, `attachment; filename="a \"fox`) {
			t.Errorf("%+v", o)
		}
	})
}

func TestABucketThatIsBusyOrCutsIsAskedAgainWithTheSameKey(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(w http.ResponseWriter, r *http.Request){
		"503 SlowDown": func(w http.ResponseWriter, _ *http.Request) {
			s3Error(w, http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
		},
		"500": func(w http.ResponseWriter, _ *http.Request) {
			s3Error(w, http.StatusInternalServerError, "InternalError", "We encountered an internal error.")
		},
		"cut in the middle of the body": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, 3)
			panic(http.ErrAbortHandler)
		},
		"no answer in the middle of the body": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, 3)
			time.Sleep(5 * time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, faults := newS3(t, nil), 0
				p.bucket.fault = func(w http.ResponseWriter, r *http.Request) bool {
					if r.Method != http.MethodPut || faults == 2 {
						return false
					}
					faults++
					fault(w, r)
					return true
				}
				f := file("a fox in the snow")
				if _, err := p.Publish(t.Context(), f); err != nil || faults != 2 {
					t.Errorf("%v after %d faults", err, faults)
				}
				if !slices.Equal(p.bucket.puts, []string{"out/" + f.Key}) {
					t.Errorf("%q were put", p.bucket.puts)
				}
				time.Sleep(10 * time.Minute) // for the handlers to end
				synctest.Wait()
			})
		})
	}
}

func TestABucketThatStoredOtherBytesGetsTheFileAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newS3(t, nil)
		n := 0
		p.bucket.spoil = func(b []byte) []byte {
			if n++; n == 1 {
				return b[1:]
			}
			return b
		}
		if _, err := p.Publish(t.Context(), file("a fox")); err != nil || n != 2 {
			t.Errorf("%v after %d puts", err, n)
		}
	})
}

func TestWhatABucketRefusesIsSaidOnceWithTheWayOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		bucket     func(*bucket)
		change     func(*storage.S3)
	}{
		{name: "the clock", want: "clock", bucket: func(b *bucket) { b.ahead = time.Hour }},
		{name: "the region", want: "region", bucket: func(b *bucket) { b.region = "auto" }},
		{name: "the rights", want: "right to put", bucket: func(b *bucket) {
			b.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPut && receive(r) {
					s3Error(w, http.StatusForbidden, "AccessDenied", "Access Denied")
				}
				return r.Method == http.MethodPut
			}
		}},
		{name: "the bucket", want: "create the bucket", change: func(s *storage.S3) { s.Bucket = "other" }},
		{name: "the access key", want: "access_key_env", change: func(s *storage.S3) {
			s.Keys = func() (access, key secret.Text, err error) {
				return secret.New("AKIDOTHER"), secret.New(secretKey), nil
			}
		}},
		{name: "the secret key", want: "secret_key_env", change: func(s *storage.S3) {
			s.Keys = func() (access, key secret.Text, err error) {
				return secret.New(accessKey), secret.New("another-secret-key"), nil
			}
		}},
		{name: "no key", want: "variable", change: func(s *storage.S3) {
			s.Keys = func() (access, key secret.Text, err error) {
				return access, key, errors.New("the variable S3_KEY is not set")
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newS3(t, c.change)
				if c.bucket != nil {
					c.bucket(p.bucket)
				}
				began := time.Now()
				_, err := p.Publish(t.Context(), file("a fox"))
				if err == nil || !strings.Contains(storage.Hint(err), c.want) || time.Since(began) > time.Second {
					t.Errorf("%v (%s) after %s", err, storage.Hint(err), time.Since(began))
				}
				if text := err.Error() + storage.Hint(err); strings.Contains(text, secretKey) || strings.Contains(text, "another-secret-key") {
					t.Error("the error has the secret key")
				}
			})
		})
	}
}

// It is alone, because what others allocate would count.
//
//nolint:paralleltest
func TestALargeFileInABucketTakesLittleMemory(t *testing.T) {
	const size = 50 << 20
	got := int64(0)
	transport := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.Copy(io.Discard, r.Body)
	}))
	f := largeFile(size)
	s := storage.S3{
		Endpoint: "http://s3.test", Bucket: "files", Region: "auto", Transport: transport,
		Keys: func() (access, key secret.Text, err error) { return secret.New(accessKey), secret.New(secretKey), nil },
	}
	result := testing.Benchmark(func(b *testing.B) {
		for range b.N {
			if err := s.Put(t.Context(), f); err != nil {
				b.Fatal(err)
			}
		}
	})
	if n := result.AllocedBytesPerOp(); n > 4<<20 || got != size {
		t.Errorf("%d bytes were allocated for %d, and %d arrived", n, size, got)
	}
}
