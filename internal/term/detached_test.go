package term_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/term"
)

// slowReader is a pipe that nobody reads until it is told to.
type slowReader struct {
	read chan struct{}
	text strings.Builder
}

func (s *slowReader) Write(p []byte) (int, error) {
	<-s.read
	return s.text.Write(p)
}

func TestALogThatNobodyReadsBlocksNobodyAndCountsWhatItDrops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reader := &slowReader{read: make(chan struct{})}
		log, release := term.NewDetachedLog(reader, term.LogOptions{Level: "debug", Format: "json", Getenv: os.Getenv})
		began := time.Now()
		const lines = 50_000
		for i := range lines {
			log.Debug("a line", "n", i, "filler", strings.Repeat("x", 100))
		}
		if d := time.Since(began); d > time.Second {
			t.Errorf("%d lines took %s", lines, d)
		}
		close(reader.read)
		synctest.Wait()
		got := strings.Count(reader.text.String(), `"msg":"a line"`)
		if want := fmt.Sprintf(`"lines":%d`, lines-got); got == 0 || got == lines || !strings.Contains(reader.text.String(), want) {
			t.Errorf("%d of %d lines were kept, and there is no %s", got, lines, want)
		}
		if n := reader.text.Len(); n > 5<<20 {
			t.Errorf("%d bytes were kept", n)
		}
		log.Debug("another")
		if !strings.Contains(reader.text.String(), "another") {
			t.Error("once the reader has caught up, a line is not written before the call returns")
		}
		release()
	})
}

func TestTheEndOfALogThatNobodyReadsIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reader := &slowReader{read: make(chan struct{})}
		log, release := term.NewDetachedLog(reader, term.LogOptions{Level: "debug", Format: "json", Getenv: os.Getenv})
		log.Info("a line")
		began := time.Now()
		release()
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("the end took %s", d)
		}
		close(reader.read) // lets the goroutine end
	})
}

func TestALogWhoseReaderHasGoneGoesOn(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	r.Close()
	log, release := term.NewDetachedLog(w, term.LogOptions{Level: "debug", Format: "json", Getenv: os.Getenv})
	for range 1000 {
		log.Info("a line")
	}
	release()
}
