//go:build killpoints

package app

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"atelierd/internal/beat"
)

// Variables by which a test tells a program built with the tag killpoints what
// to do at its commits.
const (
	envKillAt = "ATELIERD_TEST_KILL_AT" // POINT:N, die at the Nth passing
	envPoints = "ATELIERD_TEST_POINTS"  // a file to list the points in
	envFull   = "ATELIERD_TEST_FULL"    // no commit has room while this file exists
	envHang   = "ATELIERD_TEST_HANG"    // each commit hangs while this file exists
	envLease  = "ATELIERD_TEST_LEASE"   // how soon a lease is dead
	envLimits = "ATELIERD_TEST_LIMITS"  // the grace and the own work of each loop
)

// leaseTimes are those that the environment names.
var leaseTimes = newLeaseTimes(os.Getenv(envLease))

func newLeaseTimes(text string) (t struct{ beat, dead time.Duration }) {
	if d, err := time.ParseDuration(text); err == nil {
		t.beat, t.dead = d/6, d
	}
	return t
}

// loopLimits are those that the environment names.
var loopLimits = newLimits(os.Getenv(envLimits))

func newLimits(text string) beat.Limits {
	d, _ := time.ParseDuration(text)
	return beat.Limits{Grace: d, OwnWork: d}
}

// killPoint is the store hook that the environment asks for.
var killPoint = newKillPoint(os.Getenv(envKillAt), os.Getenv(envPoints), os.Getenv(envFull), os.Getenv(envHang))

func newKillPoint(at, list, full, hang string) func(string) error {
	i := strings.LastIndexByte(at, ':')
	nth, _ := strconv.Atoi(at[i+1:])
	return func(point string) error {
		if i >= 0 && point == at[:i] {
			if nth--; nth == 0 {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {} // the signal is on its way
			}
		}
		for hang != "" && there(hang) {
			time.Sleep(10 * time.Millisecond)
		}
		if there(full) && strings.HasPrefix(point, "before:") {
			return syscall.ENOSPC
		}
		if list == "" {
			return nil
		}
		f, err := os.OpenFile(list, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = fmt.Fprintln(f, point)
		return err
	}
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
