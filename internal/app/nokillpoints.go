//go:build !killpoints

package app

// killPoint is nil but in a program that is built to be killed by a test.
var killPoint func(point string) error
