package app

import (
	"context"

	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/store"
)

// OpenOwner opens the owner's actions on the configured data folder, for whoever o.By
// names. The caller closes them.
func OpenOwner(o Options) (*owner.Actions, error) {
	o = o.withDefaults()
	var titles []string
	for _, s := range o.Config.Services {
		titles = append(titles, s.Title)
	}
	return owner.Open(owner.Options{
		Dir: o.Config.DataDir, By: o.By, Services: titles,
		Decide: func(ctx context.Context, st *store.Store) (owner.Decide, error) {
			catalog, err := Catalogs(o.Config, st)(ctx)
			if err != nil {
				return nil, err
			}
			return func(k order.Known, f order.Facts) order.Decision { return catalog.Decide(k, f) }, nil
		},
		CheckText: func(text string) error { return checkText(o.Config, o.Getenv, text) },
	})
}
