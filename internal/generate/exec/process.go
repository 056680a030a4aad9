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

	"atelierd/internal/beat"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

const (
	maxStdout = 1 << 20
	// drainTime is how long the pipes may stay open after the whole group is dead.
	// Only a process that left the group can hold them.
	drainTime = time.Second
)

// The exit codes of sysexits.h that have a meaning here.
const (
	exitRefused       = 65 // EX_DATAERR
	exitTryLater      = 75 // EX_TEMPFAIL
	exitMisconfigured = 78 // EX_CONFIG
)

var (
	errTimeout = errors.New("it took too long")
	errFlooded = errors.New("it wrote too much to stdout")
)

// process is one run of a program in its own process group.
type process struct {
	name    string // what errors call it
	order   string // the order's id, for hints; empty for a self-check
	argv    []string
	dir     string
	env     []string
	stdin   []byte
	stderr  io.Writer
	record  string // where to record the running group; empty for nowhere
	timeout time.Duration
	grace   time.Duration
	// wrap returns the command that runs a program in its isolation; nil runs it as it
	// is. wrapped: the leader of the group is that command and not the program.
	wrap    func(path string, args []string) (string, []string, error)
	wrapped bool
	as      *account // who runs it; nil for the daemon's own user
}

// outcome is how a run ended. cut is nil when the program ended by itself.
type outcome struct {
	stdout  []byte
	state   *os.ProcessState
	cut     error
	timeout time.Duration
	name    string
	order   string
	folder  error // why the output folder is not the one that the run began with
}

// run starts the program and waits until it and its group are gone. Its error is
// an *order.Failure: the program was not started, or not let run.
func (p process) run(ctx context.Context) (outcome, error) {
	path, err := lookPath(p.argv[0], p.dir, p.env)
	if err != nil {
		return outcome{}, notRunnable(p.name, p.argv[0], err)
	}
	argv := p.argv
	if p.wrap != nil {
		if path, argv, err = p.wrap(path, argv); err != nil {
			return outcome{}, err
		}
	}
	ctx, cancel := beat.TimeoutCause(ctx, p.timeout, errTimeout)
	defer cancel()

	stdout := &cappedBuffer{full: make(chan struct{})}
	cmd := &osexec.Cmd{
		Path: path, Args: argv, Dir: p.dir, Env: p.env,
		Stdin: bytes.NewReader(p.stdin), Stdout: stdout, Stderr: p.stderr,
		SysProcAttr: newGroup(),
		WaitDelay:   drainTime,
	}
	p.as.run(cmd.SysProcAttr)
	note, err := openRecord(p.record)
	if err != nil {
		return outcome{}, order.Failf(order.Retry, order.CodeOutputDir, "cannot record the process of %s: %w", p.name, withoutPath(err)).Nothing()
	}
	defer note.remove()
	if err := cmd.Start(); err != nil {
		if p.as != nil && errors.Is(err, fs.ErrPermission) {
			return outcome{}, p.as.shutOut(p, path)
		}
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOEXEC) {
			return outcome{}, notRunnable(p.name, p.argv[0], err)
		}
		return outcome{}, order.Failf(order.Retry, order.CodeNotStarted, "cannot start %s: %w", p.name, withoutPath(err)).Nothing()
	}
	cut, err := p.supervise(ctx, cmd, note, stdout.full)
	if err != nil {
		return outcome{}, order.Failf(order.Retry, order.CodeOutputDir, "cannot record the process of %s: %w", p.name, withoutPath(err))
	}
	out := outcome{state: cmd.ProcessState, cut: cut, timeout: p.timeout, name: p.name, order: p.order}
	select {
	case <-stdout.full: // too much even if the program then ended by itself
		out.cut = errFlooded
	default:
		out.stdout = stdout.bytes()
	}
	return out, nil
}

// supervise waits until the program and its group are gone. It returns why the
// program was cut, or nil when it ended by itself. A group that cannot be recorded
// is killed at once, because no later process could find it.
func (p process) supervise(ctx context.Context, cmd *osexec.Cmd, note *record, flooded <-chan struct{}) (cut, err error) {
	leader, exited := cmd.Process.Pid, make(chan struct{})
	go func() {
		defer close(exited)
		awaitExit(cmd)
	}()
	if err = note.write(leader); err == nil {
		cut = p.await(ctx, leader, exited, flooded)
	}
	// On Linux an exited leader is not reaped yet, so its number cannot be a
	// stranger's. This also kills the children that it left behind.
	_ = killGroup(leader)
	<-exited
	_ = cmd.Wait() // an error of the pipes does not matter, and the state holds the rest
	return cut, err
}

// await waits until the program has exited or has to go, and then asks it to end.
func (p process) await(ctx context.Context, leader int, exited, flooded <-chan struct{}) error {
	select {
	case <-exited:
		return nil
	case <-flooded:
		return errFlooded
	case <-ctx.Done():
	}
	terminate := terminateGroup
	if p.wrapped {
		terminate = terminateMembers
	}
	if err := terminate(leader); !errors.Is(err, errors.ErrUnsupported) {
		select {
		case <-exited:
		case <-time.After(p.grace):
		}
	}
	return context.Cause(ctx)
}

// failure returns what the end of the run means, or nil when the program exited
// with 0. reason is its last line on stderr.
func (o outcome) failure(m manifest, reason string) *order.Failure {
	switch {
	case o.cut == nil:
	case errors.Is(o.cut, errTimeout), errors.Is(o.cut, context.DeadlineExceeded):
		return order.Failf(order.Retry, order.CodeTimeout, "%s took too long: stopped after %s", o.name, o.timeout).
			WithHint("raise its timeout if it needs more time")
	case errors.Is(o.cut, errFlooded):
		return order.Failf(order.Retry, order.CodeFlooded, "%s wrote too much to stdout: more than %d bytes", o.name, maxStdout).
			WithHint("let it write files to $OUTPUT_DIR, and only a manifest to stdout")
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
		f := order.Failf(order.Retry, order.CodeTryLater, "%s asks to try later%s", o.name, said).Nothing()
		f.Outage = true
		return f
	case code == exitMisconfigured:
		return order.Failf(order.Hold, order.CodeMisconfigured, "%s is not set up%s", o.name, said).
			WithHint("fix what it reports, then run %s", order.Command("orders retry", o.order)).Nothing()
	case status.Signaled():
		return order.Failf(order.Retry, order.CodeSignal, "%s was ended by a signal (%s)%s", o.name, status.Signal(), said)
	default:
		return order.Failf(order.Retry, order.CodeExit, "%s exited with %d%s", o.name, code, said)
	}
}

// cappedBuffer keeps the first maxStdout bytes. It closes full at the next byte,
// and discards the rest so that the writer is not blocked. Only the goroutine that
// copies the pipe writes to it.
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
