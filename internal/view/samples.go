package view

import (
	"context"
	"fmt"

	"atelierd/internal/order"
	"atelierd/internal/store"
)

// OpenSamples reads the open samples that no command works on now.
func (r Reader) OpenSamples(ctx context.Context) ([]Attention, error) {
	return openSamples(ctx, r.Config().DataDir, r.Store)
}

// openSamples returns the open samples that no command works on now.
func openSamples(ctx context.Context, dir string, r *store.Store) ([]Attention, error) {
	open, err := r.OpenSamples(ctx)
	list := []Attention{}
	for _, o := range open {
		name := o.Call.Generator
		if store.SampleRuns(dir, name) {
			continue
		}
		list = append(list, Attention{
			What: "sample", ID: name, State: "open", Code: order.AlertSample.Code(), Since: o.Call.BeganAt,
			Reason: fmt.Sprintf("its sample was begun and has no result yet; it counts with $%s", o.Call.Cost),
			Hint: fmt.Sprintf("%s resumes it, %s gives it up; it stays counted",
				order.Command("generators try --resume", name), order.Command("generators try --give-up", name)),
		})
	}
	return list, err
}
