package cli

import (
	"context"
	"errors"

	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// PauseCmd stops new work.
type PauseCmd struct {
	Reason string `help:"Why, for your own records." placeholder:"TEXT"`
}

// Help explains the command.
func (PauseCmd) Help() string {
	return `Nothing is made, delivered, quoted, sent or claimed until "atelierd resume", also after a
restart. A stage that already runs is finished. The daemon continues to poll, and your
services stay listed: clients can still order, and the deadlines of orders stay as they
are.`
}

// Run runs the command.
func (c PauseCmd) Run(p *Program) error {
	return p.setPaused(func(a *owner.Actions) error { return a.Pause(c.Reason) },
		"paused: no work is begun until "+order.Command("resume"))
}

// ResumeCmd ends a pause.
type ResumeCmd struct{}

// Help explains the command.
func (ResumeCmd) Help() string { return `Ends "atelierd pause". Work continues at once.` }

// Run runs the command.
func (ResumeCmd) Run(p *Program) error {
	err := p.setPaused((*owner.Actions).Resume, "resumed")
	if errors.Is(err, store.ErrNotPaused) {
		return Hintf(err, "%s shows what else work waits for; %s ends the pause of a generator", order.Command("status"), order.Command("generators resume NAME"))
	}
	return err
}

func (p *Program) setPaused(do func(*owner.Actions) error, done string) error {
	return p.withOwner(func(ctx context.Context, actions *owner.Actions) error {
		if err := do(actions); err != nil {
			return err
		}
		p.wake(ctx, actions.Dir())
		err := p.say("%s", done)
		return err
	})
}

// wake makes a running daemon look at the database at once, and reports whether it has.
func (p *Program) wake(ctx context.Context, dir string) (woken bool) {
	woken, err := wakeDaemon(ctx, dir)
	if err != nil {
		term.PrintError(p.Stderr, "the running daemon could not be notified: "+err.Error(),
			"the change is stored; a daemon sees it within a minute, a heartbeat at its next run")
	}
	return woken
}
