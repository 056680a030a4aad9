package exec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// pidFile is where the running process group of an output folder is noted:
// beside the folder, so that it is never taken for output.
func pidFile(outputDir string) string { return outputDir + ".pid" }

// KillOrphan kills the program that an earlier life of the daemon has left
// running for the output folder, and forgets it; without one it does nothing.
// Generate does so by itself. Where the system does not tell when a process
// began (only Linux does here), an orphan cannot be known for sure and is left.
func KillOrphan(outputDir string) error {
	path := pidFile(outputDir)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return bare(err)
	}
	var group int
	var began string
	// A record cut short by a crash names nobody.
	if n, _ := fmt.Sscanf(string(content), "%d %s\n", &group, &began); n == 2 && group > 1 {
		if err := killGroup(group, began); err != nil {
			return err
		}
	}
	return bare(os.Remove(path))
}

// killGroup kills the group of the leader that began then, and waits until the
// leader has ended. A number alone would not do: the system gives it to others.
func killGroup(group int, began string) error {
	deadline := time.Now().Add(5 * time.Second)
	for {
		now, alive := processBegan(group)
		if now != began {
			return nil
		}
		if err := syscall.Kill(-group, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
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

// record is an open pid file; nil notes nothing.
type record struct{ file *os.File }

// openRecord makes the file before the program starts, so that a full disk is
// met while nothing has been spent.
func openRecord(path string) (*record, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	return &record{f}, nil
}

func (r *record) write(group int) error {
	if r == nil {
		return nil
	}
	began, _ := processBegan(group)
	_, err := fmt.Fprintf(r.file, "%d %s\n", group, began)
	return err
}

func (r *record) remove() {
	if r == nil {
		return
	}
	_ = r.file.Close()
	_ = os.Remove(r.file.Name()) // one that stays names a process that has gone
}
