package cli

import (
	"context"
	"errors"
	"fmt"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/retention"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/words"
)

// PruneCmd removes history.
type PruneCmd struct {
	DryRun bool `help:"Only show what would be removed, and how much." xor:"what"`
	Vacuum bool `help:"Also write the database again, so that its file becomes smaller. The daemon must be stopped." xor:"what"`
	Output
}

// Help explains the command.
func (PruneCmd) Help() string {
	return `Removes the files, work folders, attempts, calls, texts and events of orders that have
ended, and the record of requests, once they are older than [history] says. The daemon
does the same each night. An order has ended once it is completed and paid out, or
cancelled, or 90 days after its completion. What it earned and cost stays. Nothing of an
order that is open, disputed or still to be paid out is removed.

With a running daemon the command removes in small steps between the daemon's own work.
--vacuum takes the whole database at once, and twice its room on the disk meanwhile.`
}

// prunedView is what was removed, or would be.
type prunedView struct {
	DryRun  bool               `json:"dry_run"`
	Plan    []prunableView     `json:"would_remove,omitempty"`
	Removed *retention.Removed `json:"removed,omitempty"`
	// Database is the size of the file before and after it was written again.
	Database *vacuumedView `json:"database,omitempty"`
}

type prunableView struct {
	What  string `json:"what"`
	Count int    `json:"count"`
	Bytes int64  `json:"bytes"`
}

type vacuumedView struct {
	Before int64 `json:"bytes_before"`
	After  int64 `json:"bytes_after"`
}

// Run runs the command.
func (c PruneCmd) Run(p *Program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	if c.Vacuum {
		if pid := store.Holder(cfg.DataDir); pid != 0 {
			return &store.LockedError{Dir: cfg.DataDir, PID: pid} // before anything is removed
		}
	}
	ctx, stop := untilStopped()
	defer stop()
	v, err := c.prune(ctx, p, cfg)
	if err != nil {
		return err
	}
	if c.Vacuum {
		v.Database = &vacuumedView{}
		if v.Database.Before, v.Database.After, err = store.Vacuum(cfg.DataDir); err != nil {
			return vacuumError(err)
		}
	}
	return c.print(p, v, v.show)
}

func (c PruneCmd) prune(ctx context.Context, p *Program, cfg *config.Config) (v prunedView, err error) {
	pruner, err := app.OpenPruner(p.options(cfg))
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, pruner.Close()) }()
	v.DryRun = c.DryRun
	if c.DryRun {
		plan, err := pruner.Plan(ctx)
		for _, each := range plan {
			v.Plan = append(v.Plan, prunableView{string(each.What), each.Count, each.Bytes})
		}
		return v, err
	}
	switch reconciling, err := pruner.Reconciling(ctx); {
	case err != nil:
		return v, err
	case reconciling:
		return v, Hintf(errors.New("nothing is removed before the restored ledger is compared with the marketplace"),
			"%s does that", order.Command("run"))
	}
	err = pruner.Prune(ctx)
	v.Removed = &pruner.Removed
	return v, err
}

// vacuumError says what to do about an error of --vacuum.
func vacuumError(err error) error {
	if errors.Is(err, store.ErrNoRoom) {
		return Hintf(err, "make room on the disk of the data folder, such as with %s after a lower history.max_gb", order.Command("prune"))
	}
	return err
}

func (v prunedView) show(g *term.Page) {
	if v.DryRun {
		v.showPlan(g)
		return
	}
	rows, r := [][]term.Cell{}, v.Removed
	for _, each := range []struct {
		n    int
		what string
	}{
		{r.Files, "files of " + words.Count(r.Orders, "order")},
		{r.Work, "work folders"},
		{r.Attempts, "attempts and calls"},
		{r.Events, "events"},
		{r.Requests, "requests"},
		{r.Notices, string(order.PrunedNotices)},
		{r.Copies, "copies of the database"},
		{r.Stored, "files in your storage"},
	} {
		if each.n > 0 {
			rows = append(rows, []term.Cell{term.Plain(fmt.Sprint(each.n)), term.Plain(each.what)})
		}
	}
	if len(rows) == 0 {
		g.Linef("nothing to remove")
	} else {
		g.Linef("removed:")
		g.Table("  ", rows)
	}
	if d := v.Database; d != nil {
		g.Linef("the database had %s and has %s", words.Size(d.Before), words.Size(d.After))
	}
}

func (v prunedView) showPlan(g *term.Page) {
	rows := [][]term.Cell{}
	for _, each := range v.Plan {
		count := fmt.Sprint(each.Count)
		switch {
		case each.Count == 0 && each.Bytes == 0:
			continue
		case each.Count == 0:
			count = ""
		}
		rows = append(rows, []term.Cell{term.Plain(count), term.Plain(each.What), term.Plain(words.Size(each.Bytes))})
	}
	if len(rows) == 0 {
		g.Linef("nothing to remove")
		return
	}
	g.Linef("would be removed, with about how much:")
	g.Table("  ", rows)
}
