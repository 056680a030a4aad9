package main_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"atelierd/internal/sandbox"

	"golang.org/x/sys/unix"
)

// watcher looks at the mode of each file and folder as soon as it is there.
type watcher struct {
	t       *testing.T
	file    *os.File
	folders map[int32]string
	mu      sync.Mutex
	seen    int
	open    []string // what others could read, with its mode
}

func watch(t *testing.T, dir string) *watcher {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{t: t, file: os.NewFile(uintptr(fd), "inotify"), folders: map[int32]string{}}
	w.add(dir)
	var reading sync.WaitGroup
	reading.Go(w.run)
	t.Cleanup(func() { _ = w.file.Close(); reading.Wait() })
	return w
}

// run reads what is new until the file is closed.
func (w *watcher) run() {
	buf := make([]byte, 64<<10)
	for {
		n, err := w.file.Read(buf)
		if err != nil {
			return
		}
		for events := buf[:n]; len(events) >= unix.SizeofInotifyEvent; {
			length := binary.NativeEndian.Uint32(events[12:])
			name := events[unix.SizeofInotifyEvent : unix.SizeofInotifyEvent+length]
			w.look(filepath.Join(w.folders[int32(binary.NativeEndian.Uint32(events))], string(bytes.TrimRight(name, "\x00"))))
			events = events[unix.SizeofInotifyEvent+length:]
		}
	}
}

// add watches a folder, and looks at what is in it already.
func (w *watcher) add(dir string) {
	raw, err := w.file.SyscallConn()
	if err != nil {
		return
	}
	id := -1
	_ = raw.Control(func(fd uintptr) {
		id, err = unix.InotifyAddWatch(int(fd), dir, unix.IN_CREATE|unix.IN_MOVED_TO|unix.IN_ATTRIB|unix.IN_ONLYDIR)
	})
	if err != nil || id < 0 {
		return // it is gone already
	}
	w.folders[int32(id)] = dir
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		w.look(filepath.Join(dir, e.Name()))
	}
}

// look looks at the mode. What the owner's program makes in its folder is its own.
func (w *watcher) look(path string) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink != 0 || strings.HasSuffix(path, "/order.json") || strings.HasSuffix(path, "/out.png") {
		return
	}
	w.mu.Lock()
	w.seen++
	if info.Mode().Perm()&0o077 != 0 {
		w.open = append(w.open, fmt.Sprintf("%s %04o", path, info.Mode().Perm()))
	}
	w.mu.Unlock()
	if info.IsDir() {
		w.add(path)
	}
}

// TestNothingInTheDataFolderIsEverOpenToOthers guards the moment in which a file is made,
// whatever the umask: a mode that is set later leaves a time to open it.
func TestNothingInTheDataFolderIsEverOpenToOthers(t *testing.T) {
	t.Parallel()
	s := newFixture(t, sandbox.Options{Seed: 1})
	home := filepath.Join(s.dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	config := string(must(os.ReadFile(filepath.Join(s.dir, "atelierd.toml"))))
	s.write("atelierd.toml", strings.Replace(config, `data_dir = "data"`, `data_dir = "home/data"`, 1), 0o600)
	w := watch(t, home)
	s.write("run", "#!/bin/sh\numask 000\nexec \"$@\"\n", 0o755)
	for range 2 { // the second life opens a database that is there
		c := s.startBy(filepath.Join(s.dir, "run"))
		s.place(1)
		s.until("the order was not delivered", func() bool { return strings.Contains(c.log.String(), "INF delivered") })
		s.stop(c)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen < 15 || len(w.open) > 0 {
		t.Errorf("of %d files and folders, others could read\n%s", w.seen, strings.Join(w.open, "\n"))
	}
}
