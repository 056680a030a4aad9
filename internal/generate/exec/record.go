package exec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"atelierd/internal/generate"
)

// pidFile is where the running process group of an output folder is recorded. It
// is next to the folder, so that it is never taken for output.
func pidFile(outputDir string) string { return outputDir + generate.RunningExt }

// KillOrphan kills the program that an earlier process of the daemon left running
// for the output folder, and removes its record. Without a record it does nothing.
// Generate calls it before each run.
//
// Only Linux shows when a process began. On other systems the number in the record
// may be a stranger's by now, so the orphan is left alone.
func KillOrphan(outputDir string) error {
	path := pidFile(outputDir)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return withoutPath(err)
	}
	var group int
	var began string
	// A record that a crash cut short names no process.
	if n, _ := fmt.Sscanf(string(content), "%d %s\n", &group, &began); n == 2 && group > 1 {
		if err := killOrphan(group, began); err != nil {
			return err
		}
	}
	return withoutPath(os.Remove(path))
}

// killOrphan kills the group of the leader that began then, and waits until the
// leader has ended. The number alone is not enough, since the system reuses it.
func killOrphan(group int, began string) error {
	deadline := time.Now().Add(5 * time.Second)
	for {
		now, alive := processBegan(group)
		if now != began {
			return nil
		}
		if err := killGroup(group); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
		if !alive {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("process group %d does not end", group)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// record is an open pid file. Nil records nothing.
type record struct{ file *os.File }

// recordSize is more than a record takes.
const recordSize = 200

// openRecord creates the file and takes its room before the program starts, so that
// a full disk shows while nothing is spent.
func openRecord(path string) (*record, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC|safeOpen, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := f.WriteString(strings.Repeat("\n", recordSize)); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return &record{f}, nil
}

func (r *record) write(group int) error {
	if r == nil {
		return nil
	}
	began, _ := processBegan(group)
	_, err := r.file.WriteAt(fmt.Appendf(nil, "%d %s\n", group, began), 0)
	return err
}

func (r *record) remove() {
	if r == nil {
		return
	}
	_ = r.file.Close()
	_ = os.Remove(r.file.Name()) // a record that stays names a process that has gone
}
