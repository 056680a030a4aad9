// Package demo shows orders from start to delivery on one machine. It runs a
// marketplace and clients, and starts the real daemon as a separate process, which
// it kills once.
//
// It must not know how the daemon works inside. It reads the record of the
// marketplace and the daemon's database. Only main imports it.
package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"atelierd/internal/cli"
	"atelierd/internal/sandbox"
	"atelierd/internal/term"
)

// mostOrders is how many orders clients may place.
const mostOrders = 30

// Cmd shows orders from start to delivery, with a crash in the middle.
type Cmd struct {
	Dir    string `help:"Folder to write everything to; it must be empty or new. Default: a new temporary folder, which is kept." type:"path" placeholder:"DIR"`
	Orders int    `help:"How many orders the clients place, from 6 to 30. Default: 12." default:"12" placeholder:"N"`
	Faults bool   `help:"Have the marketplace fail now and then: errors, lost and slow answers."`
	Seed   uint64 `help:"Seed of ids and faults." default:"1"`
	Keep   bool   `help:"At the end run the daemon with its console on the orders of the demo, until ctrl-c."`
	JSON   bool   `help:"Print the result as JSON; the progress goes to stderr." name:"json"`
	// Limit is how long it may take. An emulated processor needs more.
	Limit time.Duration `default:"55s" help:"How long it may take." hidden:""`
}

// Help explains the command.
func (Cmd) Help() string {
	return `Runs a marketplace in this process and the daemon in another. Clients place orders,
some of them with hostile text. The daemon is killed with SIGKILL while it works,
and started again. At the end the demo counts the deliveries that the marketplace
accepted. It needs no network and no configuration, and takes less than a minute.

The exit code is 0 only if every order was delivered exactly once. The folder with
the configuration, generator, database and pictures is kept for you to look at. With
--keep the daemon and the marketplace run on, and the console shows the orders.`
}

// Run runs the command.
func (c Cmd) Run(p *cli.Program) error {
	if c.Orders < 6 || c.Orders > mostOrders {
		return &cli.UsageError{Err: errors.New("--orders must be from 6 to 30")}
	}
	signals, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	d, err := openDemo(c, p)
	if _, has := errors.AsType[*cli.HintError](err); err != nil && !has {
		err = cli.Hintf(err, "name a writable folder with --dir")
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(signals, c.Limit, fmt.Errorf("not every order was delivered in %s", c.Limit))
	defer cancel()
	err = d.run(ctx)
	d.screen.close()
	if signals.Err() != nil {
		fmt.Fprintf(p.Stderr, "interrupted; stopping the daemon. Its files are kept in %s\n", term.Sanitize(d.folder.path))
		err = context.Canceled
	}
	if err == nil {
		err = d.report(p)
	}
	if err == nil && !c.Keep && !c.JSON {
		err = d.showConsole(p)
	}
	if err == nil && c.Keep {
		err = d.keep(signals, p)
	}
	d.close()
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return cli.Hintf(err, "the daemon's log is %s", d.folder.log())
}

// demo is one run of the demo.
type demo struct {
	Cmd
	folder  folder
	market  *market
	listen  addresses
	clients *clients
	screen  *screen
	daemon  *daemon // nil while none runs
	ledger  ledger
	began   time.Time
	// kills and starts count how often the daemon was killed and started.
	kills, starts int
	// cutOff is how many orders the daemon worked on when it was killed.
	cutOff int
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
	free, err := freeAddresses(2)
	if err != nil {
		market.close()
		return nil, err
	}
	where := addresses{market: market.address, console: free[0], hooks: free[1]}
	if err := folder.fill(where); err != nil {
		market.close()
		return nil, err
	}
	began := time.Now()
	return &demo{
		Cmd: c, folder: folder, market: market, listen: where, clients: newClients(c.Orders),
		screen: newScreen(p, c.JSON, began), ledger: ledger{dir: folder.data()}, began: began,
	}, nil
}

// run runs the demo. It returns nil only if every order was delivered exactly
// once.
func (d *demo) run(ctx context.Context) error {
	d.screen.say("a marketplace opens on http://%s", d.market.address)
	if err := d.start("starts"); err != nil {
		return err
	}
	if err := d.until(ctx, func(snapshot) bool { return len(d.market.Services()) == len(services()) }); err != nil {
		return err
	}
	d.screen.say("it has registered and listed %d services; clients place orders", len(services()))
	if link, err := d.consoleLink(); err == nil {
		d.screen.say("watch it in the console: %s", term.Sanitize(link))
	}
	if d.Faults {
		// Faults start only now, because a registration whose answer is lost needs the
		// owner. Answers keep their usual shape: at an unknown status the daemon would
		// wait for longer than the demo lasts.
		d.market.SetFaults(sandbox.Faults{Before: 0.06, After: 0.06, Slow: 0.1, SlowMax: 400 * time.Millisecond})
	}
	d.clients.open(time.Now())

	if err := d.until(ctx, d.readyToKill); err != nil {
		return err
	}
	if err := d.kill(); err != nil {
		return err
	}
	down := time.Now()
	if err := d.until(ctx, func(snapshot) bool { return time.Since(down) > downTime }); err != nil {
		return err
	}
	if err := d.start("starts again"); err != nil {
		return err
	}
	if err := d.until(ctx, func(s snapshot) bool { return d.clients.done() && s.delivered == d.Orders }); err != nil {
		return err
	}
	return d.finish()
}

// readyToKill reports whether this is the moment to kill the daemon: some orders
// are delivered, and two pictures are being made, or one if it is late.
func (d *demo) readyToKill(s snapshot) bool {
	return s.delivered >= d.Orders/4 && s.painting > 1 || s.delivered >= d.Orders/2 && s.painting > 0
}

// downTime is how long the daemon stays dead. Clients place orders meanwhile.
const downTime = 3 * time.Second

// interval is how often the demo looks at everything.
const interval = 100 * time.Millisecond

// until has the clients act, and shows the orders, until wanted is true.
func (d *demo) until(ctx context.Context, wanted func(snapshot) bool) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var now snapshot
	for {
		var ended <-chan struct{}
		if d.daemon != nil {
			ended = d.daemon.ended
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %d of %d were", context.Cause(ctx), now.delivered, d.Orders)
		case <-ended:
			return fmt.Errorf("the daemon ended unexpectedly: %s", d.daemon.state())
		case err := <-d.market.ended:
			return fmt.Errorf("the marketplace ended unexpectedly: %w", err)
		case at := <-tick.C:
			if err := d.clients.act(d.market.Server, at); err != nil {
				return err
			}
		}
		now = d.snapshot(ctx)
		d.screen.show(now)
		if wanted(now) {
			return nil
		}
	}
}

// showConsole says where the console was, and how to have it again.
func (d *demo) showConsole(p *cli.Program) error {
	g := p.Page()
	g.Heading("the console")
	g.Linef("  http://%s/ was open while the demo ran. This leaves it open, with", d.listen.console)
	g.Linef("  pictures to approve, clients to answer and a month of earnings:")
	g.Linef("")
	g.Linef("  %s demo --keep", term.Sanitize(programName()))
	return g.Print(p.Stdout)
}

// freeAddresses returns n addresses that nobody listens on. Their ports are below those that
// systems give to outgoing connections, so that they are still free when the daemon has been
// down for a while, and an open page finds it again.
func freeAddresses(n int) (list []string, err error) {
	const first, most = 8400, 1000
	for i := range most {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(first+(os.Getpid()*n+i)%most))
		l, problem := net.Listen("tcp", address)
		if problem != nil {
			err = problem
			continue
		}
		defer func() { _ = l.Close() }() // open until then, so that the next one is another
		if list = append(list, address); len(list) == n {
			return list, nil
		}
	}
	return nil, err
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
	now := d.snapshot(context.Background())
	d.daemon = nil
	d.kills++
	d.cutOff = now.working
	d.screen.alarm("SIGKILL: the daemon is dead, with %s delivered and %d in work", counted(now.delivered, "order"), now.working)
	return nil
}

// finish stops the daemon and verifies the deliveries.
func (d *demo) finish() error {
	d.ledger.close() // so that the daemon is the last to close the database
	daemon := d.daemon
	d.daemon = nil
	if err := daemon.stop(); err != nil {
		return err
	}
	d.screen.say("the daemon has stopped")
	return verify(d.snapshot(context.Background()), d.Orders)
}

// close stops everything that still runs.
func (d *demo) close() {
	if d.daemon != nil {
		_ = d.daemon.stop() // it has ended, with or without an error
	}
	d.market.close()
	d.ledger.close()
}
