package cli

import (
	"context"
	"errors"
	"strings"

	"atelierd/internal/term"
	"atelierd/internal/view"
)

// aliveView is whether the daemon is up and its loops turn.
type aliveView struct {
	Alive bool `json:"alive"`
	// Why is what is wrong, or empty.
	Why string `json:"why,omitempty"`
	// Stuck are the loops that are past their limits.
	Stuck []string `json:"stuck"`
}

// alive shows in the exit code whether the daemon is up and its loops turn.
func (c StatusCmd) alive(p *Program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	v := readAlive(context.Background(), cfg.DataDir)
	if !v.Alive || !c.Quiet {
		err = c.print(p, v, v.show)
	}
	if !v.Alive {
		return errors.Join(err, ExitCode(1))
	}
	return err
}

func readAlive(ctx context.Context, dir string) aliveView {
	v := aliveView{Stuck: []string{}}
	client, ok := daemonOf(dir)
	if !ok {
		v.Why = "no daemon is running"
		return v
	}
	s, err := client.State(ctx)
	if err != nil {
		v.Why = err.Error()
		return v
	}
	if v.Stuck = view.StuckLoops(s); len(v.Stuck) > 0 {
		v.Why = "past the limits of what they wait for: " + strings.Join(v.Stuck, ", ")
	}
	v.Alive = v.Why == ""
	return v
}

func (v aliveView) show(g *term.Page) {
	if v.Alive {
		g.Linef("%s", g.Paint(term.Green, "alive"))
		return
	}
	g.Linef("%s: %s", g.Paint(term.Red, "not alive"), term.Line(v.Why, 300))
}
