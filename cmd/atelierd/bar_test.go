package main_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/sandbox"
	"atelierd/internal/term/termtest"
)

// slowPicture is a generator that says how far it is, and goes on when the test lets it.
const slowPicture = `#!/bin/sh
cat > /dev/null
echo "the card is warm" >&2
echo "progress 0.4 upscaling" >&2
until [ -e done ]; do sleep 0.05; done
printf '\211PNG\r\n\032\n\000\000\000\rIHDR\000\000\000\001\000\000\000\001\010\006\000\000\000\037\025\304\211\000\000\000\rIDATx\234c\374\317\300P\017\000\004\205\001\200\204\251\214!\000\000\000\000IEND\256B` + "`" + `\202' > "$OUTPUT_DIR/out.png"
`

// TestASampleShowsABarOnATerminal guards that whoever waits for a sample sees it move, and
// that nothing of the bar is left when it is there.
func TestASampleShowsABarOnATerminal(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"try":    {"generators", "try", "studio", "--prompt", "a fox", "--yes"},
		"doctor": {"doctor", "--offline", "--paid"},
	} {
		for _, columns := range []int{80, 40} {
			t.Run(fmt.Sprint(name, " ", columns), func(t *testing.T) {
				t.Parallel()
				s := newFixture(t, sandbox.Options{Seed: 1})
				s.write("make-picture", slowPicture, 0o755)
				terminal := termtest.Open(t, columns)
				c := exec.Command(program, append(args, "--config", filepath.Join(s.dir, "atelierd.toml"))...)
				c.Env, c.Dir = slices.Clone(s.env), s.dir
				c.Stdin, c.Stdout, c.Stderr = terminal.File, terminal.File, terminal.File
				if err := c.Start(); err != nil {
					t.Fatal(err)
				}
				terminal.Await("] making a sample 40%", patience)
				s.write("done", "", 0o600)
				_ = c.Wait() // doctor finds more that is missing
				shown := terminal.Close()
				if logs := name == "try"; strings.Contains(shown, "the card is warm") != logs || strings.Contains(shown, "progress 0.4") {
					t.Errorf("the program's own lines are %q", shown)
				}
				if rest := shown[strings.LastIndex(shown, "making a sample 40%"):]; !strings.Contains(rest, "\r\x1b[K") || !strings.Contains(rest, "studio-1.png") {
					t.Errorf("after the bar it shows %q", rest)
				}
			})
		}
	}
}
