//go:build !unix

package credential

import "io/fs"

// inode returns 0 because it is unknown here. Fingerprint then relies on size, time
// and mode alone.
func inode(fs.FileInfo) uint64 { return 0 }

// openToOthers returns false because the mode of a file does not show who can read
// it here. The owner has to protect the folder, as Windows does with the folders of
// a user's profile.
func openToOthers(fs.FileMode) bool { return false }

// syncFolder does nothing because a folder cannot be synced here. After a power cut
// a new file may be missing.
func syncFolder(string) error { return nil }
