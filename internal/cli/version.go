package cli

import (
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
	return c.print(p, v, func(g *term.Page) { g.Linef("atelierd %s (%s, %s)", v["version"], v["go"], v["platform"]) })
}
