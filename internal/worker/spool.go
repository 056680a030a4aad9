package worker

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/natsq"
)

// This file keeps calls on the disk. A finished one stays until the agent has its files, so
// that nothing that was paid for is lost with NATS.

// spool is the folder of calls, each in a folder of its own.
type spool struct{ dir string }

const (
	callFile   = "call.json"
	ticketFile = "ticket"
	resultFile = "result.json"
	// spoolPause is the pause between two looks at the spool of a route.
	spoolPause = 15 * time.Second
	// oldest is how long a call is kept that nobody asks for.
	oldest = 14 * 24 * time.Hour
)

func (s spool) folder(route, key string) string { return filepath.Join(s.dir, route+"."+key) }

// begin writes a call down.
func (s spool) begin(dir string, c natsq.Call) error {
	if err := os.MkdirAll(filepath.Join(dir, "in"), 0o700); err != nil {
		return err
	}
	text, err := c.Text()
	if err != nil {
		return err
	}
	return write(filepath.Join(dir, callFile), text)
}

func (s spool) makeOut(dir string) error { return os.MkdirAll(filepath.Join(dir, "out"), 0o700) }

func (s spool) ticket(dir string) string {
	text, _ := os.ReadFile(filepath.Join(dir, ticketFile)) // without one there is none
	return string(text)
}

func (s spool) writeTicket(dir, ticket string) error {
	return write(filepath.Join(dir, ticketFile), []byte(ticket))
}

// writeResult keeps a result. Its files are made durable first.
func (s spool) writeResult(dir string, made generate.Result) error {
	for _, path := range made.Files {
		if err := syncFile(path); err != nil {
			return err
		}
	}
	text, err := json.Marshal(made)
	if err != nil {
		return err
	}
	return write(filepath.Join(dir, resultFile), text)
}

func (s spool) result(dir string) (made generate.Result, ok bool) {
	text, err := os.ReadFile(filepath.Join(dir, resultFile))
	return made, err == nil && json.Unmarshal(text, &made) == nil
}

func (s spool) call(dir string) (c natsq.Call, ok bool) {
	text, err := os.ReadFile(filepath.Join(dir, callFile))
	return c, err == nil && json.Unmarshal(text, &c) == nil && safeKey(c.Key)
}

// write writes a small file that survives a power cut.
func write(path string, text []byte) error {
	part := path + ".part"
	if err := os.WriteFile(part, text, 0o600); err != nil {
		return err
	}
	if err := syncFile(part); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncFile(filepath.Dir(path))
}

// syncFile makes a file, or the names in a folder, durable. Windows has no way to do so for
// a folder.
func syncFile(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() && runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// keepSpool resumes what an earlier process has left of a route, brings finished files
// to NATS that are not there, and removes what the agent has. It looks until ctx ends, and
// closes looked once every call that is resumed has asked for a slot.
func (w *Worker) keepSpool(ctx, work context.Context, r Route, looked chan<- struct{}) {
	var resumed sync.WaitGroup
	defer resumed.Wait()
	first := sync.OnceFunc(func() { close(looked) })
	defer first()
	for ctx.Err() == nil {
		var slow []func()
		folders, err := os.ReadDir(w.spool.dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			w.o.Log.Error("the folder of calls cannot be read", "error", err)
		}
		for _, f := range folders {
			if key, ok := strings.CutPrefix(f.Name(), r.Name+"."); ok && safeKey(key) && w.begin(key) {
				if rest := w.spooled(ctx, work, r, key, &resumed); rest != nil {
					slow = append(slow, rest)
				}
			}
		}
		first()
		for _, rest := range slow {
			rest()
		}
		sleep(ctx, spoolPause)
	}
}

// spooled does what a call in the spool needs. It was begun, and is ended here, by what it
// starts, or by the rest that the caller runs.
func (w *Worker) spooled(ctx, work context.Context, r Route, key string, resumed *sync.WaitGroup) (rest func()) {
	dir := w.spool.folder(r.Name, key)
	e, err := w.o.Queue.Get(work, r.Name, key)
	absent := errors.Is(err, natsq.ErrAbsent)
	call, readable := w.spool.call(dir)
	if err != nil && !absent || !readable {
		w.end(key)
		return nil
	}
	e.Route, e.Key = r.Name, key
	log := w.o.Log.With("route", r.Name, "key", key)
	m := &making{w: w, route: r, call: call, log: log, dir: dir, entry: e, stop: func(error) {}, ticket: w.spool.ticket(dir)}
	made, finished := w.spool.result(dir)
	foreign := e.Worker != "" && e.Worker != w.o.Name
	switch {
	case w.old(dir), e.Stored, foreign && e.State == natsq.Done,
		(!foreign || !finished) && e.State.Ended() && e.State != natsq.Done && e.State != natsq.Unknown:
		if err := os.RemoveAll(dir); err != nil {
			log.Warn("a call that is over stays on the disk", "error", err)
		}
	case foreign:
	case finished:
		return func() {
			defer w.end(key)
			m.bring(work, made, absent)
		}
	case absent && m.ticket != "", e.State == natsq.Submitted, e.State == natsq.Stopping, e.State == natsq.Calling && r.repeats():
		slots := w.places[r.Name]
		turn := slots.turn()
		resumed.Go(func() {
			defer w.end(key)
			if !came(ctx, turn) {
				return
			}
			defer slots.leave()
			defer w.occupy(r.Name)()
			m.run(work)
		})
		return nil
	}
	w.end(key)
	return nil
}

// old reports whether nobody has asked for a call for long.
func (w *Worker) old(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && time.Since(info.ModTime()) > oldest
}

// bring brings a finished result to NATS, if it is not there.
func (m *making) bring(ctx context.Context, made generate.Result, absent bool) {
	if m.entry.State == natsq.Done && m.entry.Result != nil && m.w.o.Queue.Has(ctx, natsq.BucketOut(m.route.Name), m.entry.Result.Files) {
		return
	}
	if absent {
		e, err := m.w.o.Queue.Create(ctx, m.route.Name, m.call.Key, natsq.Record{State: natsq.Submitted, Worker: m.w.o.Name, Local: m.route.local(), Ticket: m.ticket, Began: time.Now().UTC()})
		if err != nil {
			return
		}
		m.entry = e
	}
	if err := m.deliver(ctx, made); err != nil {
		m.log.Warn("a finished result is not in NATS yet", "error", err)
		return
	}
	m.log.Info("a finished result was brought to NATS")
}
