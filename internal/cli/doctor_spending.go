package cli

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/view"
)

// This file checks settings of generators that cost money when they are forgotten.

// dayCap warns of generators that may cost money without a cap for a day.
func (d *doctor) dayCap() {
	if d.cfg.Spending.Day > 0 {
		return
	}
	var costly []string
	for _, name := range slices.Sorted(maps.Keys(d.cfg.Generators)) {
		if g := d.cfg.Generators[name]; g.Cost > 0 || g.Remote() && !g.Free() {
			costly = append(costly, name)
		}
	}
	if a := d.cfg.Assistant; a.On() && !a.Free() {
		costly = append(costly, order.Assistant)
	}
	if len(costly) > 0 {
		d.warn("spending", `set day_usd in [spending], such as day_usd = "20.00"`, "no cap for a day is set, and these cost money: %s", strings.Join(costly, ", "))
	}
}

// environment warns of variables that are passed on to a program and are not set. env
// is the setting of what.
func (d *doctor) environment(what string, env []string) {
	var missing []string
	for _, entry := range env {
		if _, set := os.LookupEnv(entry); !strings.Contains(entry, "=") && !set {
			missing = append(missing, entry)
		}
	}
	if len(missing) > 0 {
		d.warn(what+", env", "set it where the daemon runs, or remove it from env", "not set here, so the program does not get it: %s", strings.Join(missing, ", "))
	}
}

// model warns of a model that its provider shuts down.
func (d *doctor) model(ctx context.Context, name string, backend generate.Generator) {
	lister, is := backend.(generate.Lister)
	if !is {
		return
	}
	l, err := lister.Listing(ctx)
	if err != nil {
		return // the probe has worked, and not each provider has a list
	}
	if text := app.ModelEnd(d.cfg.Generators[name].Model, l, time.Now()); text != "" {
		d.warn("generator "+name+", model", view.ModelHint, "%s", text)
	}
}
