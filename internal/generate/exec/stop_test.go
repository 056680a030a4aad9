//go:build unix

package exec

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

func TestAStopSendsSIGTERMFirst(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	e := script(t, `trap 'echo asked > "$OUTPUT_DIR/asked"; exit 0' TERM; echo ready >&2; while :; do sleep 0.05; done`,
		onLine(func(string) { cancel(order.ErrStopping) }),
		func(o *Options) { o.Grace = time.Minute })
	req := request(t)
	_, err := e.Generate(ctx, req)
	wantFailure(t, err, order.Stopped, order.CodeStopped, "stopping")
	if _, err := os.Stat(filepath.Join(req.OutputDir, "asked")); err != nil {
		t.Error("the program was killed without SIGTERM")
	}
}

func TestAProgramThatIgnoresTheStopIsKilledWithItsChildren(t *testing.T) {
	t.Parallel()
	line, ended := lifeline(t)
	ctx, cancel := context.WithCancel(t.Context())
	e := script(t, `exec 3>"$LINE"; trap '' TERM; sh -c 'trap "" TERM; sleep 600' & echo ready >&2; sleep 600`,
		func(o *Options) { o.Env = []string{"LINE=" + line} },
		onLine(func(string) { cancel() }))
	req := request(t)
	_, err := e.Generate(ctx, req)
	wantFailure(t, err, order.Stopped, order.CodeStopped, "canceled")
	wantEnded(t, ended)
	if _, err := os.Stat(pidFile(req.OutputDir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the record of the process was not removed: %v", err)
	}
}

func TestAHangingProgramEndsAtItsTimeout(t *testing.T) {
	t.Parallel()
	e := script(t, `echo thinking >&2; sleep 600`, func(o *Options) { o.Timeout = 300 * time.Millisecond })
	_, err := e.Generate(t.Context(), request(t))
	f := wantFailure(t, err, order.Retry, order.CodeTimeout, "300ms")
	if f.Log != "thinking\n" {
		t.Errorf("log %q", f.Log)
	}
}

func TestACancelledContextStartsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(order.ErrStopping)
	req := request(t)
	_, err := script(t, `echo x > "$OUTPUT_DIR/x"`).Generate(ctx, req)
	wantFailure(t, err, order.Stopped, order.CodeStopped, "")
	if _, err := os.Stat(req.OutputDir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the output folder was created")
	}
}

func TestAChildLeftBehindIsKilledWithoutDelay(t *testing.T) {
	t.Parallel()
	line, ended := lifeline(t)
	e := script(t, `(exec 3>"$LINE"; trap '' TERM HUP; echo up >> "$OUTPUT_DIR/x"; sleep 600) &
		while [ ! -s "$OUTPUT_DIR/x" ]; do sleep 0.01; done; exit 0`,
		func(o *Options) { o.Env = []string{"LINE=" + line} })
	begin := time.Now()
	res, err := e.Generate(t.Context(), request(t))
	if err != nil || len(res.Files) != 1 {
		t.Fatalf("got %v, %v", res.Files, err)
	}
	wantEnded(t, ended)
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestAProcessOutsideTheGroupCausesNoDelay(t *testing.T) {
	t.Parallel()
	if _, err := osexec.LookPath("setsid"); err != nil {
		t.Skip("no setsid here")
	}
	begin := time.Now()
	_, err := script(t, `setsid sh -c 'echo up > "$OUTPUT_DIR/x"; exec sleep 30' &
		while [ ! -s "$OUTPUT_DIR/x" ]; do sleep 0.01; done`).Generate(t.Context(), request(t))
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestAFloodOnStdoutIsKilledAtItsLimit(t *testing.T) {
	t.Parallel()
	f := wantFailure(t, second(script(t, `echo x > "$OUTPUT_DIR/x"; exec yes`).Generate(t.Context(), request(t))),
		order.Retry, order.CodeFlooded, "1048576")
	if f.Hint == "" {
		t.Error("no hint")
	}
	res, err := script(t, `echo x > "$OUTPUT_DIR/x"; head -c 1048576 /dev/zero`).Generate(t.Context(), request(t))
	if err != nil || len(res.Files) != 1 {
		t.Errorf("exactly the limit: got %v, %v", res, err)
	}
	_, err = script(t, `echo x > "$OUTPUT_DIR/x"; head -c 1048577 /dev/zero`).Generate(t.Context(), request(t))
	wantFailure(t, err, order.Retry, order.CodeFlooded, "")
}

func TestAnOrphanIsKilledBeforeTheNextRun(t *testing.T) {
	t.Parallel()
	line, ended := lifeline(t)
	req := request(t)
	daemon, says := startSelf(t, "GENERATE_TEST_ROLE=daemon", "DAEMON_OUTPUT_DIR="+req.OutputDir,
		fmt.Sprintf("SCRIPT=exec 3>'%s'; trap '' TERM HUP; echo half > \"$OUTPUT_DIR/picture\"; mv '%[1]s' '%[1]s.up'; sleep 600 & wait", line))
	t.Cleanup(func() { _ = daemon.Process.Kill() })
	// The program renames the pipe once it has opened it and written its file.
	waitFor(t, func() bool { _, err := os.Stat(line + ".up"); return err == nil })
	waitFor(t, func() bool { b, _ := os.ReadFile(pidFile(req.OutputDir)); return strings.TrimSpace(string(b)) != "" })
	if err := daemon.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = says.ReadString(0)
	_ = daemon.Wait()
	select {
	case <-ended:
		t.Fatal("the orphan died with its daemon, so the test shows nothing")
	default:
	}

	res, err := script(t, `echo whole > "$OUTPUT_DIR/picture"`).Generate(t.Context(), req)
	if err != nil || len(res.Files) != 1 {
		t.Fatalf("got %v, %v", res, err)
	}
	wantEnded(t, ended)
}

// waitFor waits for what another process does.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(20 * time.Second); !done(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not happen")
		}
	}
}

func TestAnotherProcessWithTheSameNumberIsLeftAlone(t *testing.T) {
	t.Parallel()
	line, ended := lifeline(t)
	cmd := osexec.Command("/bin/sh", "-c", `exec 3>"$0"; echo up; exec sleep 600`, line)
	cmd.SysProcAttr = newGroup()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if _, err := out.Read(make([]byte, 1)); err != nil { // it holds the lifeline now
		t.Fatal(err)
	}
	began, alive := processBegan(cmd.Process.Pid)
	if !alive && runtime.GOOS == "linux" {
		t.Fatal("it does not run")
	} else if !alive {
		t.Skip("only Linux shows when a process began")
	}
	dir := filepath.Join(t.TempDir(), "out")
	note := func(began string) {
		t.Helper()
		if err := os.WriteFile(pidFile(dir), fmt.Appendf(nil, "%d %s\n", cmd.Process.Pid, began), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := KillOrphan(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(pidFile(dir)); !errors.Is(err, fs.ErrNotExist) {
			t.Error("the record stays")
		}
	}
	note("another-boot/1")
	if _, alive := processBegan(cmd.Process.Pid); !alive {
		t.Fatal("another process was killed")
	}
	note(began)
	wantEnded(t, ended)
	_ = cmd.Wait()
	if err := KillOrphan(dir); err != nil {
		t.Errorf("without a record: %v", err)
	}
	if err := os.WriteFile(pidFile(dir), []byte("12"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := KillOrphan(dir); err != nil {
		t.Errorf("with half a record: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
