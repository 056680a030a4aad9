package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// ordersRetryCmd lets work run again.
type ordersRetryCmd struct {
	Order string `arg:"" help:"The order's id, or the beginning of it." name:"order"`
	Fresh bool   `help:"Make the file anew, instead of going on from where it stopped."`
	JSON  bool   `help:"Print JSON." name:"json"`
}

func (ordersRetryCmd) Help() string {
	return `For work that is held, has failed, or was cancelled by you: it gets fresh attempts
and goes on from the stage where it stopped, so that a file that was made already
is not paid for again. A running daemon takes it up at once.`
}

func (c ordersRetryCmd) Run(p *program) error {
	return p.change(c.Order, c.JSON, "will be tried again", func(ctx context.Context, o store.Owner, id string) error {
		if c.Fresh {
			return redo(ctx, o, id, 0)
		}
		return o.Retry(ctx, id)
	})
}

// redo has the files of the order's round made anew.
func redo(ctx context.Context, o store.Owner, id string, piece int) error {
	return o.Redo(ctx, id, piece, func(kind order.Kind, round int) error { return fulfill.ClearWork(o.Dir(), id, kind, round) })
}

// ordersRedoCmd has files made anew.
type ordersRedoCmd struct {
	Order string `arg:"" help:"The order's id, or the beginning of it." name:"order"`
	Piece int    `help:"Only this piece of a subscription; else all that are broken." placeholder:"N"`
	JSON  bool   `help:"Print JSON." name:"json"`
}

func (ordersRedoCmd) Help() string {
	return `For files that you do not like, of a service in mode review, or that were lost: the
generator makes them from the start, with fresh attempts. What it has spent stays
spent. The same as "atelierd orders retry --fresh".`
}

func (c ordersRedoCmd) Run(p *program) error {
	if c.Piece < 0 {
		return &usageError{errors.New("--piece counts from 1")}
	}
	return p.change(c.Order, c.JSON, "will be made anew", func(ctx context.Context, o store.Owner, id string) error {
		return redo(ctx, o, id, c.Piece)
	})
}

// ordersApproveCmd lets reviewed work go out.
type ordersApproveCmd struct {
	Order string `arg:"" help:"The order's id, or the beginning of it." name:"order"`
	JSON  bool   `help:"Print JSON." name:"json"`
}

func (ordersApproveCmd) Help() string {
	return `For orders of a service in mode review: their files are made and wait for you.
"atelierd orders show" names them. Approved, they are uploaded and delivered, and
a price that waits is asked for; a running daemon does so at once. "atelierd
orders redo" has the files made anew instead.`
}

func (c ordersApproveCmd) Run(p *program) error {
	return p.change(c.Order, c.JSON, "is approved and goes out", func(ctx context.Context, o store.Owner, id string) error {
		before, err := o.Order(ctx, id)
		if err != nil {
			return err
		}
		if before.Code != order.CodeReview {
			return fmt.Errorf("order %s is %s and does not wait for approval", id, before.State)
		}
		return o.Retry(ctx, id)
	})
}

// ordersCancelCmd stops work.
type ordersCancelCmd struct {
	Order  string `arg:"" help:"The order's id, or the beginning of it." name:"order"`
	Reason string `help:"Why, for your own records." placeholder:"TEXT"`
	JSON   bool   `help:"Print JSON." name:"json"`
}

func (ordersCancelCmd) Help() string {
	return `Nothing more is made or delivered for the order; a generator that is running for
it is stopped. The order itself stays open: only the client can cancel it at the
marketplace. "atelierd orders retry" takes the work up again.`
}

func (c ordersCancelCmd) Run(p *program) error {
	return p.change(c.Order, c.JSON, "is not worked on any more; at the marketplace it is still open",
		func(ctx context.Context, o store.Owner, id string) error { return o.Cancel(ctx, id, c.Reason) })
}

// change makes a change of the owner's to the order that text names, tells a
// running daemon, and says what was done.
func (p *program) change(text string, asJSON bool, done string, do func(context.Context, store.Owner, string) error) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	owner, err := store.OpenOwner(cfg.DataDir)
	if err != nil {
		return err
	}
	defer owner.Close()
	ctx := context.Background()
	id, err := findOrder(ctx, owner.Store, text)
	if err != nil {
		return err
	}
	if err := do(ctx, owner, id); err != nil {
		return hintf(err, "`atelierd orders show %s` tells all about it", typed(id))
	}
	told, tellErr := tellDaemon(cfg.DataDir)
	if tellErr != nil {
		// The change is made; it is only seen later.
		printError(p.stderr, "the running daemon could not be told: "+tellErr.Error(), "restart it, or it looks at the order later")
	}
	if asJSON {
		state, err := owner.Order(ctx, id)
		if err != nil {
			return err
		}
		return printJSON(p.stdout, struct {
			ID    string `json:"order_id"`
			State string `json:"state"`
			Told  bool   `json:"daemon_told"`
		}{id, string(state.State), told})
	}
	_, err = fmt.Fprintf(p.stdout, "order %s %s\n", plain(id), done)
	return err
}

// tellDaemon has a running daemon look at the database at once.
func tellDaemon(dir string) (told bool, err error) {
	pid := store.Holder(dir)
	if pid == 0 {
		return false, nil
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return false, err
	}
	if err := process.Signal(syscall.SIGUSR1); err != nil {
		return false, err
	}
	return true, nil
}
