package cli

import (
	"context"
	"errors"

	"atelierd/internal/app"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// ReconcileCmd compares the data folder with the marketplace.
type ReconcileCmd struct {
	NewDatabase bool `help:"Begin with an empty database, because the one of this data folder is lost."`
	Accept      bool `help:"Accept what a restored data folder lacks, or that a second daemon is stopped, and resume all work."`
}

// Help explains the command.
func (ReconcileCmd) Help() string {
	return `For a data folder that was restored from a copy. The daemon mostly notices that by
itself. It then reads each open order and its thread, and records what the marketplace
shows as delivered or said, so that it is not done again. What was spent since the
copy stays unknown: until the next day (UTC) today's cap counts as reached, and orders
under a cap of their own are held.

"atelierd status" shows what is missing. Compare your accounts at the providers, then
run "atelierd reconcile --accept".

The same command resumes work after "status" has shown that somebody else works as this
agent, once you have stopped the other daemon.`
}

// Run runs the command.
func (c ReconcileCmd) Run(p *Program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	if c.NewDatabase {
		if err := newDatabase(cfg.DataDir); err != nil {
			return err
		}
	}
	actions, err := app.OpenOwner(p.options(cfg))
	if err != nil {
		return err
	}
	defer actions.Close()
	done := "the running daemon reconciles now; " + order.Command("status") + " shows what it finds"
	if c.Accept {
		open, err := actions.Accept()
		if errors.Is(err, store.ErrNotReconciled) {
			return Hintf(err, "%s reconciles it first; then run this command again", order.Command("run"))
		}
		if err != nil {
			return err
		}
		if done = "accepted; work resumes"; !open {
			done = "there is nothing to accept"
		}
	} else if err := actions.Reconcile(context.Background()); err != nil {
		return err
	}
	woken, err := wakeDaemon(context.Background(), cfg.DataDir)
	if err != nil {
		term.PrintError(p.Stderr, "the running daemon could not be notified: "+err.Error(), "what you want is stored; restart the daemon")
	}
	if !woken && !c.Accept {
		done = "the next " + order.Command("run") + " reconciles before it works"
	}
	err = p.say("%s", done)
	return err
}

// newDatabase creates the database of a data folder that has lost its own. The next run
// compares it with the marketplace.
func newDatabase(dir string) error {
	if err := store.Lost(dir); err == nil {
		return errors.New("this data folder has a database, or never had one; nothing was changed")
	}
	st, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		return err
	}
	return st.Close()
}
