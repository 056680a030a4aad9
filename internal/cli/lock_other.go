//go:build !unix

package cli

import "os"

// lockFile tries nothing on this system: the daemon itself reports a failed lock.
func lockFile(*os.File) error { return nil }
