package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheGeneratorForOpenClawMakesOnePicture runs the program of dist/openclaw with an
// openclaw that draws, one that does not, and none.
func TestTheGeneratorForOpenClawMakesOnePicture(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("jq is not installed")
	}
	script := must(filepath.Abs("../../dist/openclaw/openclaw-picture"))
	const draws = `#!/bin/sh
set -eu
echo "thinking" # it goes to the log
while [ $# -gt 0 ]; do
	case $1 in --message-file) task=$2 ;; --agent) agent=$2 ;; esac
	shift
done
[ "$agent" = artist ] && grep -q 'a red fox' "$task" && grep -q 'less red' "$task"
sed -n 's/.*PNG at \(.*\)\. Make nothing else\./\1/p' "$task" | while read -r file; do echo picture > "$file"; done
`
	for name, each := range map[string]struct {
		openclaw string
		code     int
	}{
		"draws": {draws, 0}, "draws nothing": {"#!/bin/sh\n", 1}, "fails": {"#!/bin/sh\nexit 3\n", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bin, out := t.TempDir(), t.TempDir()
			must(0, os.WriteFile(filepath.Join(bin, "openclaw"), []byte(each.openclaw), 0o755))
			c := exec.Command(script, "artist")
			c.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "OUTPUT_DIR=" + out, "ATELIER_ORDER_ID=ord_1", "ROUND=0"}
			c.Stdin = strings.NewReader(`{"instructions": "less red", "prompt": "a red fox"}`)
			stdout, _ := c.Output() // its exit code is looked at
			files := must(filepath.Glob(filepath.Join(out, "[^.]*")))
			if code := c.ProcessState.ExitCode(); code != each.code || (code == 0) != (len(files) == 1) || (code == 0) != (string(stdout) == "{\"files\": [\"picture.png\"]}\n") {
				t.Errorf("exit code %d, stdout %q, files %v", code, stdout, files)
			}
		})
	}
}
