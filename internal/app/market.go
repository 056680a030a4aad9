package app

import (
	"context"
	"errors"
	"log/slog"

	"atelierd/internal/atelier"
	"atelierd/internal/bounty"
	"atelierd/internal/config"
	"atelierd/internal/credential"
	"atelierd/internal/order"
	"atelierd/internal/store"

	"go.uber.org/dig"
	"go.uber.org/fx"
)

// Market is what a command needs that acts at the marketplace itself, next to a
// running daemon or without one. Its requests are counted in the same database.
type Market struct {
	Config  *config.Config
	Owner   store.Owner
	Client  *atelier.Client
	Watcher *bounty.Watcher
	Log     *slog.Logger
}

// OpenMarket opens the database and the client of an agent that is registered.
// The caller closes Owner.
func OpenMarket(o Options) (*Market, error) {
	o = o.withDefaults()
	c, found, err := FindCredentials(o.Config, o.Getenv)
	if err != nil {
		return nil, err
	}
	if !found {
		if err := CheckFolder(context.Background(), o.Config, ""); err != nil {
			return nil, err
		}
		return nil, &credential.Error{Err: errors.New("the agent has no credentials yet"), Hint: order.Command("run") + " or " + order.Command("once") + " registers the agent"}
	}
	owner, err := store.OpenOwner(o.Config.DataDir, o.By)
	if err != nil {
		return nil, err
	}
	l, err := owner.Ledger(context.Background())
	if err == nil {
		err = CheckAgent(o.Config, l, c.AgentID())
	}
	if err != nil {
		return nil, closeAfter(err, owner)
	}
	m := &Market{Config: o.Config, Owner: owner, Log: o.Log}
	wired := fx.New(parts(), fx.Supply(o.Config, o.Log, owner.Store, c, transport{o.Transport}), fx.Populate(&m.Client, &m.Watcher), fx.WithLogger(fxLog))
	if err := wired.Err(); err != nil {
		return nil, closeAfter(dig.RootCause(err), owner)
	}
	return m, nil
}
