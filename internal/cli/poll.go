package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"atelierd/internal/control"
	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/words"
)

// PollCmd has the running daemon poll now.
type PollCmd struct {
	Output
}

// Help explains the command.
func (PollCmd) Help() string {
	return `The running daemon asks the marketplace for its orders at once, instead of at its next
poll, and works on what it finds. The poll counts like every other. While the requests
that are left in the hour are kept for deliveries, none is sent; the command then says
when the next one is. Without a daemon, "atelierd once" polls.`
}

// Run runs the command.
func (c PollCmd) Run(p *Program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	ctx, stop := untilStopped()
	defer stop()
	polled, err := askForPoll(ctx, cfg.DataDir)
	if err != nil {
		return err
	}
	if c.JSON || polled.Error == "" {
		if err := c.print(p, polled, func(g *term.Page) {
			g.Linef("polled %s: %d new, %d changed", words.Count(polled.Orders, "order"), polled.New, polled.Changed)
			g.Linef("%s", nextPoll(polled, time.Now()))
		}); err != nil {
			return err
		}
	}
	if polled.Error == "" {
		return nil
	}
	return Hintf(fmt.Errorf("not polled: %s", polled.Error), "%s; %s checks the marketplace, %s shows the requests that are left",
		nextPoll(polled, time.Now()), order.Command("doctor"), order.Command("status"))
}

func askForPoll(ctx context.Context, dir string) (control.Poll, error) {
	client, ok := daemonOf(dir)
	if !ok {
		return control.Poll{}, Hintf(errors.New("no daemon is running"),
			"%s starts one; %s polls once without one", order.Command("run"), order.Command("once"))
	}
	polled, err := client.Poll(ctx)
	if errors.Is(err, control.ErrNoDaemon) {
		err = Hintf(err, "it may be starting, or be a heartbeat of %s; %s shows what runs", order.Command("once"), order.Command("status"))
	}
	return polled, err
}

// nextPoll says when the next poll is due.
func nextPoll(p control.Poll, now time.Time) string {
	if p.Next.IsZero() {
		return "a poll runs"
	}
	return "next poll " + words.Relative(now, p.Next)
}
