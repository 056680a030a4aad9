package cli

import (
	"context"
	"errors"
	"io"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/config"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// watchInterval is the time between two drawings of status --watch.
const watchInterval = 2 * time.Second

// watch shows the status again and again until ctrl-c.
func (c StatusCmd) watch(p *Program) error {
	if c.JSON || !term.IsTerminal(p.Stdout) || p.Getenv("TERM") == "dumb" {
		return &UsageError{errors.New("--watch needs a terminal; without it, the status is printed once")}
	}
	return p.withReader(func(_ context.Context, cfg *config.Config, st *store.Store) error {
		ctx, stop := untilStopped()
		defer stop()
		last, err := watchPages(ctx, p.Stdout, func() *term.Page { return statusPage(ctx, p.Page(), cfg, st) })
		if err != nil {
			return err
		}
		return last.Print(p.Stdout)
	})
}

// watchPages draws one page after another on the terminal until ctx ends, and returns the
// last one.
func watchPages(ctx context.Context, w io.Writer, next func() *term.Page) (last *term.Page, err error) {
	screen, err := term.NewScreen(w, func() int { return term.Height(w) })
	if err != nil {
		return nil, err
	}
	for {
		g := next()
		if last != nil && ctx.Err() != nil {
			break // it may be cut
		}
		if last = g; screen.Draw(g) != nil {
			break // the terminal has gone
		}
		if beat.Sleep(ctx, watchInterval, nil); ctx.Err() != nil {
			break
		}
	}
	return last, screen.Close()
}

// statusPage returns the status as a page, or why it cannot be read at the moment.
func statusPage(ctx context.Context, g *term.Page, cfg *config.Config, st *store.Store) *term.Page {
	now := time.Now()
	v, err := reader(cfg, st).Status(ctx)
	if err != nil {
		e := Explain("status", err)
		g.Error(e.Text, e.Hint)
		return g
	}
	showStatus(g, v, now)
	g.Linef("\n%s", g.Paint(term.Dim, "as of "+now.Format(time.TimeOnly)))
	return g
}
