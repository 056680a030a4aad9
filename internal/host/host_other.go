//go:build !windows

package host

// ofSystem knows no further errors on this system.
func ofSystem(error) Lack { return None }
