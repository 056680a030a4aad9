package exec

import (
	"context"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// CheckFiles runs the program as a check: it is told the order as for its files, and
// besides, in "files", the absolute paths of what was made. It exits with 0 when
// the work is good, with 65 when it is not, and says on stderr why.
func (e *Program) CheckFiles(ctx context.Context, req generate.Request, files []string) error {
	req.Made = files
	out, log, err := e.run(ctx, req)
	if err != nil {
		return err
	}
	reason := log.finish(out.stdout)
	m, err := parseManifest(out.stdout, e.redact)
	if err != nil {
		m = manifest{} // it has only to exit
	}
	f := out.failure(m, reason)
	if f == nil {
		return nil
	}
	f.Log, f.Charge = log.tail(), order.ChargeNone
	return f
}
