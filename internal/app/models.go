package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// This file reports models that their providers shut down.

const (
	// modelWarning is how long before its end a model is reported.
	modelWarning = 60 * 24 * time.Hour
	// modelInterval is the time between two looks at the providers' lists.
	modelInterval = 24 * time.Hour
	// factListed begins the names of the facts that say which model of a generator was
	// in its provider's list.
	factListed = "listed."
)

// ModelEnd says what the owner has to know of a model from its provider's list, or is
// "" if there is nothing.
func ModelEnd(model string, l generate.Listing, now time.Time) string {
	switch {
	case l.Known && !l.Listed:
		return fmt.Sprintf("the provider no longer lists the model %s", model)
	case l.Ends.IsZero() || l.Ends.After(now.Add(modelWarning)):
		return ""
	case l.Ends.After(now):
		return fmt.Sprintf("the provider shuts down the model %s on %s", model, l.Ends.Format(time.DateOnly))
	}
	return fmt.Sprintf("the provider has shut down the model %s on %s", model, l.Ends.Format(time.DateOnly))
}

// watchModels looks at the providers' lists each day until ctx ends.
func (a *App) watchModels(ctx context.Context, st *store.Store, log *slog.Logger) error {
	for ctx.Err() == nil {
		if err := checkModels(ctx, a.live.Load(), st, log); err != nil && ctx.Err() == nil {
			log.Warn("the models could not be recorded", "error", err)
		}
		beat.Sleep(ctx, modelInterval, a.models)
	}
	return nil
}

// checkModels looks at each provider's list, and records what the owner has to know.
func checkModels(ctx context.Context, now *live, st *store.Store, log *slog.Logger) error {
	facts, err := st.Facts(ctx)
	if err != nil {
		return err
	}
	for _, f := range facts { // of generators that are configured no longer
		name, is := strings.CutPrefix(f.Name, string(order.AlertModel.Code()))
		if _, there := now.services.generators[name]; is && !there {
			err = errors.Join(err, st.SetAlert(order.ModelAlert(name), ""))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now.services.generators)) {
		lister, is := now.services.generators[name].Backend.(generate.Lister)
		if !is {
			continue
		}
		l, failed := lister.Listing(ctx)
		if failed != nil {
			log.Debug("the provider's list of models could not be read", "generator", name, "error", failed)
			continue // what is known stays
		}
		err = errors.Join(err, recordModel(ctx, st, log, listedModel{name, now.cfg.Generators[name].Model, l}))
	}
	return err
}

// listedModel is what a provider's list says of the model of a generator.
type listedModel struct {
	generator, model string
	list             generate.Listing
}

// recordModel records what the list says. A model that was never in the list is not
// reported, because some lists have only a part of what there is.
func recordModel(ctx context.Context, st *store.Store, log *slog.Logger, m listedModel) error {
	if !m.list.Known {
		return nil // what is known stays
	}
	text := ModelEnd(m.model, m.list, time.Now())
	if m.list.Listed {
		if err := st.SetFact(factListed+m.generator, m.model); err != nil {
			return err
		}
	} else if before, err := st.Fact(ctx, factListed+m.generator); err != nil {
		return err
	} else if before != m.model {
		text = ""
	}
	before, err := st.Fact(ctx, string(order.ModelAlert(m.generator).Code()))
	if err != nil || before == text {
		return err
	}
	if text != "" {
		log.Warn("a model ends", "generator", m.generator, "reason", text)
	}
	return st.SetAlert(order.ModelAlert(m.generator), text)
}
