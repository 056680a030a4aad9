// Package demo shows the whole way of an order on one machine: a marketplace,
// clients and the real daemon as a process of its own, which it kills once.
//
// It must not know how the daemon works inside: it looks at the marketplace's
// record and at the daemon's database. Only main imports it.
package demo

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"atelierd/internal/cli"
	"atelierd/internal/sandbox"
	"atelierd/internal/term"
)

// Cmd shows the whole way of an order, with a crash in the middle.
type Cmd struct {
	Dir    string `help:"Folder to write everything to; it must be empty or not there yet. Default: a new temporary one, which is kept." type:"path" placeholder:"DIR"`
	Orders int    `help:"How many orders the clients place, from 6 to 30. Default: 12." default:"12" placeholder:"N"`
	Faults bool   `help:"Let the marketplace break now and then: errors, lost and slow answers."`
	Seed   uint64 `help:"Seed of ids and faults." default:"1"`
	JSON   bool   `help:"Print the result as JSON; the progress goes to stderr." name:"json"`
}

func (Cmd) Help() string {
	return `Opens a marketplace in this process, starts the daemon as a process of its own,
lets clients place orders (some of them hostile), kills the daemon with SIGKILL
while it works, starts it again, and counts what the marketplace has accepted.
It needs no network and no configuration, and takes less than a minute.

The exit code is 0 only if every order was delivered exactly once. The folder
is kept: its configuration, generator, database and pictures are yours to look at.`
}

// longest is how long a demo may take before it is given up.
const longest = 55 * time.Second

var errSlow = fmt.Errorf("not everything was delivered in %s", longest)

func (c Cmd) Run(p *cli.Program) error {
	if c.Orders < 6 || c.Orders > 30 {
		return &cli.UsageError{Err: errors.New("--orders must be from 6 to 30")}
	}
	signals, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	d, err := openDemo(c, p)
	if _, has := errors.AsType[*cli.HintError](err); err != nil && !has {
		err = cli.Hintf(err, "name a folder that can be written to with --dir")
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(signals, longest, errSlow)
	defer cancel()
	err = d.play(ctx)
	d.screen.close()
	if signals.Err() != nil {
		fmt.Fprintf(p.Stderr, "interrupted; stopping the daemon. What it wrote stays in %s\n", term.Sanitize(d.folder.path))
		err = context.Canceled
	}
	d.close()
	if err == nil {
		err = d.report(p)
	}
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return cli.Hintf(err, "the daemon's own words are in %s", d.folder.log())
}

// demo is one performance.
type demo struct {
	Cmd
	folder  folder
	market  *market
	clients *clients
	screen  *screen
	daemon  *daemon // nil while none runs
	books   books
	began   time.Time
	// kills and starts count what was done to the daemon.
	kills, starts int
	// cut is how many orders were in work when the daemon was killed.
	cut int
}

func openDemo(c Cmd, p *cli.Program) (*demo, error) {
	folder, err := makeFolder(c.Dir)
	if err != nil {
		return nil, err
	}
	market, err := openMarket(folder, c.Seed)
	if err != nil {
		return nil, err
	}
	if err := folder.fill(market.address); err != nil {
		market.close()
		return nil, err
	}
	began := time.Now()
	return &demo{Cmd: c, folder: folder, market: market, clients: newClients(c.Orders),
		screen: newScreen(p, c.JSON, began), books: books{dir: folder.data()}, began: began}, nil
}

// play is the plot. It ends without an error only if every order was delivered
// exactly once.
func (d *demo) play(ctx context.Context) error {
	d.screen.say("a marketplace opens on http://%s", d.market.address)
	if err := d.start("starts"); err != nil {
		return err
	}
	if err := d.until(ctx, func(scene) bool { return len(d.market.Services()) == len(services()) }); err != nil {
		return err
	}
	d.screen.say("it has registered and put %d services on offer; clients come in", len(services()))
	if d.Faults {
		// Not before: nobody can repair a registration whose answer was lost. Shapes
		// stay plain, since they may show a status that nobody knows, at which the
		// daemon waits for longer than a demo can.
		d.market.SetFaults(sandbox.Faults{Before: 0.06, After: 0.06, Slow: 0.1, SlowMax: 400 * time.Millisecond})
	}
	d.clients.open(time.Now())

	if err := d.until(ctx, d.ripe); err != nil {
		return err
	}
	if err := d.kill(); err != nil {
		return err
	}
	down := time.Now()
	if err := d.until(ctx, func(scene) bool { return time.Since(down) > downTime }); err != nil {
		return err
	}
	if err := d.start("starts again"); err != nil {
		return err
	}
	if err := d.until(ctx, func(s scene) bool { return d.clients.gone() && s.delivered == d.Orders }); err != nil {
		return err
	}
	return d.finish()
}

// ripe is the moment to kill the daemon: some orders are delivered, and some
// pictures, two if it can be had, are half done.
func (d *demo) ripe(s scene) bool {
	return s.delivered >= d.Orders/4 && s.painting > 1 || s.delivered >= d.Orders/2 && s.painting > 0
}

// downTime is how long the daemon stays dead, for orders to come in meanwhile.
const downTime = 3 * time.Second

// beat is how often the demo looks at everything.
const beat = 100 * time.Millisecond

// until lets things happen, and shows them, until the scene is as wanted.
func (d *demo) until(ctx context.Context, wanted func(scene) bool) error {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	var scene scene
	for {
		var ended <-chan struct{}
		if d.daemon != nil {
			ended = d.daemon.ended
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %d of %d orders were", context.Cause(ctx), scene.delivered, d.Orders)
		case <-ended:
			return fmt.Errorf("the daemon ended by itself: %s", d.daemon.state())
		case err := <-d.market.ended:
			return fmt.Errorf("the marketplace ended: %w", err)
		case now := <-tick.C:
			if err := d.clients.place(d.market.Server, now); err != nil {
				return err
			}
		}
		scene = d.look(ctx)
		d.screen.show(scene)
		if wanted(scene) {
			return nil
		}
	}
}

func (d *demo) start(how string) error {
	daemon, err := startDaemon(d.folder)
	if err != nil {
		return err
	}
	d.daemon = daemon
	d.starts++
	d.screen.say("the daemon %s, pid %d", how, daemon.pid())
	return nil
}

func (d *demo) kill() error {
	if err := d.daemon.kill(); err != nil {
		return err
	}
	scene := d.look(context.Background())
	d.daemon = nil
	d.kills++
	d.cut = scene.working
	d.screen.alarm("SIGKILL: the daemon is dead with %d orders delivered and %d in its hands", scene.delivered, scene.working)
	return nil
}

// finish stops the daemon in order and judges.
func (d *demo) finish() error {
	d.books.close() // so that the daemon is the last to close the database
	daemon := d.daemon
	d.daemon = nil
	if err := daemon.stop(); err != nil {
		return err
	}
	d.screen.say("the daemon was told to stop, and has")
	return judge(d.look(context.Background()), d.Orders)
}

// close ends what still runs.
func (d *demo) close() {
	if d.daemon != nil {
		_ = d.daemon.stop() // whatever it says, it has ended now
	}
	d.market.close()
	d.books.close()
}
