//go:build unix

package store

import (
	"syscall"
	"testing"

	"atelierd/internal/testdir"
)

// TestALockThatAChildInheritedEndsWithItsHolder guards that a start is not refused
// while this process starts a program: until the child runs it, the child shares every
// open file of the process, and so the lock.
func TestALockThatAChildInheritedEndsWithItsHolder(t *testing.T) {
	t.Parallel()
	dir := testdir.New(t)
	l, err := takeLock(dir)
	if err != nil {
		t.Fatal(err)
	}
	inherited, err := syscall.Dup(int(l.file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(inherited)
	if err := l.release(); err != nil {
		t.Error(err)
	}
	if pid := Holder(dir); pid != 0 {
		t.Errorf("after its release the folder is held by %d", pid)
	}
	if l, err = takeLock(dir); err != nil {
		t.Fatal("the folder cannot be locked again:", err)
	}
	if err := l.release(); err != nil {
		t.Error(err)
	}
}
