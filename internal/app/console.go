package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/config"
	"atelierd/internal/console"
	"atelierd/internal/console/access"
	"atelierd/internal/control"
	"atelierd/internal/logonce"
	"atelierd/internal/message"
	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/serve"
	"atelierd/internal/store/viewsql"
	"atelierd/internal/thumb"
	"atelierd/internal/view"
)

// maxConsole is the most connections to the console at the same time.
const maxConsole = 128

// consoleAgain is how long a console that cannot be served waits before it is tried again.
const consoleAgain = time.Minute

// consoleLoop serves the owner's console while one is configured. Whatever fails in it, the
// daemon works on.
type consoleLoop struct {
	b        base
	thumbs   *thumb.Maker
	desk     *desk
	daemon   control.Daemon // this one, set before run
	changed  signal
	failures logonce.Logger

	mu    sync.Mutex
	state consoleState
	next  chan struct{} // closed when state changes
}

// consoleState is how the console stands.
type consoleState struct {
	of     config.Console // the settings that it stands so with
	access *access.Access // nil while nothing is served
	url    string         // where browsers find it
	failed error          // why nothing is served
}

// settled reports whether the state follows from the settings, and is none on the way.
func (s consoleState) settled() bool { return s.access != nil || s.failed != nil || !s.of.On() }

func newConsoleLoop(b base, m *thumb.Maker) *consoleLoop {
	return &consoleLoop{b: b, desk: &desk{b: b, samples: map[string]console.Sample{}, first: rand.Text()}, thumbs: m, changed: make(signal, 1), state: consoleState{of: b.Config.Console}, next: make(chan struct{})}
}

var errStopping = errors.New("the daemon is stopping")

// run serves until ctx ends, always what is configured now.
func (c *consoleLoop) run(ctx context.Context) error {
	defer c.desk.open(ctx)()
	for ctx.Err() == nil {
		cfg := c.b.config()
		if !cfg.Console.On() {
			c.settle(consoleState{of: cfg.Console})
			beat.Idle(ctx)
			select {
			case <-ctx.Done():
			case <-c.changed:
			}
			beat.Turn(ctx)
			continue
		}
		err := c.serve(ctx, cfg)
		if err == nil {
			continue // it has stopped, or another configuration is in use
		}
		c.settle(consoleState{of: cfg.Console, failed: err})
		c.failures.Failed(c.b.Log, "the console is not served; it is tried again each minute", err)
		beat.Sleep(ctx, consoleAgain, c.changed)
	}
	c.set(consoleState{failed: errStopping})
	return nil
}

// Change has the console served as it is configured now. It goes on if that is as before,
// unless there may be a new certificate.
func (c *consoleLoop) Change() {
	now := c.b.config().Console
	if s, _ := c.look(); s.of == now && s.failed == nil && !now.TLS() {
		return
	}
	c.set(consoleState{of: now})
	c.changed.wake()
}

// serve serves the console until ctx ends or the configuration changes.
func (c *consoleLoop) serve(ctx context.Context, cfg *config.Config) error {
	o := serve.Options{Conns: maxConsole, Log: c.b.Log}
	if cfg.Console.TLS() {
		pair, err := certificate(cfg.Console)
		if err != nil {
			return err
		}
		o.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	users, err := access.Open(ctx, cfg.DataDir)
	if err != nil {
		return err
	}
	defer users.Close()
	acts := c.b.App.o.with(cfg)
	acts.By = "console" // each page says who it is
	actions, err := openOwner(acts.withDefaults(), c.b.config)
	if err != nil {
		return err
	}
	defer actions.Close()
	l, err := OpenConsolePort(c.b.App.o.with(cfg))
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var waiting sync.WaitGroup
	defer waiting.Wait()
	waiting.Go(func() {
		select {
		case <-ctx.Done():
		case <-c.changed:
			stop()
		}
	})
	c.failures.Recovered(c.b.Log, "the console is served again")
	s := consoleState{of: cfg.Console, access: users, url: consoleURL(cfg.Console, l)}
	c.settle(s)
	defer func() { c.set(consoleState{of: c.b.config().Console}) }()
	c.b.Log.Info("serving the console", "address", l.Addr().String(), "url", s.url)
	beat.Idle(ctx)
	defer beat.Turn(ctx)
	err = o.Run(ctx, l, console.New(c.options(cfg, users, actions)))
	stop()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}

func certificate(c config.Console) (tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		err = fmt.Errorf("the certificate of [console] cannot be used: %w", err)
	}
	return pair, err
}

// ConsoleCertificate returns when the certificate of the console ends.
func ConsoleCertificate(cfg *config.Config) (time.Time, error) {
	pair, err := certificate(cfg.Console)
	if err != nil {
		return time.Time{}, err
	}
	return pair.Leaf.NotAfter, nil
}

// options are those of the pages.
func (c *consoleLoop) options(cfg *config.Config, users *access.Access, actions *owner.Actions) console.Options {
	sum := sha256.Sum256([]byte(c.b.Credentials.current().AgentID))
	o := console.Options{
		Access: users, Secure: cfg.Console.Secure(), Log: c.b.Log, Name: hex.EncodeToString(sum[:4]),
		Agent: func() string { return c.b.config().Agent.Name },
		Zone:  func() *time.Location { return c.b.config().Zone() },
		Files: shownFiles{c.thumbs, c.b.Store},

		Version: c.b.Store.Version, Owner: actions, Wake: c.b.App.Wake,
		View: view.Reader{
			Config: c.b.config, Store: c.b.Store,
			Daemon: func(context.Context) (control.State, bool) { return c.daemon.State(), true },
		},
	}
	o.Replies = func(h view.History) []console.Reply { return replies(c.b.config(), h) }
	o.Neighbours = neighbours(o.View)
	statements := viewsql.New(cfg.DataDir) // one at a time, whoever asks
	o.SQL, o.Desk = statements, c.desk
	agents := Agents{Reader: o.View, Owner: actions, Wake: func(context.Context) { o.Wake() }, Thumbs: c.thumbs, SQL: statements}
	o.Agents = NewAgents(c.b.App.o.with(cfg), agents).Handler(callers(users, c.b.config))
	if host := cfg.Console.Host(); host != "" {
		o.Hosts = []string{host}
	}
	return o
}

// replies writes the owner's beginnings of messages about an order.
func replies(cfg *config.Config, h view.History) (list []console.Reply) {
	d := message.Data{Order: h.Order.ID, Service: h.Order.Service, Brief: h.Order.Brief, Round: h.Order.Round, Links: h.Order.Deliverables, Reason: h.Order.Reason}
	for _, r := range cfg.Messages.Replies {
		text, err := r.Text.Write(d)
		if err != nil {
			continue // it has worked on samples when the configuration was read
		}
		list = append(list, console.Reply{Name: r.Name, Text: text})
	}
	return list
}

func (c *consoleLoop) set(s consoleState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(s)
}

// settle records what became of the settings in s. A reload may have replaced them in the
// meantime. Nobody may then take the outcome of the old ones for that of the new.
func (c *consoleLoop) settle(s consoleState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.b.config().Console == s.of {
		c.put(s)
	}
}

// put needs mu.
func (c *consoleLoop) put(s consoleState) {
	close(c.next)
	c.state, c.next = s, make(chan struct{})
}

// look returns how the console stands, and a channel that is closed when that changes.
func (c *consoleLoop) look() (consoleState, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state, c.next
}

// await returns how the console stands, after a start or a change that is under way.
func (c *consoleLoop) await(ctx context.Context) consoleState {
	for {
		s, next := c.look()
		if s.settled() {
			return s
		}
		select {
		case <-ctx.Done():
			return s
		case <-next:
		}
	}
}

// shown is how the console stands, for commands.
func (c *consoleLoop) shown() control.Console {
	s, _ := c.look()
	if s.failed != nil {
		return control.Console{Error: s.failed.Error()}
	}
	return control.Console{URL: s.url}
}

// link returns a link that logs name in once.
func (c *consoleLoop) link(ctx context.Context, name string) control.ConsoleLink {
	s := c.await(ctx)
	switch {
	case s.failed != nil:
		return control.ConsoleLink{Error: "the console is not served: " + s.failed.Error(), Hint: "correct [console] in the configuration, then run " + order.Command("reload")}
	case s.access == nil:
		return control.ConsoleLink{Error: "the console is off", Hint: `set listen = "127.0.0.1:8378" in [console] of the configuration, then run ` + order.Command("reload")}
	}
	secret, err := s.access.NewLink(ctx, name)
	if err != nil {
		return control.ConsoleLink{Error: "no link could be made: " + err.Error()}
	}
	return control.ConsoleLink{URL: s.url + "/login/" + secret, Expires: time.Now().Add(access.LinkLife)}
}

// consoleURL returns where browsers find a console that listens on l.
func consoleURL(c config.Console, l net.Listener) string {
	switch {
	case c.PublicURL != "":
		return c.PublicURL
	case c.TLS():
		return "https://" + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}

// OpenConsolePort listens for browsers, or for the proxy before them; it returns nil when
// the console is off.
func OpenConsolePort(o Options) (net.Listener, error) {
	o = o.withDefaults()
	path := o.Config.Console.Socket()
	if path == "" {
		if !o.Config.Console.On() {
			return nil, nil
		}
		return o.listen("console", "tcp", o.Config.Console.Listen)
	}
	if err := removeDead(path); err != nil {
		return nil, err
	}
	l, err := o.listen("console", "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o660); err != nil { // the proxy shares the group
		return nil, closeAfter(err, l)
	}
	return l, nil
}

// removeDead removes the socket of a process that has ended.
func removeDead(path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return nil //nolint:nilerr // to listen says what is wrong
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		return errors.Join(fmt.Errorf("another process listens on %s", path), conn.Close())
	}
	return os.Remove(path)
}
