//go:build !unix

package cli

// ownerOf does not know to whom a file belongs.
func ownerOf(string) (uid int, ok bool) { return 0, false }

// usable reports that a file can be used.
func usable(string) bool { return true }

// readerOf knows no user who can read a file.
func readerOf(string) (uid int, ok bool) { return 0, false }

// userName is for systems where users have numbers.
func userName(int) string { return "" }
