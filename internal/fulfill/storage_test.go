package fulfill_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/pipenet"
	"atelierd/internal/sandbox"
	"atelierd/internal/storage"
)

// ownFiles is a storage of the owner's: a folder, and the web server that shows it.
type ownFiles struct {
	dir  string
	down atomic.Bool
	hook func(point string) error
	// mistyped: the web server sends all files as octet streams.
	mistyped atomic.Bool
}

// withStorage gives the service a storage. It is there from the next start on.
func (w *world) withStorage() *ownFiles {
	w.t.Helper()
	own := &ownFiles{dir: w.t.TempDir()}
	listener := pipenet.New()
	files := http.FileServer(http.Dir(own.dir))
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if own.down.Load() {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		if own.mistyped.Load() {
			rw.Header().Set("Content-Type", "application/octet-stream")
		}
		files.ServeHTTP(rw, r)
	})}
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(listener) })
	w.t.Cleanup(func() {
		server.Close()
		serving.Wait()
	})
	w.service = func(s *fulfill.Service) {
		s.Storage = storage.New(storage.Options{
			Backend: storage.Folder{Path: own.dir}, Place: "folder", PublicURL: "http://files.test",
			Transport: &http.Transport{DialContext: listener.Dial, DisableKeepAlives: true},
			Hook: func(point string) error {
				if own.hook == nil {
					return nil
				}
				return own.hook(point)
			},
		})
	}
	w.restart()
	return own
}

func (o *ownFiles) names(t *testing.T) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestAFileInTheOwnersStorageTakesNoUpload(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		own := w.withStorage()
		w.painter.files = 2
		id := w.order()
		w.must(order.StageGenerate)
		w.must(order.StageUpload)
		w.must(order.StageDeliver)
		o, _ := w.market.Order(id)
		if len(w.market.Files()) != 0 || len(o.Deliveries) != 1 || len(o.Deliveries[0].URLs) != 2 {
			t.Fatalf("%d files at the marketplace; delivered %+v", len(w.market.Files()), o.Deliveries)
		}
		names := own.names(t)
		for i, a := range w.artifacts(id) {
			url := o.Deliveries[0].URLs[i]
			if a.URL != url || !strings.HasPrefix(url, "http://files.test/") || !strings.HasSuffix(url, ".png") || len(names) != 2 {
				t.Errorf("%s was delivered of %s; stored are %q", url, a.URL, names)
			}
		}
	})
}

var errCrash = errors.New("the process ends here")

// A file that was put and not recorded is put again under the same key.
func TestACrashAroundAPutLeavesOneObject(t *testing.T) {
	t.Parallel()
	for _, point := range []string{
		"before:object", "after:object", "before:" + storage.PointPut, "after:" + storage.PointPut,
		"after:" + storage.PointCompared, "before:uploaded", "after:uploaded",
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				own, crashed := w.withStorage(), false
				crash := func(at string) error {
					if at != point || crashed {
						return nil
					}
					crashed = true
					return errCrash
				}
				id := w.order()
				w.must(order.StageGenerate)
				own.hook, w.storeHook = crash, crash
				_, _ = w.run(order.StageUpload)
				if !crashed {
					t.Fatal("the point was not passed")
				}
				w.restart()
				w.must(order.StageUpload)
				w.must(order.StageDeliver)
				o, _ := w.market.Order(id)
				names := own.names(t)
				if len(names) != 1 || len(o.Deliveries) != 1 || o.Deliveries[0].URLs[0] != "http://files.test/"+names[0] || len(w.market.Files()) != 0 {
					t.Errorf("stored are %q, delivered %+v, at the marketplace %d", names, o.Deliveries, len(w.market.Files()))
				}
			})
		})
	}
}

func TestTheMarketplaceStandsInForAStorageThatIsDown(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		own := w.withStorage()
		own.down.Store(true)
		id := w.order()
		w.must(order.StageGenerate)
		w.must(order.StageUpload)
		w.must(order.StageDeliver)
		o, _ := w.market.Order(id)
		if len(w.market.Files()) != 1 || len(o.Deliveries) != 1 || strings.Contains(o.Deliveries[0].URLs[0], "files.test") {
			t.Errorf("%d files at the marketplace; delivered %+v", len(w.market.Files()), o.Deliveries)
		}
	})
}

// TestAFileOfAWrongTypeWaitsForAnUpload guards against a file that is put again and again: a
// web server that sends the wrong type does so until it is set up.
func TestAFileOfAWrongTypeWaitsForAnUpload(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.limits.Ceilings[order.RequestUpload] = 0
		own := w.withStorage()
		own.mistyped.Store(true)
		id := w.order()
		w.must(order.StageGenerate)
		f := w.fails(order.StageUpload, order.Wait, order.CodeStorage)
		if f.After < time.Minute || !strings.Contains(f.Hint, "right type") {
			t.Errorf("waits %s (%s)", f.After, f.Hint)
		}
		w.limits.Ceilings[order.RequestUpload] = 14
		time.Sleep(f.After)
		synctest.Wait()
		w.must(order.StageUpload)
		w.must(order.StageDeliver)
		o, _ := w.market.Order(id)
		if len(w.market.Files()) != 1 || len(o.Deliveries) != 1 || strings.Contains(o.Deliveries[0].URLs[0], "files.test") {
			t.Errorf("%d files at the marketplace; delivered %+v", len(w.market.Files()), o.Deliveries)
		}
	})
}

func TestWithoutAnUploadLeftWorkWaitsForTheStorage(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.limits.Ceilings[order.RequestUpload] = 0
		own := w.withStorage()
		own.down.Store(true)
		id := w.order()
		w.must(order.StageGenerate)
		f := w.fails(order.StageUpload, order.Wait, order.CodeStorage)
		if f.After <= 0 || f.After > 10*time.Minute || f.Hint == "" {
			t.Errorf("waits %s (%s)", f.After, f.Hint)
		}
		own.down.Store(false)
		time.Sleep(f.After)
		synctest.Wait()
		w.must(order.StageUpload)
		w.must(order.StageDeliver)
		if o, _ := w.market.Order(id); len(o.Deliveries) != 1 || len(own.names(t)) != 1 {
			t.Errorf("delivered %+v, stored %q", o.Deliveries, own.names(t))
		}
	})
}
