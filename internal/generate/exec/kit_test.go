//go:build unix

package exec

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/testdir"
)

// TestMain lets the test binary act as a program of the owner, or as a daemon.
func TestMain(m *testing.M) {
	switch os.Getenv("GENERATE_TEST_ROLE") {
	case "print environment":
		out := strings.Join(os.Environ(), "\n")
		if os.WriteFile(filepath.Join(os.Getenv("OUTPUT_DIR"), "env"), []byte(out), 0o600) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	case "daemon": // it will be killed in the middle of a run
		e, err := New(Options{Command: []string{"/bin/sh", "-c", os.Getenv("SCRIPT")}})
		if err == nil {
			_, err = e.Generate(context.Background(), generate.Request{OrderID: "o", OutputDir: os.Getenv("DAEMON_OUTPUT_DIR")})
		}
		if err != nil {
			println(err.Error())
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func script(t testing.TB, text string, options ...func(*Options)) *Program {
	t.Helper()
	opts := Options{Command: []string{"/bin/sh", "-c", text}, Grace: 200 * time.Millisecond, Timeout: time.Minute}
	for _, o := range options {
		o(&opts)
	}
	e, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func request(t testing.TB) generate.Request {
	return generate.Request{OrderID: "ord_1", Round: 2, Attempt: 3, Brief: "a fox", OutputDir: filepath.Join(t.TempDir(), "out")}
}

// wantFailure checks the class and the code, and that the text contains what.
func wantFailure(t testing.TB, err error, class order.Class, code order.Code, what string) *order.Failure {
	t.Helper()
	f, ok := errors.AsType[*order.Failure](err)
	if !ok {
		t.Fatalf("got %v, want a failure", err)
	}
	if f.Class != class || f.Code != code || !strings.Contains(f.Error(), what) {
		t.Fatalf("got %s %s %q, want %s %s with %q", f.Class, f.Code, f, class, code, what)
	}
	if strings.ContainsAny(f.Error(), "\n\x1b") || len(f.Error()) > 600 {
		t.Fatalf("the error is not one short safe line: %q", f)
	}
	return f
}

// lifeline is a named pipe. ended is closed once every process that inherited its
// write end has ended.
func lifeline(t *testing.T) (path string, ended <-chan struct{}) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "lifeline")
	testdir.Pipe(t, path)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f, err := os.Open(path) // blocks until the other end is opened
		if err == nil {
			_, _ = f.Read(make([]byte, 1))
			f.Close()
		}
	}()
	return path, done
}

func wantEnded(t *testing.T, ended <-chan struct{}) {
	t.Helper()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("a process that should have ended still runs")
	}
}

// onLine sets a log that calls f for each line of the program.
func onLine(f func(string)) func(*Options) {
	return func(o *Options) { o.Log = slog.New(lineHandler{slog.DiscardHandler, f}) }
}

type lineHandler struct {
	slog.Handler
	f func(string)
}

func (h lineHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h lineHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h lineHandler) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "line" {
			h.f(a.Value.String())
		}
		return true
	})
	return nil
}

func startSelf(t *testing.T, env ...string) (*osexec.Cmd, *bufio.Reader) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := osexec.Command(self)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(out)
}
