package control_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/control"
)

// daemon is a control.Daemon that counts what it is asked for.
type daemon struct {
	mu    sync.Mutex
	wakes int
	poll  func(ctx context.Context) (control.Poll, error)
	wrong string // why a reload is refused
}

func (d *daemon) Wake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wakes++
}

func (d *daemon) State() control.State {
	return control.State{PID: 7, Version: "v1", Loops: []control.Loop{{Name: "poll", Running: true}}}
}

func (d *daemon) Reload() control.Reload {
	return control.Reload{Path: "atelierd.toml", Error: d.wrong}
}

func (d *daemon) ConsoleLink(_ context.Context, name string) control.ConsoleLink {
	return control.ConsoleLink{URL: "http://console/login/" + name}
}

func (d *daemon) Poll(ctx context.Context) (control.Poll, error) { return d.poll(ctx) }

// shortDir returns a folder whose path is short enough for a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func listen(t *testing.T, dir string) *control.Socket {
	t.Helper()
	s, err := control.Listen(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// serveOn serves d on the socket until the test ends or stop is called.
func serveOn(t *testing.T, s *control.Socket, d *daemon) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := control.Serve(ctx, s, d); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("the server ended with %v", err)
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		serving.Wait()
	})
	t.Cleanup(stop)
	return stop
}

func TestACommandReachesTheDaemon(t *testing.T) {
	t.Parallel()
	d := &daemon{poll: func(context.Context) (control.Poll, error) { return control.Poll{Orders: 3, New: 1}, nil }}
	s := listen(t, shortDir(t))
	serveOn(t, s, d)
	c := control.NewClient(s.Path)
	for range 3 {
		if err := c.Wake(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if d.wakes != 3 {
		t.Errorf("woken %d times, want 3", d.wakes)
	}
	if p, err := c.Poll(t.Context()); err != nil || p.Orders != 3 || p.New != 1 {
		t.Errorf("the poll: %+v, %v", p, err)
	}
	if st, err := c.State(t.Context()); err != nil || st.PID != 7 || len(st.Loops) != 1 || !st.Loops[0].Running {
		t.Errorf("the state: %+v, %v", st, err)
	}
	d.poll = func(context.Context) (control.Poll, error) {
		return control.Poll{}, errors.New("the daemon is stopping")
	}
	if _, err := c.Poll(t.Context()); err == nil || err.Error() != "the daemon is stopping" {
		t.Errorf("a poll that is not done: %v", err)
	}
}

// TestACommandThatWaitsEndsWhenTheDaemonStops guards that a stop waits for no command.
func TestACommandThatWaitsEndsWhenTheDaemonStops(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	d := &daemon{poll: func(ctx context.Context) (control.Poll, error) {
		close(asked)
		<-ctx.Done()
		return control.Poll{}, errors.New("stopped")
	}}
	s := listen(t, shortDir(t))
	stop := serveOn(t, s, d)
	ended := make(chan error, 1)
	go func() {
		_, err := control.NewClient(s.Path).Poll(context.Background())
		ended <- err
	}()
	<-asked
	stop()
	select {
	case err := <-ended:
		if err == nil || err.Error() != "stopped" {
			t.Errorf("the command got %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("the command still waits")
	}
}

func TestWithoutADaemonThereIsNoAnswer(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	if err := control.NewClient(control.PathIn(dir)).Wake(t.Context()); !errors.Is(err, control.ErrNoDaemon) {
		t.Errorf("without a socket: %v", err)
	}
	leave(t, dir)
	if err := control.NewClient(control.PathIn(dir)).Wake(t.Context()); !errors.Is(err, control.ErrNoDaemon) {
		t.Errorf("at the socket of a dead daemon: %v", err)
	}
}

// leave makes the socket of a process that was killed.
func leave(t *testing.T, dir string) {
	t.Helper()
	s := listen(t, dir)
	s.Listener.(*net.UnixListener).SetUnlinkOnClose(false)
	s.Close()
	if _, err := os.Lstat(control.PathIn(dir)); err != nil {
		t.Fatal(err)
	}
}

func TestTheSocketOfADeadDaemonIsReplaced(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	leave(t, dir)
	d := &daemon{}
	s := listen(t, dir)
	if s.Path != control.PathIn(dir) {
		t.Errorf("the socket is at %s", s.Path)
	}
	serveOn(t, s, d)
	if err := control.NewClient(s.Path).Wake(t.Context()); err != nil || d.wakes != 1 {
		t.Errorf("woken %d times, %v", d.wakes, err)
	}
}

func TestOnlyTheOwnerReachesTheSocket(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	for _, dir := range []string{shortDir(t), longDir(t)} {
		s := listen(t, dir)
		for path, want := range map[string]fs.FileMode{s.Path: 0o600, filepath.Dir(s.Path): 0o700} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v, want the mode %o", path, info.Mode(), err, want)
			}
		}
	}
}

// longDir returns a folder whose path is too long for a socket.
func longDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestALongPathLeadsElsewhereAndNothingIsLeft guards that starts that crash leave no
// folders behind.
func TestALongPathLeadsElsewhereAndNothingIsLeft(t *testing.T) {
	t.Parallel()
	dir := longDir(t)
	d := &daemon{}
	s := listen(t, dir)
	stop := serveOn(t, s, d)
	if s.Path == control.PathIn(dir) {
		t.Fatal("the path is short enough here")
	}
	if err := control.NewClient(s.Path).Wake(t.Context()); err != nil || d.wakes != 1 {
		t.Errorf("woken %d times, %v", d.wakes, err)
	}
	stop()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	gone(t, filepath.Dir(s.Path))

	crashed := listen(t, dir)
	crashed.Listener.(*net.UnixListener).SetUnlinkOnClose(false)
	crashed.Listener.Close()
	control.Forget(crashed.Path, dir)
	gone(t, filepath.Dir(crashed.Path))
}

func gone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left: %v", path, err)
	}
}

// TestWhatIsNoSocketStays guards the owner's files.
func TestWhatIsNoSocketStays(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	if err := os.WriteFile(control.PathIn(dir), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := listen(t, dir)
	if s.Path == control.PathIn(dir) {
		t.Error("a file was replaced")
	}
	for _, other := range []string{filepath.Join(dir, "notes.txt"), control.PathIn(filepath.Join(dir, "folder"))} {
		if err := os.MkdirAll(filepath.Dir(other), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(other, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		control.Forget(other, longDir(t))
		if _, err := os.Stat(other); err != nil {
			t.Error(err)
		}
	}
}

// TestADaemonThatDoesNotAnswerIsNamedPlainly guards that the owner reads no address of
// the socket's HTTP.
func TestADaemonThatDoesNotAnswerIsNamedPlainly(t *testing.T) {
	t.Parallel()
	s := listen(t, shortDir(t))
	go func() {
		for {
			c, err := s.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	err := control.NewClient(s.Path).Wake(t.Context())
	if err == nil || errors.Is(err, control.ErrNoDaemon) || !strings.Contains(err.Error(), "did not answer") || strings.Contains(err.Error(), "http://") {
		t.Errorf("the error is %v", err)
	}
}

func TestAReloadSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"", "atelierd.toml:3: agent.name: is missing"} {
		d := &daemon{wrong: wrong}
		s := listen(t, shortDir(t))
		serveOn(t, s, d)
		r, err := control.NewClient(s.Path).Reload(t.Context())
		if err != nil || r.Error != wrong || r.Path != "atelierd.toml" {
			t.Errorf("a reload answers %+v, %v", r, err)
		}
	}
}
