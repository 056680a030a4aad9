//go:build !unix

package cli

import "atelierd/internal/store"

// onWake does nothing: this system has no signal for it. The daemon looks at the
// database once a minute.
func onWake(func()) (release func()) { return func() {} }

// wakeDaemon only reports whether a daemon runs.
func wakeDaemon(dir string) (running bool, err error) { return store.Holder(dir) != 0, nil }
