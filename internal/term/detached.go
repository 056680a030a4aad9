package term

import (
	"bytes"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// mostPending is how many bytes of a log are kept for a reader that is behind.
	mostPending = 4 << 20
	// readerPatience is how long a line waits for a reader until none waits any more.
	readerPatience = 100 * time.Millisecond
	// lastLines is how long the end of the log may take when the process stops.
	lastLines = time.Second
)

// NewDetachedLog returns a log like NewLog that a reader cannot stop. While the reader
// keeps up, each line is written before the call returns. Otherwise lines are kept up
// to a limit, and those beyond it are dropped and counted. release waits a moment for
// the last lines.
func NewDetachedLog(w io.Writer, o LogOptions) (log *slog.Logger, release func()) {
	direct := NewLog(w, o)
	d := &detached{w: w, wake: make(chan struct{}, 1), empty: make(chan struct{}), dropping: func(lines int) {
		direct.Warn("log lines were dropped, because nobody read the log", "lines", lines)
	}}
	go d.run()
	return newLog(d, o, w), d.release
}

// detached is a writer whose lines another goroutine writes.
type detached struct {
	w        io.Writer
	dropping func(lines int)
	wake     chan struct{}

	mu      sync.Mutex
	lines   []line
	bytes   int
	dropped int
	behind  bool // the reader: nobody waits for it until it has caught up
	ended   bool
	empty   chan struct{} // closed once it has ended and all lines are written
}

type line struct {
	text    []byte
	written chan struct{}
}

// Write never fails: nobody could do anything about it.
func (d *detached) Write(p []byte) (int, error) {
	l := line{bytes.Clone(p), make(chan struct{})}
	d.mu.Lock()
	if d.ended || d.bytes+len(p) > mostPending {
		d.dropped++
		d.mu.Unlock()
		return len(p), nil
	}
	d.lines, d.bytes = append(d.lines, l), d.bytes+len(p)
	behind := d.behind
	d.mu.Unlock()
	d.nudge()
	if behind {
		return len(p), nil
	}
	t := time.NewTimer(readerPatience)
	defer t.Stop()
	select {
	case <-l.written:
	case <-t.C:
		d.mu.Lock()
		d.behind = true
		d.mu.Unlock()
	}
	return len(p), nil
}

func (d *detached) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *detached) run() {
	for range d.wake {
		for {
			l, dropped, ok := d.next()
			if !ok {
				break
			}
			if dropped > 0 {
				d.dropping(dropped)
				continue
			}
			_, _ = d.w.Write(l.text) // a reader that has gone may come back
			close(l.written)
		}
		d.mu.Lock()
		ended := d.ended
		d.mu.Unlock()
		if ended {
			close(d.empty)
			return
		}
	}
}

// next takes the next line, or after the last one the number of those that were
// dropped.
func (d *detached) next() (l line, dropped int, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.lines) > 0 {
		l, d.lines = d.lines[0], d.lines[1:]
		d.bytes -= len(l.text)
		return l, 0, true
	}
	d.behind = false
	dropped, d.dropped = d.dropped, 0
	return l, dropped, dropped > 0
}

// release ends the log and waits a moment until its lines are written.
func (d *detached) release() {
	d.mu.Lock()
	d.ended = true
	d.mu.Unlock()
	d.nudge()
	t := time.NewTimer(lastLines)
	defer t.Stop()
	select {
	case <-d.empty:
	case <-t.C:
	}
}
