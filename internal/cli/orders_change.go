package cli

import (
	"context"
	"errors"
	"fmt"

	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// OrdersRetryCmd lets work run again.
type OrdersRetryCmd struct {
	Order string `arg:"" help:"The order's id, or the beginning of it." name:"order"`
	Fresh bool   `help:"Make the file anew, instead of going on from where it stopped."`
	JSON  bool   `help:"Print JSON." name:"json"`
}

func (OrdersRetryCmd) Help() string {
	return `For work that is held, has failed, or was cancelled by you: it gets fresh attempts
and goes on from the stage where it stopped, so that a file that was made already
is not paid for again. A running daemon takes it up at once.`
}

func (c OrdersRetryCmd) Run(p *Program) error {
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

// OrdersRedoCmd has files made anew.
type OrdersRedoCmd struct {
	Order string `arg:"" help:"The order's id, or the beginning of it." name:"order"`
	Piece int    `help:"Only this piece of a subscription; else all that are broken." placeholder:"N"`
	JSON  bool   `help:"Print JSON." name:"json"`
}

func (OrdersRedoCmd) Help() string {
	return `For files that you do not like, of a service in mode review, or that were lost: the
generator makes them from the start, with fresh attempts. What it has spent stays
spent. The same as "atelierd orders retry --fresh".`
}

func (c OrdersRedoCmd) Run(p *Program) error {
	if c.Piece < 0 {
		return &UsageError{errors.New("--piece counts from 1")}
	}
	return p.change(c.Order, c.JSON, "will be made anew", func(ctx context.Context, o store.Owner, id string) error {
		return redo(ctx, o, id, c.Piece)
	})
}

// OrdersApproveCmd lets reviewed work go out.
type OrdersApproveCmd struct {
	Order string `arg:"" help:"The order's id, or the beginning of it." name:"order"`
	JSON  bool   `help:"Print JSON." name:"json"`
}

func (OrdersApproveCmd) Help() string {
	return `For orders of a service in mode review: their files are made and wait for you.
"atelierd orders show" names them. Approved, they are uploaded and delivered, and
a price that waits is asked for; a running daemon does so at once. "atelierd
orders redo" has the files made anew instead.`
}

func (c OrdersApproveCmd) Run(p *Program) error {
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

// OrdersCancelCmd stops work.
type OrdersCancelCmd struct {
	Order  string `arg:"" help:"The order's id, or the beginning of it." name:"order"`
	Reason string `help:"Why, for your own records." placeholder:"TEXT"`
	JSON   bool   `help:"Print JSON." name:"json"`
}

func (OrdersCancelCmd) Help() string {
	return `Nothing more is made or delivered for the order; a generator that is running for
it is stopped. The order itself stays open: only the client can cancel it at the
marketplace. "atelierd orders retry" takes the work up again.`
}

func (c OrdersCancelCmd) Run(p *Program) error {
	return p.change(c.Order, c.JSON, "is not worked on any more; at the marketplace it is still open",
		func(ctx context.Context, o store.Owner, id string) error { return o.Cancel(ctx, id, c.Reason) })
}

// change makes a change of the owner's to the order that text names, tells a
// running daemon, and says what was done.
func (p *Program) change(text string, asJSON bool, done string, do func(context.Context, store.Owner, string) error) error {
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
		return Hintf(err, "%s shows all about it", order.Command("orders show", id))
	}
	told, tellErr := wakeDaemon(cfg.DataDir)
	if tellErr != nil {
		// The change is made; it is only seen later.
		term.PrintError(p.Stderr, "the running daemon could not be told: "+tellErr.Error(), "restart it, or it looks at the order later")
	}
	if asJSON {
		state, err := owner.Order(ctx, id)
		if err != nil {
			return err
		}
		return term.PrintJSON(p.Stdout, struct {
			ID    string `json:"order_id"`
			State string `json:"state"`
			Told  bool   `json:"daemon_told"`
		}{id, string(state.State), told})
	}
	_, err = fmt.Fprintf(p.Stdout, "order %s %s\n", term.Sanitize(id), done)
	return err
}
