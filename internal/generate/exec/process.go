package exec

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	osexec "os/exec"
	"syscall"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/term"
)

const (
	maxStdout = 1 << 20
	// drainTime is how long the pipes may stay open after the whole group is
	// dead: only a process that left the group can hold them.
	drainTime = time.Second
)

// The exit codes of sysexits.h that mean something to the daemon.
const (
	exitRefused       = 65 // EX_DATAERR
	exitTryLater      = 75 // EX_TEMPFAIL
	exitMisconfigured = 78 // EX_CONFIG
)

var (
	errTimeout = errors.New("it took too long")
	errFlooded = errors.New("it wrote too much to stdout")
)

// process is one run of a program in a process group of its own.
type process struct {
	name    string // what errors call it
	argv    []string
	dir     string
	env     []string
	stdin   []byte
	stderr  io.Writer
	record  string // where to note the running group; empty for nowhere
	timeout time.Duration
	grace   time.Duration
}

// outcome is how a run ended. cut is nil when the program ended by itself.
type outcome struct {
	stdout  []byte
	state   *os.ProcessState
	cut     error
	timeout time.Duration
	name    string
}

// run starts the program and waits until it and its group are gone. Its error
// is an *order.Failure and means that the program was not started.
func (p process) run(ctx context.Context) (outcome, error) {
	path, err := lookPath(p.argv[0], p.dir, p.env)
	if err != nil {
		return outcome{}, notRunnable(p.name, p.argv[0], err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout, errTimeout)
	defer cancel()

	flooded := make(chan struct{})
	stdout := &cappedBuffer{full: flooded}
	cmd := &osexec.Cmd{
		Path: path, Args: p.argv, Dir: p.dir, Env: p.env,
		Stdin: bytes.NewReader(p.stdin), Stdout: stdout, Stderr: p.stderr,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
		WaitDelay:   drainTime,
	}
	note, err := openRecord(p.record)
	if err != nil {
		return outcome{}, order.Failf(order.Retry, order.CodeOutputDir, "cannot note the process of %s: %w", p.name, bare(err)).Nothing()
	}
	defer note.remove()
	if err := cmd.Start(); err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOEXEC) {
			return outcome{}, notRunnable(p.name, p.argv[0], err)
		}
		return outcome{}, order.Failf(order.Retry, order.CodeNotStarted, "cannot start %s: %w", p.name, bare(err)).Nothing()
	}
	group := cmd.Process.Pid
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		awaitExit(cmd)
	}()

	out := outcome{timeout: p.timeout, name: p.name}
	noteErr := note.write(group)
	if noteErr == nil {
		select {
		case <-exited:
		case <-flooded:
			out.cut = errFlooded
		case <-ctx.Done():
			out.cut = context.Cause(ctx)
			_ = syscall.Kill(-group, syscall.SIGTERM) // it may have gone just now
			select {
			case <-exited:
			case <-time.After(p.grace):
			}
		}
	}
	// On Linux an exited leader is not reaped yet, so that its number cannot have
	// gone to a stranger. This also ends the children it has left behind.
	_ = syscall.Kill(-group, syscall.SIGKILL)
	<-exited
	// What Wait says of pipes does not matter, and the state says the rest.
	_ = cmd.Wait()
	if noteErr != nil {
		return outcome{}, order.Failf(order.Retry, order.CodeOutputDir, "cannot note the process of %s: %w", p.name, bare(noteErr))
	}
	out.state = cmd.ProcessState
	select {
	case <-flooded: // the flood may have ended by itself; nothing of it is worth keeping
		out.cut = errFlooded
	default:
		out.stdout = stdout.bytes()
	}
	return out, nil
}

// failure says what the end of the run means; nil when the program is content.
// reason is the last thing it said on stderr.
func (o outcome) failure(m manifest, reason string) *order.Failure {
	switch {
	case o.cut == nil:
	case errors.Is(o.cut, errTimeout), errors.Is(o.cut, context.DeadlineExceeded):
		return order.Failf(order.Retry, order.CodeTimeout, "%s took too long: stopped after %s", o.name, o.timeout).
			WithHint("raise its timeout if it needs longer")
	case errors.Is(o.cut, errFlooded):
		return order.Failf(order.Retry, order.CodeFlooded, "%s wrote too much to stdout: more than %d bytes", o.name, maxStdout).
			WithHint("let it write pictures to $OUTPUT_DIR, and only a manifest to stdout")
	default:
		return &order.Failure{Class: order.Stopped, Code: order.CodeStopped, Err: o.cut}
	}

	said := ""
	if m.Message != "" {
		reason = m.Message
	}
	if reason = term.Line(reason, 300); reason != "" {
		said = ": " + reason
	}
	status, _ := o.state.Sys().(syscall.WaitStatus)
	switch code := o.state.ExitCode(); {
	case code == 0:
		return nil
	case code == exitRefused:
		f := order.Failf(order.Fail, order.CodeRefused, "%s refused the order%s", o.name, said)
		f.Reason = reason
		return f
	case code == exitTryLater:
		return order.Failf(order.Retry, order.CodeTryLater, "%s asks to try later%s", o.name, said).Nothing()
	case code == exitMisconfigured:
		return order.Failf(order.Hold, order.CodeMisconfigured, "%s is not set up%s", o.name, said).
			WithHint("mend what it says, then retry the order").Nothing()
	case status.Signaled():
		return order.Failf(order.Retry, order.CodeSignal, "%s was ended by a signal (%s)%s", o.name, status.Signal(), said)
	default:
		return order.Failf(order.Retry, order.CodeExit, "%s exited with %d%s", o.name, code, said)
	}
}

// cappedBuffer keeps the first maxStdout bytes, closes full at the first byte
// beyond, and swallows the rest so that the writer is not blocked. Only one
// goroutine, the one that copies the pipe, writes to it.
type cappedBuffer struct {
	buf  bytes.Buffer
	full chan struct{}
	over bool
}

func (c *cappedBuffer) Write(p []byte) (int, error) {
	room := maxStdout - c.buf.Len()
	c.buf.Write(p[:min(len(p), room)])
	if !c.over && len(p) > room {
		c.over = true
		close(c.full)
	}
	return len(p), nil
}

func (c *cappedBuffer) bytes() []byte { return c.buf.Bytes() }
