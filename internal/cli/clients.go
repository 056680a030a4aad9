package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

// ClientsCmd shows who orders.
type ClientsCmd struct {
	Client string `arg:"" optional:"" help:"Show the orders of this client: the id, or its beginning." name:"client"`
	Sort   string `help:"Sort by orders, open, gross, cost, sent-back, disputes, rating or last." enum:"orders,open,gross,cost,sent-back,disputes,rating,last" default:"gross" placeholder:"WHAT"`
	Most   int    `help:"At most this many. Default: 50." short:"n" name:"most" default:"50" placeholder:"N"`
	Output
}

// Help explains the command.
func (ClientsCmd) Help() string {
	return `Shows who orders, pays, sends back and disputes. A client is a wallet or, if another
agent orders, the id of that agent. Gross is the price of the completed orders, and cost is
what generators cost for all of them. [clients] in the configuration blocks or limits
clients.`
}

// Run runs the command.
func (c ClientsCmd) Run(p *Program) error {
	if c.Most < 1 {
		return &UsageError{fmt.Errorf("-n must be at least 1")}
	}
	return p.withReader(func(ctx context.Context, cfg *config.Config, st *store.Store) error {
		var v view.Clients
		var err error
		if c.Client == "" {
			v, err = reader(cfg, st).Clients(ctx, c.Sort, c.Most)
		} else {
			v, err = reader(cfg, st).Client(ctx, c.Client, c.Most)
		}
		if errors.Is(err, view.ErrNoClient) {
			return Hintf(fmt.Errorf("no client has an id that begins with %.100q", c.Client), "%s lists them", order.Command("clients"))
		}
		if err != nil {
			return err
		}
		return c.print(p, v, func(g *term.Page) { showClients(g, v) })
	})
}

func showClients(g *term.Page, v view.Clients) {
	if len(v.Clients) == 0 {
		g.Linef("no client has ordered yet")
		return
	}
	rows := [][]term.Cell{term.Headings("client", "orders", "open", "completed", "gross", "cost", "sent back", "disputes", "rating", "last order")}
	for _, c := range v.Clients {
		rating := "-"
		if c.Rated > 0 {
			rating = fmt.Sprintf("%s of %d", c.Rating, c.Rated)
		}
		name := term.Shrink(12, term.Line(c.ID, 60))
		if c.Blocked {
			name = term.Shrink(12, "blocked: "+term.Line(c.ID, 60))
		}
		rows = append(rows, []term.Cell{
			name, term.Plain(fmt.Sprint(c.Orders)), term.Plain(fmt.Sprint(c.Open)), term.Plain(fmt.Sprint(c.Completed)), term.Plain(c.Gross), term.Plain(c.Cost),
			term.Plain(fmt.Sprint(c.SentBack)), term.Plain(fmt.Sprint(c.Disputes)), term.Plain(rating), term.Plain(words.Relative(v.Now, c.Last)),
		})
	}
	g.Table("", rows)
	if v.More > 0 {
		g.Linef("and %d more; -n shows more of them", v.More)
	}
	if len(v.Orders) == 0 {
		return
	}
	g.Heading("orders")
	rows = [][]term.Cell{term.Headings("order", "state", "price", "sent back", "rating", "placed", "service")}
	for _, o := range v.Orders {
		state := string(o.State)
		if o.Code != "" {
			state += ": " + term.Sanitize(o.Code.Words())
		}
		rows = append(rows, []term.Cell{
			term.End(term.Line(o.ID, 64)), term.Styled(stateStyle(o.State), state), term.Plain(cmp.Or(o.PriceUSD, "-")),
			term.Plain(fmt.Sprint(o.SentBack)), term.Plain(cmp.Or(o.Rating, "-")), term.Plain(words.Relative(v.Now, o.Created)), term.Plain(term.Line(o.Service, 40)),
		})
	}
	g.Table("  ", rows)
}
