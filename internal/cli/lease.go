package cli

import (
	"context"
	"errors"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/fence"
	"atelierd/internal/term"
	"atelierd/internal/words"
)

// LeaseCmd shows the lease of the agent.
type LeaseCmd struct {
	Wait bool `help:"Wait until no host works as the agent."`
}

// Help explains the command.
func (LeaseCmd) Help() string {
	return `With nats.lease, the host that works as the agent renews a lease every ten seconds. It is
dead when it was not renewed for a minute, by the clock of the server. With --wait the
command ends then, or when the host has stopped: restore the copy of its database and run
the daemon, which takes the lease.`
}

// Run runs the command.
func (c LeaseCmd) Run(p *Program) error {
	ctx, stop := untilStopped()
	defer stop()
	cfg, err := p.load()
	if err != nil {
		return err
	}
	if !cfg.NATS.Lease {
		return Hintf(errors.New("no lease is configured"), "set lease = true in the section [nats]")
	}
	said := ""
	e, err := app.AwaitLease(ctx, cfg, p.Getenv, !c.Wait, func(e fence.Entry) {
		if e.Host != said {
			said = e.Host
			p.log().Info("waiting for the lease", "host", e.Host, "epoch", e.Epoch)
		}
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		return ErrQuiet
	}
	return c.say(p, e)
}

func (c LeaseCmd) say(p *Program, e fence.Entry) error {
	host, ago := term.Line(e.Host, 80), words.Span(e.Silent.Round(time.Second))
	switch {
	case e.Host == "":
		return p.say("no host has the lease")
	case e.Released:
		return p.say("host %s has released the lease of epoch %d", host, e.Epoch)
	case e.Alive(fence.Dead) && !c.Wait:
		return p.say("host %s has the lease in epoch %d and renewed it %s ago", host, e.Epoch, ago)
	}
	return p.say("host %s had the lease in epoch %d; it is dead, and was renewed %s ago", host, e.Epoch, ago)
}
