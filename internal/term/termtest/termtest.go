// Package termtest opens terminals for tests: what a command shows there depends on
// their size.
//
// It must not be used by the program.
package termtest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// Terminal is a terminal that keeps what is written to it.
type Terminal struct {
	// File is what a program has as its standard input, output and error.
	File *os.File
	// Keys is where a test writes what a person types.
	Keys io.Writer

	t      *testing.T
	screen *os.File      // the other end
	read   chan struct{} // closed at the end of text

	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // receives, without blocking, when text grows
}

// Write implements io.Writer for what is read from the other end.
func (x *Terminal) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	select {
	case x.more <- struct{}{}:
	default:
	}
	return x.text.Write(p)
}

// Await waits until the terminal has shown a text.
func (x *Terminal) Await(text string, limit time.Duration) {
	x.t.Helper()
	late := time.After(limit)
	for {
		x.mu.Lock()
		shown := x.text.String()
		x.mu.Unlock()
		if strings.Contains(shown, text) {
			return
		}
		select {
		case <-x.more:
		case <-late:
			x.t.Fatalf("the terminal shows no %q within %s, but %q", text, limit, shown)
		}
	}
}

// Open opens a terminal that is so many columns wide. It skips the test where there
// are none.
func Open(t *testing.T, columns int) *Terminal {
	t.Helper()
	screen, file, err := open(columns)
	if err != nil {
		t.Skipf("no terminal to try: %v", err)
	}
	x := &Terminal{File: file, Keys: screen, t: t, screen: screen, read: make(chan struct{}), more: make(chan struct{}, 1)}
	go func() {
		defer close(x.read)
		_, err := io.Copy(x, screen)
		if _, ok := errors.AsType[*os.PathError](err); err != nil && !ok {
			t.Errorf("read the terminal: %v", err)
		}
	}()
	t.Cleanup(func() {
		x.Close()
		_ = screen.Close() // nothing is written any more
	})
	return x
}

// Close ends the terminal and returns all that was written to it. Programs that still
// have it open must have ended.
func (x *Terminal) Close() string {
	_ = x.File.Close() // may be closed already
	<-x.read
	return x.text.String()
}
