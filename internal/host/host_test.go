package host_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/host"
	"atelierd/internal/order"

	_ "modernc.org/sqlite"
)

func TestErrorsOfTheSystemAreRecognizedWhereverTheyAreWrapped(t *testing.T) {
	t.Parallel()
	for errno, want := range map[syscall.Errno]host.Lack{
		syscall.ENOSPC: host.Room, syscall.EDQUOT: host.Room, syscall.EFBIG: host.Room,
		syscall.EMFILE: host.Descriptors, syscall.ENFILE: host.Descriptors,
		syscall.ENOMEM: host.Memory, syscall.EAGAIN: host.Processes, syscall.EIO: host.Disk, syscall.EROFS: host.Disk,
		syscall.ECONNREFUSED: host.None, syscall.EACCES: host.None, syscall.ENOENT: host.None,
	} {
		for _, err := range []error{
			errno, &os.PathError{Op: "write", Path: "p", Err: errno}, fmt.Errorf("outer: %w", errno), errors.Join(errors.New("other"), errno),
			order.Failf(order.Retry, order.CodeError, "it: %w", errno),
			&url.Error{Op: "Get", URL: "u", Err: &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", errno)}},
		} {
			if got := host.Lacks(err); got != want {
				t.Errorf("%T %v lacks %q, want %q", err, err, got, want)
			}
		}
	}
	if host.Lacks(nil) != host.None || host.Failure(errors.New("other")) != nil {
		t.Error("what is no lack is one")
	}
}

func TestAFullDatabaseIsRecognized(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "small.db")+"?_pragma=max_page_count(2)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE t (x)"); err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec("INSERT INTO t VALUES (randomblob(100000))")
	if host.Lacks(err) != host.Room {
		t.Errorf("%v lacks %q", err, host.Lacks(err))
	}
	f := host.Failure(err)
	if f.Class != order.Wait || f.Code != order.CodeDiskFull || f.Charge != order.ChargeNone || f.Hint == "" || f.After <= 0 {
		t.Errorf("%+v", f)
	}
}

func TestADatabaseThatCannotBeOpenedIsRecognized(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "missing", "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(); host.Lacks(err) != host.Disk {
		t.Errorf("%v lacks %q; descriptors are not missing", err, host.Lacks(err))
	}
}

func TestPersistTriesUntilTheMachineLacksNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		other, tries, failures := errors.New("other"), 0, 0
		err := host.Persist(t.Context(), func(error) { failures++ }, func() error {
			if tries++; tries < 100 {
				return syscall.ENOSPC
			}
			return other
		})
		if !errors.Is(err, other) || tries != 100 || failures != 99 {
			t.Errorf("%v after %d tries and %d failures", err, tries, failures)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		err = host.Persist(ctx, func(error) {}, func() error { return syscall.EMFILE })
		if !errors.Is(err, syscall.EMFILE) || time.Since(began) != time.Minute {
			t.Errorf("%v after %s, want the end of the context", err, time.Since(began))
		}
	})
}
