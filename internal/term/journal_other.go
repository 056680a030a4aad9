//go:build !unix

package term

import "io"

// inJournal reports that w is not the stream of systemd's journal.
func inJournal(io.Writer, func(string) string) bool { return false }
