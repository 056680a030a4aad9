//go:build !linux

package main_test

// newDisk returns a disk that can be full.
func (s *fixture) newDisk() disk { return s.hookedDisk() }
