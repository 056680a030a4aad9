package cli

import (
	"context"
	"errors"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/view"
)

// ExitCode ends a command with a code and no further output.
type ExitCode int

func (ExitCode) Error() string { return "the exit code says it" }

// The codes of reasons that only the command has.
const (
	reasonConfiguration = "configuration"
	reasonDatabase      = "database"
)

func (c StatusCmd) check(p *Program) error {
	cfg, err := p.load()
	if err != nil && !c.JSON {
		return err // a wrong configuration exits with 2 as well
	}
	var v view.Check
	if err != nil {
		v = unreadable(reasonConfiguration, err)
	} else if v, err = c.readCheck(context.Background(), cfg); err != nil {
		v = unreadable(reasonDatabase, err)
	}
	if v.State != view.Well || !c.Quiet {
		err = c.print(p, v, func(g *term.Page) { showCheck(g, v) })
	} else {
		err = nil
	}
	if code := v.State.Level(); code != ExitOK { // 1 needs the owner, 2 earns nothing
		return errors.Join(err, ExitCode(code))
	}
	return err
}

// unreadable is the state without what it is read from.
func unreadable(code order.Code, err error) view.Check {
	e := Explain("status", err)
	return view.Check{State: view.Down, Reasons: []view.Reason{{Code: code, Text: e.Text, Hint: e.Hint}}}
}

func (c StatusCmd) readCheck(ctx context.Context, cfg *config.Config) (view.Check, error) {
	st, err := store.OpenReader(cfg.DataDir)
	if err != nil {
		return view.Check{}, err
	}
	defer st.Close()
	r := reader(cfg, st)
	s, err := r.Status(ctx)
	if err != nil {
		return view.Check{}, err
	}
	return r.Check(s, c.MaxAge), nil
}

func showCheck(g *term.Page, v view.Check) {
	look := map[view.Wellness]term.Style{view.Well: term.Green, view.NeedsOwner: term.Yellow, view.Down: term.Red}[v.State]
	g.Linef("%s", g.Paint(look, v.State.Words()))
	for _, r := range v.Reasons {
		g.Note("  ", term.Line(r.Text, 300))
		g.Hint("    ", term.Line(r.Hint, 300))
	}
}
