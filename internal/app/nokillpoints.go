//go:build !killpoints

package app

import "atelierd/internal/beat"

// killPoint is nil but in a program that is built to be killed by a test.
var killPoint func(point string) error

// loopLimits are the usual ones but in such a program.
var loopLimits beat.Limits
