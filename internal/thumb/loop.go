package thumb

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/order"
)

const (
	// newEvery is the time between two looks for new files, and allEvery between two at
	// all of them.
	newEvery = time.Minute
	allEvery = 24 * time.Hour
	// longestMaking is how long one picture may take.
	longestMaking = time.Minute
	// sweepPause is how long a sweep lets others work.
	sweepPause = 20 * time.Millisecond
	// mostWanted is how many pictures may wait for pages.
	mostWanted = 200
)

// wish is a small picture that pages wait for.
type wish struct {
	file order.Artifact
	done chan struct{}
	err  error // once done is closed
}

// Open opens the small picture of a file. One that is missing is made by Run, and Open
// waits for it until ctx ends. The error is ErrNone for a file that has none, and ErrLater
// for one that is not made in time.
func (m *Maker) Open(ctx context.Context, a order.Artifact) (*os.File, error) {
	if !isSum(a.SHA256) {
		return nil, ErrNone
	}
	for range 2 {
		f, err := os.Open(m.path(a.SHA256))
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
		if !m.Has(a) {
			return nil, ErrNone
		}
		if err := m.want(ctx, a); err != nil {
			return nil, err
		}
	}
	return nil, ErrLater // it was removed again
}

// want waits until Run has made a picture.
func (m *Maker) want(ctx context.Context, a order.Artifact) error {
	w := m.wish(a)
	if w == nil {
		return ErrLater
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return ErrLater
	}
}

// wish returns the wish for a picture, which all who want it share. It is nil if too many
// wait.
func (m *Maker) wish(a order.Artifact) *wish {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w := m.bySum[a.SHA256]; w != nil {
		return w
	}
	if len(m.wanted) == mostWanted {
		return nil
	}
	w := &wish{file: a, done: make(chan struct{})}
	m.wanted, m.bySum[a.SHA256] = append(m.wanted, w), w
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return w
}

// Run makes what pages want, and in the time between what is missing, until ctx ends. It
// returns nil.
func (m *Maker) Run(ctx context.Context) error {
	m.clear()
	var after int64
	all := time.Now()
	for ctx.Err() == nil {
		if !time.Now().Before(all) {
			m.sweep(ctx)
			after, all = 0, time.Now().Add(allEvery)
		}
		files, err := m.o.Files(ctx, after)
		if err != nil && ctx.Err() == nil {
			m.failures.Failed(m.o.Log, "files cannot be looked for", err)
		}
		for _, a := range files {
			m.fulfil(ctx)
			m.missing(ctx, a)
			after = a.ID
			if ctx.Err() != nil {
				return nil
			}
		}
		m.fulfil(ctx)
		if len(files) == 0 {
			beat.Sleep(ctx, newEvery, m.wake)
		}
	}
	return nil
}

// clear removes what an earlier process has left unfinished.
func (m *Maker) clear() {
	left, _ := filepath.Glob(filepath.Join(m.o.Dir, Dir, tempPrefix+"*"))
	for _, path := range left {
		_ = os.RemoveAll(path) // it is in nobody's way
	}
}

// sweep removes the small pictures of files that are gone: retention has removed them, or
// they were made again.
func (m *Maker) sweep(ctx context.Context) {
	if m.o.Wanted == nil {
		return
	}
	folder := filepath.Join(m.o.Dir, Dir)
	entries, _ := os.ReadDir(folder) // none before the first
	for i, e := range entries {
		sum, _, _ := strings.Cut(e.Name(), ".")
		if wanted, err := m.o.Wanted(ctx, sum); err == nil && !wanted && isSum(sum) {
			_ = os.Remove(filepath.Join(folder, e.Name())) // or tomorrow
		}
		if i%100 == 99 {
			m.fulfil(ctx)
			beat.Sleep(ctx, sweepPause, nil)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// fulfil makes all pictures that pages want.
func (m *Maker) fulfil(ctx context.Context) {
	for ctx.Err() == nil {
		m.mu.Lock()
		if len(m.wanted) == 0 {
			m.mu.Unlock()
			return
		}
		w := m.wanted[0]
		m.wanted = m.wanted[1:]
		m.mu.Unlock()
		w.err = m.within(ctx, w.file)
		m.mu.Lock()
		delete(m.bySum, w.file.SHA256)
		m.mu.Unlock()
		close(w.done)
	}
}

// missing makes the small picture of a file that has none. Twice the time that it took is
// left to the work on orders and to pages.
func (m *Maker) missing(ctx context.Context, a order.Artifact) {
	if m.made(a.SHA256) || strings.HasPrefix(a.MIME, "video/") && m.o.FFmpeg == nil {
		return
	}
	began := time.Now()
	_ = m.within(ctx, a) // it is logged
	beat.Sleep(ctx, 2*time.Since(began), m.wake)
}

func (m *Maker) within(ctx context.Context, a order.Artifact) error {
	beat.Within(ctx, longestMaking)
	defer beat.Turn(ctx)
	err := m.make(ctx, a)
	switch {
	case err == nil:
		m.failures.Recovered(m.o.Log, "small pictures are made again")
	case !errors.Is(err, ErrNone) && ctx.Err() == nil:
		m.failures.Failed(m.o.Log, "a small picture cannot be stored", err)
	}
	return err
}
