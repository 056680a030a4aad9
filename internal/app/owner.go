package app

import (
	"context"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/store"
)

// OpenOwner opens the owner's actions on the configured data folder, for whoever o.By
// names. The caller closes them.
func OpenOwner(o Options) (*owner.Actions, error) {
	o = o.withDefaults()
	return openOwner(o, func() *config.Config { return o.Config })
}

// openOwner opens the actions with the configuration that now returns, which may change.
func openOwner(o Options, now func() *config.Config) (*owner.Actions, error) {
	return owner.Open(owner.Options{
		Dir: o.Config.DataDir, By: o.By,
		Services: func() []string { return titles(now()) },
		Decide: func(ctx context.Context, st *store.Store) (owner.Decide, error) {
			catalog, err := Catalogs(now(), st)(ctx)
			if err != nil {
				return nil, err
			}
			return func(k order.Known, f order.Facts) order.Decision { return catalog.Decide(k, f) }, nil
		},
		CheckText: func(text string) error { return checkText(now(), o.Getenv, text) },
	})
}
