package app

import "runtime/debug"

// release is set by the linker: -X atelierd/internal/app.release=v1.2.3.
var release string

// Version is the program's version: of the release, else of the module.
func Version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
