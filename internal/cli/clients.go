package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

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
		list, err := st.Clients(ctx)
		if err != nil {
			return err
		}
		v := clientsView{Clients: []clientView{}, now: time.Now()}
		slices.SortFunc(list, func(a, b store.Client) int { return cmp.Or(-compareClients(c.Sort, a, b), strings.Compare(a.ID, b.ID)) })
		for _, each := range list {
			if strings.HasPrefix(each.ID, order.ClientID(c.Client)) {
				v.Clients = append(v.Clients, viewClient(cfg, each))
			}
		}
		if c.Client == "" {
			v.More = max(len(v.Clients)-c.Most, 0)
			v.Clients = v.Clients[:min(len(v.Clients), c.Most)]
			return c.print(p, v, v.show)
		}
		if err := v.one(c.Client); err != nil {
			return err
		}
		orders, err := st.ClientOrders(ctx, v.Clients[0].ID, c.Most)
		if err != nil {
			return err
		}
		for _, o := range orders {
			v.Orders = append(v.Orders, viewClientOrder(o))
		}
		return c.print(p, v, v.show)
	})
}

// compareClients compares what clients are sorted by.
func compareClients(by string, a, b store.Client) int {
	rating := func(c store.Client) float64 { return float64(c.Stars) / float64(max(c.Rated, 1)) }
	switch by {
	case "orders":
		return cmp.Compare(a.Orders, b.Orders)
	case "open":
		return cmp.Compare(a.Open, b.Open)
	case "cost":
		return cmp.Compare(a.Cost, b.Cost)
	case "sent-back":
		return cmp.Compare(a.SentBack, b.SentBack)
	case "disputes":
		return cmp.Compare(a.Disputes, b.Disputes)
	case "rating":
		return cmp.Compare(rating(a), rating(b))
	case "last":
		return a.Last.Compare(b.Last)
	}
	return cmp.Compare(a.Gross, b.Gross)
}

// clientsView is the clients, or one with its orders. `clients` prints it.
type clientsView struct {
	Clients []clientView      `json:"clients"`
	More    int               `json:"more"` // clients that are not shown
	Orders  []clientOrderView `json:"orders,omitempty"`

	now time.Time
}

type clientView struct {
	ID        string    `json:"client"`
	Blocked   bool      `json:"blocked"`
	Orders    int       `json:"orders"`
	Open      int       `json:"open_orders"`
	Completed int       `json:"completed_orders"`
	Gross     string    `json:"gross_usd"`
	Cost      string    `json:"cost_usd"`
	SentBack  int       `json:"sent_back"`
	Disputes  int       `json:"disputes"`
	Rated     int       `json:"rated_orders"`
	Rating    string    `json:"rating"` // empty without any
	Last      time.Time `json:"last_order_at,omitzero"`
}

type clientOrderView struct {
	ID       string      `json:"order_id"`
	State    order.State `json:"state"`
	Code     order.Code  `json:"code"`
	Service  string      `json:"service"`
	PriceUSD string      `json:"price_usd"`
	SentBack int         `json:"sent_back"`
	Disputes int         `json:"disputes"`
	Rating   string      `json:"rating"`
	Created  time.Time   `json:"created_at"`
}

func viewClient(cfg *config.Config, c store.Client) clientView {
	v := clientView{
		ID: c.ID, Blocked: slices.Contains(cfg.Clients.Block, c.ID), Orders: c.Orders, Open: c.Open, Completed: c.Completed, Gross: c.Gross.String(),
		Cost: c.Cost.String(), SentBack: c.SentBack, Disputes: c.Disputes, Rated: c.Rated, Last: c.Last,
	}
	if c.Rated > 0 {
		v.Rating = fmt.Sprintf("%.1f", float64(c.Stars)/float64(c.Rated))
	}
	return v
}

func viewClientOrder(o store.ClientOrder) clientOrderView {
	v := clientOrderView{ID: o.ID, State: o.State, Code: o.Code, Service: o.Service, PriceUSD: view.Amount(o.Price), SentBack: o.Round, Disputes: o.Disputes, Created: o.Created}
	if o.Rating != nil {
		v.Rating = fmt.Sprint(*o.Rating)
	}
	return v
}

// one returns an error unless the text names one client: in full, or by the beginning of its
// id.
func (v *clientsView) one(text string) error {
	if at := slices.IndexFunc(v.Clients, func(c clientView) bool { return c.ID == order.ClientID(text) }); at >= 0 {
		v.Clients = v.Clients[at : at+1]
	}
	switch len(v.Clients) {
	case 0:
		return Hintf(fmt.Errorf("no client has an id that begins with %.100q", text), "%s lists them", order.Command("clients"))
	case 1:
		return nil
	}
	return fmt.Errorf("%d clients have ids that begin with %.100q; name more of it", len(v.Clients), text)
}

func (v clientsView) show(g *term.Page) {
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
			term.Plain(fmt.Sprint(c.SentBack)), term.Plain(fmt.Sprint(c.Disputes)), term.Plain(rating), term.Plain(words.Relative(v.now, c.Last)),
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
			term.Plain(fmt.Sprint(o.SentBack)), term.Plain(cmp.Or(o.Rating, "-")), term.Plain(words.Relative(v.now, o.Created)), term.Plain(term.Line(o.Service, 40)),
		})
	}
	g.Table("  ", rows)
}
