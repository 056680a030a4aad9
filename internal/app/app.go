// Package app is the program as a value: what a configuration describes, opened,
// wired and run. One wiring serves the daemon, a single heartbeat, the commands
// that act at the marketplace, and the simulation in this package's tests.
//
// It must not know the command line, terminals or signals.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"atelierd/internal/config"
	"atelierd/internal/control"
	"atelierd/internal/credential"
	"atelierd/internal/disk"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate/exec"
	"atelierd/internal/host"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/systemd"
)

// Options say what to open. Only Config is needed.
type Options struct {
	Config *config.Config
	// Log gets what happens; nil discards it.
	Log *slog.Logger
	// Getenv reads the environment; nil is os.Getenv.
	Getenv func(string) string
	// Control makes the socket by which commands reach a running daemon.
	Control bool
	// Service is told how the daemon is; nil for nobody.
	Service *systemd.Service
	// By is who acts in a command of the owner's; empty in a daemon.
	By order.Actor
	// Takeover: the owner has confirmed that the host which worked with this ledger before
	// is off. The ledger counts as restored.
	Takeover bool
	// WaitForMarket makes a registration wait for a marketplace that cannot be
	// reached, instead of failing.
	WaitForMarket bool
	// WaitForHost makes Open and Run wait for what this machine lacks at the start, such
	// as room on the disk, instead of failing.
	WaitForHost bool

	// Transport carries requests to the marketplace, notifications, files to a storage, and
	// questions to the assistant; nil is the network.
	Transport http.RoundTripper
	// Listen opens the ports for webhooks, metrics and the console; nil is net.Listen.
	Listen func(network, address string) (net.Listener, error)
	// Generators take the place of the configured ones; nil for none.
	Generators map[string]fulfill.Generator
	// StoreHook is called around each commit, see store.Options.
	StoreHook func(point string) error
	// Reserve is how many bytes of the disk a paid call takes for its result before it is
	// made; 0 is 32 MiB.
	Reserve int64
	// MaxCrashes is how many crashes a stage may see, see store.Options.
	MaxCrashes int
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Reserve == 0 {
		o.Reserve = 32 << 20
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Listen == nil {
		o.Listen = net.Listen
	}
	if o.StoreHook == nil {
		o.StoreHook = killPoint
	}
	return o
}

// with returns the options with another configuration.
func (o Options) with(cfg *config.Config) Options {
	o.Config = cfg
	return o
}

// App is an open program: the data folder is locked, the database is up to date,
// the agent has credentials, and the port for webhooks is taken. It runs once.
type App struct {
	o           Options
	credentials *Credentials
	live        atomic.Pointer[live]
	probes      signal                   // generators are new
	models      signal                   // models are new
	stored      signal                   // the storage is new, or has failed
	reloader    atomic.Pointer[reloader] // nil before Run
	store       *store.Store
	port        net.Listener    // nil when webhooks are off
	metricsPort net.Listener    // nil when metrics are off, and before Run
	socket      *control.Socket // nil without one
	shared      sharedCount     // nil without one
	activity    activity
	progress    progress
	measured    *measured
	listings    listings

	stopNow chan struct{} // closed by StopNow
	stop    sync.Once
	wake    chan struct{}  // a wish of Wake
	loops   sync.WaitGroup // what Run has started
	mark    marker
	booted  bool                  // the start is recorded, and the end is to be
	failed  string                // the internal error that has ended Run
	lease   atomic.Pointer[lease] // nil without one
}

// Open does all that can fail for a reason of the owner's: it makes the
// generators, finds the credentials, locks the data folder, opens the database,
// takes the port for webhooks, and registers the agent if it has never been.
//
// Its errors say what the owner can do: *config.Error, *credential.Error,
// store.ErrLocked, store.ErrNewer, or an *order.Failure.
func Open(ctx context.Context, o Options) (a *App, err error) {
	o = o.withDefaults()
	for _, w := range o.Config.Warnings() {
		o.Log.Warn("configuration", "warning", w)
	}
	err = o.waitForHost(ctx, func() error {
		a, err = open(ctx, o)
		return err
	})
	return a, err
}

// waitForHost calls start again while it fails because of what this machine lacks.
// A disk that fails is waited for only if it is full, because a folder that cannot be
// used fails alike.
func (o Options) waitForHost(ctx context.Context, start func() error) error {
	if !o.WaitForHost {
		return start()
	}
	var final error
	var failures logonce.Logger
	lacks := host.Persist(ctx, func(err error) {
		o.Service.Starts("waiting for what this machine lacks: "+err.Error(), waitWithin)
		failures.Failed(o.Log, "the start waits for what this machine lacks", err, "hint", host.Failure(err).Hint)
	}, func() error {
		err := start()
		if host.Lacks(err) == host.None || host.Lacks(err) == host.Disk && !o.diskIsFull() {
			final = err
			return nil
		}
		return err
	})
	switch {
	case lacks == nil && final == nil:
		failures.Recovered(o.Log, "the start continues")
		return nil
	case lacks == nil:
		return final
	}
	return ctx.Err()
}

func (o Options) diskIsFull() bool {
	free, err := disk.Free(o.Config.DataDir)
	return err == nil && free < fulfill.LeastRoom
}

func open(ctx context.Context, o Options) (a *App, err error) {
	a = &App{o: o, stopNow: make(chan struct{}), wake: make(chan struct{}, 1), probes: make(signal, 1), models: make(signal, 1), stored: make(signal, 1), measured: newMeasured()}
	a.activity.loops.Limits = loopLimits
	services, err := a.makeServices(o.Config)
	if err != nil {
		return nil, err
	}
	a.live.Store(&live{o.Config, services})
	var known bool
	if a.credentials, known, err = FindCredentials(o.Config, o.Getenv); err != nil {
		return nil, err
	}
	if err := store.Lost(o.Config.DataDir); err != nil {
		return nil, err
	}
	o.Service.Starts("opening the database", openWithin)
	if a.store, err = store.Open(store.Options{Dir: o.Config.DataDir, Log: o.Log, Hook: o.StoreHook, MaxCrashes: o.MaxCrashes}); err != nil {
		if !errors.Is(err, store.ErrLocked) {
			err = fmt.Errorf("open the database: %w", err)
		}
		return nil, err
	}
	a.store.OnCallClosed(a.measured.call)
	if err := a.identify(ctx); err != nil {
		return nil, closeAfter(err, a)
	}
	killOrphans(o)
	if err := a.prepare(ctx, known); err != nil {
		return nil, closeAfter(err, a)
	}
	return a, nil
}

// killOrphans kills the programs that an earlier process left running, whether or not
// their work runs again. Call it with the data folder locked.
func killOrphans(o Options) {
	dirs, err := fulfill.OutputDirs(o.Config.DataDir)
	if err != nil {
		o.Log.Warn("could not look for programs of an earlier run", "error", err)
	}
	for _, dir := range dirs {
		if err := exec.KillOrphan(dir); err != nil { // a new run in the folder tries again
			o.Log.Warn("could not kill a program of an earlier run", "folder", dir, "error", err)
		}
	}
}

// prepare needs the store: it registers the agent, takes the port and makes the socket.
func (a *App) prepare(ctx context.Context, known bool) (err error) {
	if known {
		// A crash may have come between the saved key and the end of the intent.
		err = credential.EndRegistration(a.o.Config.DataDir)
	} else {
		err = a.register(ctx)
	}
	if err != nil {
		return err
	}
	if err := a.fenceNewcomer(ctx); err != nil {
		return err
	}
	if a.port, err = OpenPort(a.o); err != nil {
		return err
	}
	a.openSocket(ctx)
	return nil
}

func closeAfter(err error, c io.Closer) error {
	_ = c.Close() // the first error is the one to report
	return err
}

// Close closes the ports, the socket and the database and gives up the lock.
func (a *App) Close() error {
	if a.socket != nil {
		_ = a.socket.Close()
	}
	for _, port := range []net.Listener{a.port, a.metricsPort} {
		if port != nil {
			_ = port.Close() // a server that has run has closed it
		}
	}
	a.releaseLease()
	if a.booted {
		a.recordEnd()
	}
	if a.shared != nil {
		_ = a.shared.Close() // it is written with each request
	}
	if a.mark.last.Ledger != "" {
		if err := a.writeMark(context.Background()); err != nil {
			a.o.Log.Warn("the mark of the ledger could not be written", "error", err)
		}
	}
	return a.store.Close()
}

// StopNow makes a Run that is stopping, or that stops later, cut running work
// instead of draining it. What is cut is done again by the next run.
func (a *App) StopNow() { a.stop.Do(func() { close(a.stopNow) }) }

// Wake makes a running daemon look at the database at once: another process has
// changed it.
func (a *App) Wake() {
	select {
	case a.wake <- struct{}{}:
	default: // it looks anyway
	}
}
