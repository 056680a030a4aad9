package store

import (
	"context"
	"slices"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// applyClients holds the work for clients that are blocked, unless something was sent of
// it, and resumes what is held for one that is not.
func (t *tx) applyClients(rules order.ClientRules) error {
	held, err := t.HeldForClient(noCancel)
	if err != nil {
		return err
	}
	for _, j := range held {
		if !rules.Blocks(j.Client, j.ClientWallet) {
			if err := t.resume(heldJob(j), "its client is not blocked any more; work resumes"); err != nil {
				return err
			}
		}
	}
	if len(rules.Block) == 0 {
		return nil
	}
	ready, err := t.ReadyForClient(noCancel)
	if err != nil {
		return err
	}
	for _, r := range ready {
		if !rules.Blocks(r.Client, r.ClientWallet) {
			continue
		}
		j := jobOf(heldJob(query.HeldForClientRow(r)))
		if err := t.holdNext(j, order.BlockedClient().For(r.OrderID)); err != nil {
			return err
		}
	}
	return nil
}

// heldJob is the job of a row.
func heldJob(r query.HeldForClientRow) query.HeldForRow {
	return query.HeldForRow{ID: r.ID, OrderID: r.OrderID, Kind: r.Kind, Round: r.Round, Stage: r.Stage, Code: r.Code, Service: r.Service}
}

// approveClient has an order worked on whatever the rules for clients say, if one of them
// holds it or some of its work. held are its jobs that are held.
func (t *tx) approveClient(o order.Order, held []query.HeldForRow) (approved bool, err error) {
	waits, err := t.WaitsForClient(noCancel, o.ID)
	if err != nil {
		return false, err
	}
	codes := order.ClientCodes()
	if !waits && !slices.Contains(codes, o.Code) && !slices.ContainsFunc(held, func(j query.HeldForRow) bool { return slices.Contains(codes, j.Code) }) {
		return false, nil
	}
	if err := t.SetClientApproved(noCancel, query.SetClientApprovedParams{ClientApprovedAt: t.now, ID: o.ID}); err != nil {
		return false, err
	}
	if waits {
		if err := t.RunWaitingForClient(noCancel, query.RunWaitingForClientParams{RunAt: t.now, OrderID: o.ID}); err != nil {
			return false, err
		}
		t.changed.lane(order.LaneGenerate)
	}
	return true, nil
}

// ClientAhead returns how many orders of the order's client are in work that came before
// it.
func (s *Store) ClientAhead(ctx context.Context, orderID string) (int, error) {
	n, err := s.read.ClientAhead(ctx, orderID)
	return int(n), err
}

// clientDays is how many days the limit on what a client costs looks at, with today.
const clientDays = 30

// spentOnClient adds what was spent on the client's orders, unless the owner has approved
// this one.
func (t *tx) spentOnClient(j order.Job, s *order.Spend) error {
	rows, err := t.GetOrder(noCancel, j.OrderID)
	if err != nil || len(rows) == 0 || rows[0].Client == "" || !rows[0].ClientApprovedAt.IsZero() {
		return err
	}
	first := order.Day(t.now.Time).AddDate(0, 0, 1-clientDays)
	n, err := t.SpentOnClient(noCancel, query.SpentOnClientParams{Day: first.Format(time.DateOnly), ID: j.OrderID})
	s.Client = order.USD(n)
	return err
}

// Client is what one client has ordered, paid, sent back and disputed.
type Client struct {
	ID                      string
	Orders, Open, Completed int
	Gross, Cost             order.USD
	SentBack, Disputes      int
	Rated, Stars            int // how many ratings there are, and their sum
	Last                    time.Time
}

// Clients returns all clients that the marketplace has named.
func (s *Store) Clients(ctx context.Context) ([]Client, error) {
	rows, err := s.read.ListClients(ctx)
	list := make([]Client, len(rows))
	for i, r := range rows {
		list[i] = Client{
			ID: r.Client, Orders: int(r.Orders), Open: int(r.Open), Completed: int(r.Completed), Gross: order.USD(r.Gross), Cost: order.USD(r.Cost),
			SentBack: int(r.SentBack), Disputes: int(r.Disputes), Rated: int(r.Rated), Stars: int(r.Stars), Last: since(r.LastAt),
		}
	}
	return list, err
}

// ClientOrder is an order of a client.
type ClientOrder struct {
	ID, Service     string
	State           order.State
	Code            order.Code
	Price           *order.USD
	Round, Disputes int
	Rating          *int
	Created         time.Time
}

// ClientOrders returns the newest orders of a client, at most as many as given.
func (s *Store) ClientOrders(ctx context.Context, client string, most int) ([]ClientOrder, error) {
	rows, err := s.read.ClientOrders(ctx, query.ClientOrdersParams{Client: client, Limit: int64(most)})
	list := make([]ClientOrder, len(rows))
	for i, r := range rows {
		list[i] = ClientOrder{
			ID: r.ID, Service: r.Service, State: r.State, Code: r.Code, Price: r.PriceUsdMicros,
			Round: int(r.Round), Disputes: int(r.Disputes), Rating: toInt(r.Rating), Created: r.CreatedAt.Time,
		}
	}
	return list, err
}
