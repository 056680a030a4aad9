package cli

import (
	"fmt"
	"runtime"

	"atelierd/internal/app"
	"atelierd/internal/term"
)

// VersionCmd prints the version.
type VersionCmd struct {
	JSON bool `help:"Print JSON." name:"json"`
}

func (c VersionCmd) Run(p *Program) error {
	if c.JSON {
		return term.PrintJSON(p.Stdout, map[string]string{"version": app.Version(), "go": runtime.Version(),
			"platform": runtime.GOOS + "/" + runtime.GOARCH})
	}
	_, err := fmt.Fprintf(p.Stdout, "atelierd %s (%s, %s/%s)\n", app.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
