package budget_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/pipenet"
	"atelierd/internal/sandbox"
	"atelierd/internal/storage"
	"atelierd/internal/store/storetest"
)

// withStorage has files published in a folder of the owner's.
func (w *world) withStorage(dir string) {
	w.t.Helper()
	listener := pipenet.New()
	server := &http.Server{Handler: http.FileServer(http.Dir(dir))}
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(listener) })
	w.t.Cleanup(func() {
		server.Close()
		serving.Wait()
	})
	w.storage = storage.New(storage.Options{
		Backend: storage.Folder{Path: dir}, Place: "folder", PublicURL: "http://files.test",
		Transport: &http.Transport{DialContext: listener.Dial, DisableKeepAlives: true},
	})
}

// Only the delivery counts, so 29 are the most: one poll has to find the orders. The first
// window shows that uploads are gone, and the others are as good as they can be.
func TestOwnStorageAllowsTwentyEightDeliveriesAWindow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		backlog int
		every   time.Duration
	}{
		{"of a backlog", 120, 0},
		{"at an order each two minutes", 0, 2 * time.Minute},
		{"at an order each two minutes, behind by ten", 10, 2 * time.Minute},
		{"at an order each 128 seconds", 0, 128 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, files := storetest.Dir(t), t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, dir, sandbox.Options{})
				w.withStorage(files)
				w.webhooks = true
				w.place(c.backlog)
				w.start()
				synctest.Wait()
				for began := time.Now(); time.Since(began) < 4*time.Hour+5*time.Minute; {
					if c.every == 0 {
						time.Sleep(time.Minute)
						continue
					}
					w.place(1)
					time.Sleep(c.every)
				}
				hours := w.hours()
				for i, h := range hours[:4] {
					if least := 28; i > 0 && h.delivered < least || i == 0 && (h.delivered < 24 || h.refused > 1) || i > 0 && h.refused != 0 {
						t.Errorf("window %d: %s; want %d or more delivered, and none refused after the first", i+1, h, least)
					}
				}
				for _, r := range w.market.Requests() {
					if r.Call == sandbox.CallUpload {
						t.Fatalf("a file went to the marketplace: %+v", r)
					}
				}
				t.Log(hoursText(hours))
			})
		})
	}
}

func hoursText(hours []hour) (text string) {
	for _, h := range hours {
		text += fmt.Sprintf("%s\n", h)
	}
	return text
}

// With few orders the requests that no upload takes are spent on polls.
func TestPollsSpendWhatUploadsLeave(t *testing.T) {
	t.Parallel()
	polls := map[bool]int{}
	for _, own := range []bool{false, true} {
		dir, files := storetest.Dir(t), t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, dir, sandbox.Options{})
			if own {
				w.withStorage(files)
			}
			w.start()
			for range 5 * 8 {
				w.place(1)
				time.Sleep(7*time.Minute + 30*time.Second)
			}
			for _, h := range w.hours()[1:4] {
				polls[own] += h.polls
				if h.refused != 0 || h.delivered < 7 {
					t.Errorf("%s", h)
				}
			}
		})
	}
	if polls[true] < polls[false]+3*4 {
		t.Errorf("%d polls in three hours with uploads, %d without", polls[false], polls[true])
	}
}
