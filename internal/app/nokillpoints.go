//go:build !killpoints

package app

import (
	"time"

	"atelierd/internal/beat"
)

// killPoint is nil but in a program that is built to be killed by a test.
var killPoint func(point string) error

// leaseTimes are the usual ones but in such a program.
var leaseTimes struct{ beat, dead time.Duration }

// loopLimits are the usual ones but in such a program.
var loopLimits beat.Limits
