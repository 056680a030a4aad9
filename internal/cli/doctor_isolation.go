package cli

import (
	"context"
	"strings"

	"atelierd/internal/app"
	"atelierd/internal/generate"
)

// isolation says whether a program of the owner's could read the keys of the daemon. A
// client's brief may talk a program into it.
func (d *doctor) isolation(ctx context.Context, what string, backend generate.Generator) {
	program, ok := backend.(interface {
		Readable(ctx context.Context, files []string) ([]string, error)
	})
	files := app.KeyFiles(d.cfg, d.keys)
	if !ok || len(files) == 0 {
		return
	}
	what += ", isolation"
	readable, err := program.Readable(ctx, files)
	switch {
	case err != nil:
		d.failErr(what, err)
	case len(readable) > 0:
		hint := `set isolate = "bwrap" for it, which hides the data folder and the keys (Linux, needs bubblewrap), or user = "NAME" (needs root)`
		if d.cfg.ProgramUser() != "" {
			hint = "run `chmod 600 " + readable[0] + "`, or set user for this generator as well"
		}
		d.warn(what, hint, "it could read %s", strings.Join(readable, ", "))
	default:
		d.ok(what, "it cannot read the agent's key")
	}
}
