package provider

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// onLine calls itself with each line of a log.
type onLine func(string)

func (f onLine) Write(p []byte) (int, error) { f(string(p)); return len(p), nil }

func TestAPaidAnswerIsKeptUntilTheDiskHasRoom(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{"POST /sdapi/v1/txt2img": {{status: 200, body: `{"images":["b25l"]}`}}})
	dir := t.TempDir()
	full := filepath.Join(dir, ".result-1.tmp") // where the file is written first
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	waits := 0
	p := s.provider(t, Spec{Type: "a1111", Model: "paint", Log: slog.New(slog.NewTextHandler(onLine(func(line string) {
		if strings.Contains(line, "cannot be stored") {
			waits++
			os.Remove(full)
		}
	}), nil))})
	made, err := p.Generate(t.Context(), generate.Request{Prompt: "a lighthouse", OutputDir: dir})
	if err != nil || len(made.Files) != 1 || waits != 1 || len(s.requests("POST /sdapi/v1/txt2img")) != 1 {
		t.Errorf("%v, %v, waited %d times, asked %d times", made, err, waits, len(s.requests("POST /sdapi/v1/txt2img")))
	}
}

func TestAPaidAnswerIsStoredInTheRoomThatWasReserved(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{"POST /sdapi/v1/txt2img": {{status: 200, body: `{"images":["b25l"]}`}}})
	dir := t.TempDir()
	full := filepath.Join(dir, ".result-1.tmp")
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	p := s.provider(t, Spec{Type: "a1111", Model: "paint", Log: slog.New(slog.NewTextHandler(onLine(func(line string) {
		if strings.Contains(line, "cannot be stored") {
			t.Error("the answer waits in memory")
			os.Remove(full)
		}
	}), nil))})
	call := generate.Call{MakeRoom: func() bool { return os.Remove(full) == nil }}
	if made, err := p.Generate(t.Context(), generate.Request{Prompt: "a lighthouse", OutputDir: dir, Call: call}); err != nil || len(made.Files) != 1 {
		t.Errorf("%v, %v", made, err)
	}
}

// TestAnAnswerThatIsAFileIsWrittenInTheRoomThatWasReserved guards an answer that fills the
// disk while it is read, because it comes only once.
func TestAnAnswerThatIsAFileIsWrittenInTheRoomThatWasReserved(t *testing.T) {
	t.Parallel()
	disk := &fullDisk{room: 3}
	w := roomy{disk, func() bool { disk.room = 100; return true }}
	if n, err := w.Write([]byte("a film")); n != 6 || err != nil || disk.String() != "a film" {
		t.Errorf("%d bytes, %v: %q", n, err, disk.String())
	}
	w.makeRoom = nil
	if n, err := w.Write(make([]byte, 200)); n != 94 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("without room %d bytes, %v", n, err)
	}
}

// fullDisk has room for some bytes.
type fullDisk struct {
	bytes.Buffer
	room int
}

func (d *fullDisk) Write(p []byte) (int, error) {
	n, _ := d.Buffer.Write(p[:min(len(p), d.room-d.Len())])
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

// What was written before the disk filled up goes back into memory.
func TestAPartGoesBackIntoMemory(t *testing.T) {
	t.Parallel()
	s := &spool{dir: t.TempDir()}
	p, mark := s.newPart()
	disk := &fullDisk{room: 9}
	p.to = writerFunc(func(b []byte) (int, error) {
		n, err := disk.Write(b)
		_, _ = p.f.Write(b[:n])
		return n, err
	})
	for _, text := range []string{"a film ", "that is ", "long"} {
		if n, err := io.WriteString(p, text); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
	}
	head, err := base64.StdEncoding.DecodeString(mark)
	if err != nil {
		t.Fatal(err)
	}
	if b := s.whole(blob{data: append([]byte("a film"), head...)}); string(b.data) != "a film that is long" || b.file != "" {
		t.Errorf("got %q, %q", b.data, b.file)
	}
	p, _ = s.newPart()
	p.to = writerFunc(func([]byte) (int, error) { return 0, errors.New("broken") })
	_ = os.Remove(p.path)
	_, err = p.Write([]byte("a film"))
	if f, ok := errors.AsType[*order.Failure](err); !ok || f.Code != order.CodeOutputDir {
		t.Errorf("got %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
