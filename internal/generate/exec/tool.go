package exec

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"strings"
	"time"
)

// toolTime is how long a Tool may run.
const toolTime = 10 * time.Second

// Tool is a program of this machine that the daemon itself uses on files that may be
// hostile, such as one that reads videos.
type Tool struct {
	name    string
	env     []string
	timeout time.Duration
}

// FindTool returns the program of a name in PATH, and nil if there is none.
func FindTool(name string) *Tool {
	env := []string{"PATH=" + cmp.Or(os.Getenv("PATH"), "/usr/local/bin:/usr/bin:/bin"), "LANG=C.UTF-8"}
	if _, err := lookPath(name, "", env); err != nil {
		return nil
	}
	return &Tool{name: name, env: env, timeout: toolTime}
}

// Run runs the program in dir, which is also its home, for 10 seconds at most. It gets no
// other variable than PATH, LANG and HOME, and nothing on stdin. The error is an
// *order.Failure, with what the program wrote last.
func (t *Tool) Run(ctx context.Context, dir string, args ...string) error {
	stderr := &cappedBuffer{full: make(chan struct{})}
	p := process{
		name: t.name, argv: append([]string{t.name}, args...), dir: dir,
		env: append([]string{"HOME=" + dir}, t.env...), stderr: stderr, timeout: t.timeout, grace: time.Second,
	}
	out, err := p.run(ctx)
	if err != nil {
		return err
	}
	lines := bytes.Split(bytes.TrimSpace(stderr.bytes()), []byte("\n"))
	if f := out.failure(manifest{}, strings.ToValidUTF8(string(lines[len(lines)-1]), "")); f != nil {
		return f
	}
	return nil
}
