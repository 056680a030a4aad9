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

// change is what an owner's command changes about one order.
type change struct {
	order string // its id, or the beginning of it
	do    func(ctx context.Context, owner store.Owner, id string) error
	done  string // what to print after "order ID"
}

// change makes a change, wakes a running daemon, and prints what was done.
func (o Output) change(p *Program, c change) error {
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
	id, err := findOrder(ctx, owner.Store, c.order)
	if err != nil {
		return err
	}
	if err := c.do(ctx, owner, id); err != nil {
		return Hintf(err, "%s shows its state and its history", order.Command("orders show", id))
	}
	woken, err := wakeDaemon(cfg.DataDir)
	if err != nil {
		// The change is stored; the daemon sees it within a minute.
		term.PrintError(p.Stderr, "the running daemon could not be notified: "+err.Error(), "it sees the change within a minute")
	}
	if !o.JSON {
		_, err = fmt.Fprintf(p.Stdout, "order %s %s\n", term.Sanitize(id), c.done)
		return err
	}
	now, err := owner.Order(ctx, id)
	if err != nil {
		return err
	}
	return term.PrintJSON(p.Stdout, struct {
		ID    string      `json:"order_id"`
		State order.State `json:"state"`
		Woken bool        `json:"daemon_told"`
	}{id, now.State, woken})
}

// findOrder returns the id of the one order whose id begins with text.
func findOrder(ctx context.Context, st *store.Store, text string) (string, error) {
	id, err := st.Resolve(ctx, text)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrAmbiguous) {
		return "", Hintf(err, "%s lists the orders", order.Command("orders list --all"))
	}
	return id, err
}

// redo has the files of the order's round made from the start, or those of one
// piece of a subscription.
func redo(ctx context.Context, owner store.Owner, id string, piece int) error {
	return owner.Redo(ctx, id, piece, func(kind order.Kind, round int) error {
		return fulfill.ClearWork(owner.Dir(), id, kind, round)
	})
}
