//go:build unix

package term

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// inJournal reports whether w is the stream of systemd's journal that the variable
// JOURNAL_STREAM names.
func inJournal(w io.Writer, getenv func(string) string) bool {
	f, ok := w.(*os.File)
	if !ok || getenv == nil || getenv("JOURNAL_STREAM") == "" {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && fmt.Sprintf("%d:%d", s.Dev, s.Ino) == getenv("JOURNAL_STREAM")
}
