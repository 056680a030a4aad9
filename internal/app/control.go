package app

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/budget"
	"atelierd/internal/config"
	"atelierd/internal/control"
	"atelierd/internal/engine"
	"atelierd/internal/intake"
	"atelierd/internal/systemd"
)

// openSocket makes the socket for commands. The daemon works without one: it sees what
// commands have changed within a minute.
func (a *App) openSocket(ctx context.Context) {
	if !a.o.Control {
		return
	}
	dir := a.o.Config.DataDir
	control.Forget(a.store.SocketLeft(), dir)
	s, err := control.Listen(ctx, dir)
	if err == nil && s.Path != control.PathIn(dir) {
		if err = a.store.NameSocket(s.Path); err != nil {
			_ = s.Close()
		}
	}
	if err != nil {
		a.o.Log.Warn("commands cannot reach this daemon; it sees what they change within a minute", "error", err)
		return
	}
	a.socket = s
}

// activity is what the parts of a running daemon do at the moment.
type activity struct {
	mu       sync.Mutex
	since    time.Time
	stopping bool
	loops    beat.Loops
}

func (c *activity) started() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since = time.Now()
}

func (c *activity) startedAt() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.since
}

// stuck names the loops that are past their limits, or is "".
func (c *activity) stuck() string {
	names := c.loops.Stuck()
	if len(names) == 0 {
		return ""
	}
	return "past the limits of what they wait for: " + strings.Join(names, ", ")
}

func (c *activity) stops() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopping = true
}

// controlled is the daemon as commands see it through the socket.
type controlled struct {
	a       *App
	poller  *intake.Poller
	engine  *engine.Engine
	budget  *budget.Budget
	console *consoleLoop
}

// run answers commands until ctx ends. No error of the socket ends the daemon.
func (c controlled) run(ctx context.Context) error {
	beat.Idle(ctx)
	if c.a.socket != nil {
		if err := control.Serve(ctx, c.a.socket, c); err != nil && !errors.Is(err, net.ErrClosed) {
			c.a.o.Log.Warn("commands cannot reach this daemon any more; it sees what they change within a minute", "error", err)
		}
	}
	<-ctx.Done()
	return nil
}

// Wake implements control.Daemon.
func (c controlled) Wake() { c.a.Wake() }

// Poll implements control.Daemon.
func (c controlled) Poll(ctx context.Context) (control.Poll, error) {
	s, err := c.poller.Ask(ctx)
	return viewPoll(s), err
}

// Reload implements control.Daemon.
func (c controlled) Reload() control.Reload {
	r := control.Reload{Path: c.a.config().Path}
	if err := c.a.Reload(); err != nil {
		r.Error = err.Error()
		if wrong, ok := errors.AsType[*config.Error](err); ok {
			r.Hint = wrong.Hint
		}
	}
	return r
}

// ConsoleLink implements control.Daemon.
func (c controlled) ConsoleLink(ctx context.Context, name string) control.ConsoleLink {
	return c.console.link(ctx, name)
}

// State implements control.Daemon.
func (c controlled) State() control.State {
	s := control.State{PID: os.Getpid(), Version: Version(), Poll: viewPoll(c.poller.State()), Confined: systemd.Confined(c.a.o.Getenv), Work: []control.Work{}, Loops: []control.Loop{}}
	for _, w := range c.engine.Running() {
		s.Work = append(s.Work, control.Work{
			Order: w.Job.OrderID, Kind: w.Job.Kind, Round: w.Job.Round, Stage: w.Job.Stage, Attempt: w.Job.Attempt, Since: w.Since,
			Progress: c.a.progress.of(w.Job),
		})
	}
	s.Console = c.console.shown()
	s.Poll.Kept, s.Poll.Limit = c.budget.Kept(context.Background())
	d := &c.a.activity
	d.mu.Lock()
	defer d.mu.Unlock()
	s.Since, s.Stopping = d.since, d.stopping
	for _, l := range d.loops.All() {
		s.Loops = append(s.Loops, control.Loop{Name: l.Name, Running: l.Running, Stuck: l.Stuck})
	}
	return s
}

func viewPoll(s intake.PollState) control.Poll {
	p := control.Poll{At: s.At, Orders: s.Orders, New: s.New, Changed: s.Changed, Next: s.Next}
	if s.Err != nil {
		p.Error = s.Err.Error()
	}
	return p
}
