package cli

import (
	"context"
	"errors"
	"os/signal"
	"syscall"

	"atelierd/internal/app"
	"atelierd/internal/atelier"
	"atelierd/internal/config"
	"atelierd/internal/order"
)

// DoctorCmd checks everything that a run needs.
type DoctorCmd struct {
	Offline bool `help:"Check only this machine; send nothing."`
	Paid    bool `help:"Have each generator, and the assistant, make a sample, which may cost money."`
	Output
}

// Help explains the command.
func (DoctorCmd) Help() string {
	return `Checks the configuration, the data folder, the database, the credentials, the
marketplace, each generator and each service. Each check is one line, with a hint
where there is something to do. The command changes nothing, sends no request that
the marketplace counts, and works while a daemon is running.

With --paid each generator makes one sample, as "atelierd generators try" does. It is
kept for you to look at, and is checked against what the services require. The
assistant looks at a picture. The cost belongs to no order, and counts for the day.
Ctrl-c stops the command.

The exit code is 0 if nothing fails, 2 for a wrong configuration, 3 if the credentials
fail, and 1 otherwise.`
}

// The states of a check.
const (
	checkOK   = "ok"
	checkWarn = "warn"
	checkFail = "fail"
)

// check is the result of one check.
type check struct {
	Name  string `json:"name"`
	State string `json:"state"` // checkOK, checkWarn or checkFail
	Text  string `json:"text"`
	Hint  string `json:"hint"`
}

// doctor runs the checks and collects their results.
type doctor struct {
	*Program
	cfg         *config.Config
	keys        *app.Credentials
	checks      []check
	credentials bool  // whether the credentials failed
	unread      bool  // whether the configuration could not be read, so that nothing else was checked
	live        bool  // whether each check is shown at once
	shown       error // why a check could not be shown
	// stopped reports whether the owner has stopped the command. Checks that fail
	// after that mean nothing.
	stopped func() bool
	// abandoned is the generator whose sample was not finished, "" if there is none.
	abandoned string
}

// Run runs the command.
func (c DoctorCmd) Run(p *Program) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	p.withBar()
	d := &doctor{Program: p, live: !c.JSON, stopped: func() bool { return ctx.Err() != nil }}
	if d.configuration() {
		d.examine(ctx, c)
	}
	if d.stopped() {
		err := errors.New("stopped before every check was done")
		if d.abandoned != "" {
			return Hintf(err, "generator %s may charge for the sample that it began; %s fetches it", d.abandoned,
				order.Command("generators try --resume", d.abandoned))
		}
		return err
	}
	if err := d.report(); err != nil {
		return err
	}
	return d.verdict()
}

// examine runs the checks in the order in which a run needs their subjects.
func (d *doctor) examine(ctx context.Context, c DoctorCmd) {
	d.folder()
	st := d.database()
	if st != nil {
		defer st.Close()
	}
	d.lock()
	d.webhooks()
	d.metrics()
	d.console(ctx, c.Offline)
	d.ping()
	d.storage(ctx, c.Offline)
	d.sharedCount(ctx)
	have := d.findCredentials()
	d.agent(have)
	if c.Offline || !have {
		d.owner(nil)
	}
	var there []atelier.Service
	shown := false
	if !c.Offline {
		there, shown = d.marketplace(ctx, have)
	}
	if st != nil {
		d.requests(ctx, st)
	}
	if !c.Offline {
		d.nats(ctx)
	}
	d.generators(ctx, c.Paid)
	d.services(ctx, st, there, shown)
}
