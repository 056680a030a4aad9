package view

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// ErrNoClient means that no client has the id.
var ErrNoClient = errors.New("no client has the id")

// Clients reads who has ordered, at most so many, the first by what they are sorted by:
// orders, open, gross, cost, sent-back, disputes, rating or last.
func (r Reader) Clients(ctx context.Context, by string, most int) (Clients, error) {
	v, err := r.clients(ctx, by, "")
	v.More = max(len(v.Clients)-most, 0)
	v.Clients = v.Clients[:min(len(v.Clients), most)]
	return v, err
}

// Client reads a client, named by the id or its beginning, and at most so many of its orders.
// The error is ErrNoClient if there is none.
func (r Reader) Client(ctx context.Context, text string, most int) (Clients, error) {
	id := order.ClientID(text)
	v, err := r.clients(ctx, "", id)
	if err != nil {
		return v, err
	}
	if at := slices.IndexFunc(v.Clients, func(c Client) bool { return c.ID == id }); at >= 0 {
		v.Clients = v.Clients[at : at+1]
	}
	switch len(v.Clients) {
	case 0:
		return v, ErrNoClient
	case 1:
	default:
		return v, fmt.Errorf("%d clients have ids that begin with %.100q; name more of it", len(v.Clients), text)
	}
	orders, err := r.Store.ClientOrders(ctx, v.Clients[0].ID, most)
	for _, o := range orders {
		v.Orders = append(v.Orders, viewClientOrder(o))
	}
	return v, err
}

// clients reads the clients whose ids begin with a text.
func (r Reader) clients(ctx context.Context, by, prefix string) (Clients, error) {
	v := Clients{Clients: []Client{}, Now: r.now()}
	list, err := r.Store.Clients(ctx)
	if err != nil {
		return v, err
	}
	slices.SortFunc(list, func(a, b store.Client) int { return cmp.Or(-compareClients(by, a, b), strings.Compare(a.ID, b.ID)) })
	for _, each := range list {
		if strings.HasPrefix(each.ID, prefix) {
			v.Clients = append(v.Clients, viewClient(r.Config(), each))
		}
	}
	return v, nil
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

// Clients is the clients, or one with its orders.
type Clients struct {
	Clients []Client      `json:"clients"`
	More    int           `json:"more"` // clients that are not shown
	Orders  []ClientOrder `json:"orders,omitempty"`

	Now time.Time `json:"-"`
}

// Client is who orders.
type Client struct {
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

// ClientOrder is an order of a client.
type ClientOrder struct {
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

func viewClient(cfg *config.Config, c store.Client) Client {
	v := Client{
		ID: c.ID, Blocked: slices.Contains(cfg.Clients.Block, c.ID), Orders: c.Orders, Open: c.Open, Completed: c.Completed, Gross: c.Gross.String(),
		Cost: c.Cost.String(), SentBack: c.SentBack, Disputes: c.Disputes, Rated: c.Rated, Last: c.Last,
	}
	if c.Rated > 0 {
		v.Rating = fmt.Sprintf("%.1f", float64(c.Stars)/float64(c.Rated))
	}
	return v
}

func viewClientOrder(o store.ClientOrder) ClientOrder {
	v := ClientOrder{ID: o.ID, State: o.State, Code: o.Code, Service: o.Service, PriceUSD: usd(o.Price), SentBack: o.Round, Disputes: o.Disputes, Created: o.Created}
	if o.Rating != nil {
		v.Rating = fmt.Sprint(*o.Rating)
	}
	return v
}
