//go:build unix

package term_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/term"

	"golang.org/x/sys/unix"
)

// The journal adds the time, and systemd gives its stream by the numbers of the file.
func TestALogInTheJournalHasPrioritiesAndNoTimes(t *testing.T) {
	t.Parallel()
	stream, err := os.Create(filepath.Join(t.TempDir(), "stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var s unix.Stat_t
	if err := unix.Fstat(int(stream.Fd()), &s); err != nil {
		t.Fatal(err)
	}
	named := fmt.Sprintf("%d:%d", s.Dev, s.Ino)
	for _, c := range []struct{ named, format, want string }{
		{named, "auto", "<4>WRN too few order=o1\n<3>ERR none\n<6>INF more\n"},
		{named + "0", "auto", `{"time"`},
		{named, "json", `{"time"`},
	} {
		if err := errors.Join(stream.Truncate(0), second(stream.Seek(0, 0))); err != nil {
			t.Fatal(err)
		}
		log, release := term.NewDetachedLog(stream, term.LogOptions{Level: "info", Format: c.format, Getenv: func(name string) string {
			return map[string]string{"JOURNAL_STREAM": c.named}[name]
		}})
		log.Warn("too few", "order", "o1")
		log.Error("none")
		log.Info("more")
		release()
		got, err := os.ReadFile(stream.Name())
		if err != nil || !strings.HasPrefix(string(got), c.want) {
			t.Errorf("%s in %s: %q, %v; want %q", c.format, c.named, got, err, c.want)
		}
	}
}

func second[T any](_ T, err error) error { return err }
