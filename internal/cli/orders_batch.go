package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

// Chosen is how a command names its orders: one by its id, or several by a filter.
type Chosen struct {
	Order   string `arg:"" optional:"" help:"The order's id, its beginning, or its last 6 characters or more." name:"order"`
	State   string `help:"Every order in this state: held, failed, waiting, working or delivered." placeholder:"STATE"`
	Code    string `help:"Every order that is held, or has failed, with this code, such as day_cap." placeholder:"CODE"`
	Service string `help:"Every order for this service." placeholder:"TITLE"`
	Client  string `help:"Every order of this client: a wallet, or the id of an agent." placeholder:"CLIENT"`
	Since   string `help:"Only those placed since a day such as 2026-11-01, or in the last days or hours, such as 3d or 12h." placeholder:"WHEN"`
	Before  string `help:"Only those placed before a day, or longer ago than some days or hours." placeholder:"WHEN"`
	Seen
	Confirm
}

// mostChosen is how many orders one command takes at most.
const mostChosen = 500

// filtered reports whether the command names several orders. It fails unless it names one
// or several.
func (c Chosen) filtered() (bool, error) {
	several := c.State+c.Code+c.Service+c.Client+c.Since+c.Before != ""
	switch {
	case several && c.Order != "":
		return false, &UsageError{errors.New("name one order, or choose several by flags, not both")}
	case !several && c.Order == "":
		return false, &UsageError{errors.New("name an order, or choose orders with --state, --code, --service, --client, --since or --before")}
	case several && c.If != "":
		return false, &UsageError{errors.New("--if is about one order; name it")}
	case c.State != "" && !slices.Contains(view.OpenStates, order.State(c.State)):
		return false, &UsageError{fmt.Errorf("--state %.40q is not a state of an open order; write one of %s", c.State, join(view.OpenStates))}
	}
	return several, nil
}

// filter returns the filter, with times in the zone of now.
func (c Chosen) filter(ctx context.Context, actions *owner.Actions, now time.Time) (f order.Filter, err error) {
	f = order.Filter{State: order.State(c.State), Code: order.Code(c.Code), Service: c.Service, Client: order.ClientID(c.Client)}
	if f.Since, err = parseAgo("--since", c.Since, now); err != nil {
		return f, &UsageError{err}
	}
	if f.Before, err = parseAgo("--before", c.Before, now); err != nil {
		return f, &UsageError{err}
	}
	if f.Service != "" {
		// A service that the configuration no longer has may have orders all the same.
		if title, err := actions.Service(ctx, f.Service); err == nil {
			f.Service = title
		}
	}
	return f, nil
}

// batch is what a command does to several orders, each on its own.
type batch struct {
	what string // "retry"
	done string // "retried"
	do   func(ctx context.Context, actions *owner.Actions, id string) error
	// costs: what follows may cost money.
	costs bool
	// asShown: it concerns what an order shows in the plan, such as its files. An order that
	// changes while the question is open is left as it is.
	asShown bool
	// after returns what to know of an order that it was done to, or nothing; nil for nothing.
	after func(ctx context.Context, actions *owner.Actions, id string) string
}

// on returns the actions on an order of the plan.
func (b batch) on(actions *owner.Actions, o batchOrder) *owner.Actions {
	if b.asShown {
		return actions.If(o.seen)
	}
	return actions
}

// run shows what the command would do, asks, and does it.
func (b batch) run(p *Program, c Chosen, out Output) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	return p.withOwner(func(ctx context.Context, actions *owner.Actions) error {
		f, err := c.filter(ctx, actions, time.Now().In(cfg.Zone()))
		if err != nil {
			return err
		}
		found, err := actions.Match(ctx, f, mostChosen+1)
		if err != nil {
			return err
		}
		v := b.plan(ctx, cfg, actions, found)
		if !out.JSON {
			g := p.Page()
			v.show(g)
			if err := g.Print(p.Stdout); err != nil {
				return err
			}
		}
		if len(v.Orders) > 0 {
			if err := c.ask(p, fmt.Sprintf("\nThis will %s %s.", b.what, words.Count(len(v.Orders), "order")), "yes"); err != nil {
				return err
			}
			b.apply(ctx, actions, &v)
			p.wake(ctx, actions.Dir())
		}
		return v.report(p, out)
	})
}

// plan finds out which orders the command can do something about.
func (b batch) plan(ctx context.Context, cfg *config.Config, actions *owner.Actions, found []order.Match) batchView {
	v := batchView{What: b.what, Orders: []batchOrder{}, Skipped: []batchOrder{}, done: b.done, costs: b.costs, more: len(found) > mostChosen}
	preview := actions.Preview()
	for _, m := range found[:min(len(found), mostChosen)] {
		line := batchOrder{ID: m.ID, Service: m.Service, State: m.State, Code: m.Code}
		var err error
		if line.seen, err = actions.Fingerprint(ctx, m.ID); err == nil {
			err = b.do(ctx, b.on(preview, line), m.ID)
		}
		if err != nil {
			line.Reason = err.Error()
			v.Skipped = append(v.Skipped, line)
			continue
		}
		if b.costs {
			most, known := mostAtRetry(cfg, m)
			line.AtMost, line.CostUnknown = most.String(), !known
			v.atMost += most
			v.CostUnknown = v.CostUnknown || !known
		}
		v.Orders = append(v.Orders, line)
	}
	if b.costs {
		v.AtMost = v.atMost.String()
	}
	return v
}

// mostAtRetry returns the most that an order costs after a retry, by the prices of its
// service's generators. known is false if one of them has no price.
func mostAtRetry(cfg *config.Config, m order.Match) (most order.USD, known bool) {
	if m.Generates == 0 {
		return 0, true
	}
	name := view.GeneratorOf(cfg, m.Service)
	price, known := order.USD(0), true
	for _, each := range append([]string{name}, cfg.Generators[name].Fallback...) {
		g := cfg.Generators[each]
		price = max(price, g.Cost)
		known = known && (g.Cost > 0 || g.Free())
	}
	s := cfg.Spending
	return order.Caps{Attempt: s.Attempt, Order: s.Order, Percent: s.Percent}.MostAtRetry(m, price, cfg.Work.MaxAttempts), known
}

// apply does it, one transaction for each order.
func (b batch) apply(ctx context.Context, actions *owner.Actions, v *batchView) {
	for i, o := range v.Orders {
		if err := b.do(ctx, b.on(actions, o), o.ID); err != nil {
			v.Orders[i].Reason = err.Error()
			v.Failed++
			continue
		}
		v.Done++
		if b.after != nil {
			v.Orders[i].After = b.after(ctx, actions, o.ID)
		}
	}
}

// batchView is what a command does to several orders.
type batchView struct {
	What    string       `json:"command"`
	Orders  []batchOrder `json:"orders"`
	Skipped []batchOrder `json:"skipped"`
	// AtMost is the most that the generators cost by their prices; CostUnknown if one has
	// none.
	AtMost      string `json:"cost_at_most_usd,omitempty"`
	CostUnknown bool   `json:"cost_unknown,omitzero"`
	Done        int    `json:"done"`
	Failed      int    `json:"failed"`

	done        string
	costs, more bool
	atMost      order.USD
}

// batchOrder is one of them. Reason is why it was skipped, or has failed, and After what to
// know of it once it is done.
type batchOrder struct {
	ID          string      `json:"order_id"`
	Service     string      `json:"service"`
	State       order.State `json:"state"`
	Code        order.Code  `json:"code"`
	AtMost      string      `json:"cost_at_most_usd,omitempty"`
	CostUnknown bool        `json:"cost_unknown,omitzero"`
	Reason      string      `json:"reason,omitempty"`
	After       string      `json:"after,omitempty"`

	seen order.Fingerprint
}

// show shows the plan.
func (v batchView) show(g *term.Page) {
	rows := [][]term.Cell{}
	for _, o := range v.Orders {
		cost := ""
		if v.costs {
			cost = "at most $" + o.AtMost
		}
		if o.CostUnknown {
			cost = "price unknown"
		}
		rows = append(rows, []term.Cell{
			term.End(term.Line(o.ID, 64)), term.Plain(string(o.State)), term.Plain(term.Sanitize(o.Code.Words())),
			term.Plain(term.Line(o.Service, 28)), term.Plain(cost),
		})
	}
	if len(rows) > 0 {
		g.Linef("%s %s:", v.What, words.Count(len(rows), "order"))
		g.Table("  ", rows)
	}
	switch {
	case len(v.Orders) == 0 && len(v.Skipped) == 0:
		g.Linef("no open order fits")
	case len(v.Orders) == 0:
		g.Linef("nothing to %s", v.What)
	case v.costs && v.CostUnknown:
		g.Note("", "what it costs is unknown, because a generator has no price; the caps in [spending] apply")
	case v.costs:
		g.Note("", "in all at most $"+v.AtMost+", by the prices of the generators and the caps in [spending]")
	}
	if len(v.Skipped) > 0 {
		g.Linef("skipped:")
		for _, o := range v.Skipped {
			g.Note("  ", term.Line(o.ID, 64)+": "+term.Line(o.Reason, 200))
		}
	}
	if v.more {
		g.Note("", fmt.Sprintf("these are the %d oldest; run the command again for more", mostChosen))
	}
}

// report prints what was done. It fails if something was not.
func (v batchView) report(p *Program, out Output) error {
	if out.JSON {
		if err := term.PrintJSON(p.Stdout, v); err != nil {
			return err
		}
	} else if v.Done > 0 {
		if err := p.say("%s %s", words.Count(v.Done, "order"), v.done); err != nil {
			return err
		}
	}
	g := p.Page()
	for _, o := range v.Orders {
		if text := cmp.Or(o.Reason, o.After); text != "" {
			g.Note("", term.Line(o.ID, 64)+": "+term.Line(text, 200))
		}
	}
	if !out.JSON {
		if err := g.Print(p.Stdout); err != nil {
			return err
		}
	}
	if v.Failed == 0 {
		return nil
	}
	return Hintf(fmt.Errorf("%d of %s could not be %s", v.Failed, words.Count(len(v.Orders), "order"), v.done), "%s shows the state and history of one", order.Command("orders show", order.AnyOrder))
}
