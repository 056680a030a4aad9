package cli

import (
	"fmt"
	"runtime"

	"atelierd/internal/app"
	"atelierd/internal/term"
)

// VersionCmd prints the version.
type VersionCmd struct {
	Output
}

// Run runs the command.
func (c VersionCmd) Run(p *Program) error {
	v := map[string]string{"version": app.Version(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH}
	return c.print(p, v, func(g *term.Page) { g.Linef("%s", VersionLine()) })
}

// VersionLine is the version with the Go version and the platform.
func VersionLine() string {
	return fmt.Sprintf("atelierd %s (%s, %s/%s)", app.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
