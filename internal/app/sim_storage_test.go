package app

import (
	"bytes"
	"cmp"
	"flag"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/sandbox"
)

const filesHost = "files.test"

var simStorage = flag.Bool("sim.storage", false, "publish files in the owner's storage in a quarter of the weeks")

// ownFiles is the owner's storage in a quarter of the weeks, where that is asked for: a folder,
// and a web server that is down for an hour now and then, slow, shows other bytes, or shows a
// file only after a while.
type ownFiles struct {
	dir  string // empty in other weeks
	calm atomic.Bool
	mu   sync.Mutex
	rng  *rand.Rand
	late map[string]int // how often a file is not shown yet
}

func newOwnFiles(seed uint64, dir string) *ownFiles {
	if !*simStorage || seed%4 != 2 {
		dir = ""
	}
	return &ownFiles{dir: dir, rng: rand.New(rand.NewPCG(seed, 41)), late: map[string]int{}}
}

// storageConfig gives a week the storage.
func (w *world) storageConfig() {
	if w.files.dir != "" {
		w.cfg.Storage = config.Storage{
			Type: config.StorageFolder, Path: w.files.dir, PublicURL: "http://" + filesHost + "/deliveries", Keep: 90 * 24 * time.Hour,
		}
	}
}

// draw returns how the server serves a file this time.
func (f *ownFiles) draw(name string) (luck float64, slow time.Duration, late bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.late[name]; !known {
		f.late[name] = f.rng.IntN(4)
	}
	f.late[name]--
	return f.rng.Float64(), time.Duration(f.rng.IntN(60)) * time.Second, f.late[name] >= 0
}

func (f *ownFiles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	luck, slow, late := f.draw(name)
	if !f.calm.Load() {
		switch {
		case time.Now().Unix()/3600%11 == 0 || luck < 0.05:
			w.WriteHeader(http.StatusBadGateway)
			return
		case late:
			http.NotFound(w, r)
			return
		case luck < 0.1:
			w.Header().Set("Content-Type", "image/png")
			_, _ = io.WriteString(w, "something else")
			return
		case luck < 0.2:
			time.Sleep(slow)
		}
	}
	body, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(body)
}

// checkStorage: each link into the storage that was delivered shows a file of its order.
func (w *world) checkStorage(orders []sandbox.Order) {
	links := 0
	for _, o := range orders {
		for _, d := range o.Deliveries {
			for _, link := range d.URLs {
				name, own := strings.CutPrefix(link, cmp.Or(w.cfg.Storage.PublicURL, "no storage")+"/")
				if !own {
					continue
				}
				links++
				body, err := os.ReadFile(filepath.Join(w.files.dir, name))
				if err != nil || !bytes.HasPrefix(body, picture) || w.paid[o.ID] == "" && !bytes.Contains(body, []byte(o.ID)) {
					w.t.Errorf("order %s was delivered with %s, which shows %d other bytes: %v", o.ID, link, len(body), err)
				}
			}
		}
	}
	if w.files.dir != "" && links == 0 {
		w.t.Error("nothing was delivered from the owner's storage")
	}
}
