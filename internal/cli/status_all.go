package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/budget/shared"
	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

// all shows the agents that share the requests of the address.
func (c StatusCmd) all(p *Program) error {
	return p.withReader(func(ctx context.Context, cfg *config.Config, st *store.Store) error {
		if cfg.Budget.SharedWith == "" {
			return Hintf(errors.New("this agent shares its requests with no other"), "set budget.shared_with; see docs/agents.md")
		}
		common, err := app.SharedCount(ctx, cfg)
		if err != nil {
			return sharedError(err)
		}
		v, err := reader(cfg, st).Agents(ctx, common, app.Answers(cfg))
		if err != nil {
			return err
		}
		now := time.Now()
		return c.print(p, v, func(g *term.Page) { showSharing(g, v, now) })
	})
}

// sharedError adds the next step to an error of the shared count.
func sharedError(err error) error {
	if hint := shared.Hint(err); hint != "" {
		return Hintf(err, "%s", hint)
	}
	return err
}

func showSharing(g *term.Page, v view.Agents, now time.Time) {
	rows := [][]term.Cell{term.Headings("agent", "state", "needs you", "open orders", "requests")}
	for _, a := range v.List {
		state, needs := term.Styled(term.Green, string(a.State)), term.Styled(term.Dim, "nothing")
		if a.State != view.AgentRuns {
			state = term.Styled(term.Red, string(a.State)+" "+words.Relative(now, a.Seen))
		}
		switch {
		case a.EarnsNothing:
			needs = term.Styled(term.Red, words.Count(a.Needs, "thing")+", earns nothing")
		case a.Needs > 0:
			needs = term.Styled(term.Yellow, words.Count(a.Needs, "thing"))
		}
		rows = append(rows, []term.Cell{
			term.Plain(term.Line(a.Name, 50)), state, needs, term.Plain(strconv.Itoa(a.Open)), term.Plain(strconv.Itoa(a.Used)),
		})
	}
	g.Table("", rows)
	text := fmt.Sprintf("%d of %d requests used", v.Used, v.Limit)
	if v.Counts == order.CountsSeparate {
		text = fmt.Sprintf("%d requests used, each kind counted by itself", v.Used)
	}
	if v.EndsAt.IsZero() {
		text += "; no window is open"
	} else {
		text += "; the window ends " + words.Relative(now, v.EndsAt)
	}
	g.Linef("\n%s", text)
}

// sharedCount checks the count that agents on one address share.
func (d *doctor) sharedCount(ctx context.Context) {
	const name = "shared count"
	place := d.cfg.Budget.SharedWith
	switch place {
	case "":
		return
	case config.SharedNATS:
		place = "in NATS"
	}
	agents, err := app.CheckSharedCount(ctx, d.cfg)
	if err != nil {
		d.warn(name, shared.Hint(err)+"; until then this agent counts alone", "%v", err)
		return
	}
	d.ok(name, "%s, of %s", place, words.Count(agents, "agent"))
}
