package exec

import (
	"errors"
	"strings"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// What this process denies its programs may be why one fails, so its failure names it.
func TestAFailureNamesWhatTheProcessDenies(t *testing.T) {
	t.Parallel()
	const hint = "install the drop-in"
	for script, want := range map[string]bool{"exit 1": true, "kill -SEGV $$": true, "exit 78": true, "exit 75": false, "exit 65": false} {
		for _, given := range []string{hint, ""} {
			p, err := New(Options{Dir: t.TempDir(), Command: []string{"/bin/sh", "-c", script}, SelfCheck: []string{"/bin/sh", "-c", "exit 1"}, Hint: given})
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Generate(t.Context(), generate.Request{OrderID: "ord_1", OutputDir: t.TempDir()})
			f, ok := errors.AsType[*order.Failure](err)
			if !ok || strings.Contains(f.Hint, hint) != (want && given != "") {
				t.Errorf("%s with %q: %v, hint %q", script, given, err, f.Hint)
			}
			f, ok = errors.AsType[*order.Failure](p.Check(t.Context()))
			if !ok || strings.HasSuffix(f.Hint, "; "+hint) != (given != "") {
				t.Errorf("the self-check with %q: hint %q", given, f.Hint)
			}
		}
	}
}
