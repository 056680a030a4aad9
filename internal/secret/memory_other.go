//go:build !linux

package secret

// HideMemory does nothing: only Linux lets a process close its memory.
func HideMemory() error { return nil }
