//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"

	"atelierd/internal/store"
)

// onWake calls f at each SIGUSR1, by which the owner's commands notify the daemon
// of a change.
func onWake(f func()) (release func()) {
	wakes := make(chan os.Signal, 1)
	signal.Notify(wakes, syscall.SIGUSR1)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-wakes:
				f()
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(wakes)
		close(done)
	}
}

// wakeDaemon makes a running daemon look at the database at once, and reports
// whether there is one.
func wakeDaemon(dir string) (running bool, err error) {
	pid := store.Holder(dir)
	if pid == 0 {
		return false, nil
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return false, err
	}
	if err := process.Signal(syscall.SIGUSR1); err != nil {
		return false, err
	}
	return true, nil
}
