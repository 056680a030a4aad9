package demo

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// daemon is the real daemon in a separate process.
type daemon struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

func startDaemon(f folder) (*daemon, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(f.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(program, "run", "--config", f.config(), "--log-format", "text")
	cmd.Dir, cmd.Stdout, cmd.Stderr = f.path, log, log
	// The environment may hold the owner's real credentials, which must not reach
	// a sandbox.
	for _, name := range []string{"PATH", "HOME", "LANG", "TMPDIR", "TZ"} {
		if value, set := os.LookupEnv(name); set {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	// Ctrl-c at the terminal interrupts the demo alone, which then stops the daemon.
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the daemon: %w", err)
	}
	d := &daemon{cmd: cmd, ended: make(chan struct{})}
	go func() {
		defer close(d.ended)
		_ = cmd.Wait() // how it ended is in ProcessState
	}()
	return d, nil
}

func (d *daemon) pid() int { return d.cmd.Process.Pid }

// state describes how it ended.
func (d *daemon) state() string { return d.cmd.ProcessState.String() }

// kill kills it with SIGKILL.
func (d *daemon) kill() error {
	err := d.cmd.Process.Kill()
	<-d.ended
	if err != nil {
		return fmt.Errorf("kill the daemon: %w", err)
	}
	return nil
}

// stopTime is how long the daemon may take to stop.
const stopTime = 4 * time.Second

// stop stops it with SIGTERM, as an owner does. It has ended when stop returns. The
// error says that it did not end well.
func (d *daemon) stop() error {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		_ = d.kill()
		return fmt.Errorf("stop the daemon: %w", err)
	}
	select {
	case <-d.ended:
	case <-time.After(stopTime):
		_ = d.kill()
		return fmt.Errorf("the daemon did not stop in %s", stopTime)
	}
	if !d.cmd.ProcessState.Success() {
		return fmt.Errorf("the daemon failed while it stopped: %s", d.state())
	}
	return nil
}
