package cli

import (
	"context"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// NotifyDigestCmd prints the summary of a day.
type NotifyDigestCmd struct {
	Day string `help:"Day to add up, such as 2026-11-25. Default: today so far." placeholder:"DAY"`
	Output
}

// Help explains the command.
func (NotifyDigestCmd) Help() string {
	return `Prints the summary that a [[notify]] with the event digest gets of a day. The day is
that of the first such target's time_zone, else of this machine's. It sends nothing.`
}

// Run runs the command.
func (c NotifyDigestCmd) Run(p *Program) error {
	return p.withReader(func(ctx context.Context, cfg *config.Config, st *store.Store) error {
		at := order.DigestTime{Zone: cfg.Zone()}
		day := c.Day
		if day == "" {
			day = time.Now().In(at.Zone).Format(time.DateOnly)
		}
		from, to, err := at.Span(day)
		if err != nil {
			return &UsageError{err}
		}
		d, err := st.Digest(ctx, day, from, to)
		if err != nil {
			return err
		}
		v := viewDigest(d)
		return c.print(p, v, func(g *term.Page) { v.show(g, d.Notice()) })
	})
}

// digestView is the summary of a day.
type digestView struct {
	Day       string              `json:"day"`
	Came      int                 `json:"new_orders"`
	Delivered int                 `json:"delivered_orders"`
	Completed int                 `json:"completed_orders"`
	Earned    string              `json:"earned_usd"`
	Spent     string              `json:"spent_usd"`
	Profit    string              `json:"profit_usd"`
	Open      map[order.State]int `json:"open_orders"`
	Links     []string            `json:"links"`
}

func viewDigest(d order.Digest) digestView {
	return digestView{
		Day: d.Day, Came: d.Came, Delivered: d.Delivered, Completed: d.Completed,
		Earned: d.Earned.String(), Spent: d.Spent.String(), Profit: d.Profit().String(),
		Open: d.Open, Links: append([]string{}, d.Links...),
	}
}

func (v digestView) show(g *term.Page, n order.Notice) {
	g.Note("", term.Sanitize(n.Line))
	for line := range strings.Lines(n.More) {
		g.Note("", term.Line(line, 500))
	}
}
