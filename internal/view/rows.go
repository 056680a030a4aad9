package view

import (
	"context"
	"maps"
	"slices"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
)

// Row is an order as pages list it.
type Row struct {
	Line
	store.Extra
	// Work is what runs for it; nil if nothing does.
	Work *Work
	// Call is the open call to a provider; nil if there is none.
	Call *store.OpenCall
}

// List reads a page of a list of orders, as Reader.Orders does but without the completed ones
// counted, with what pages show besides. What runs is that of the overview.
func (n Overview) List(ctx context.Context, q store.OrderQuery) (List, []Row, error) {
	list, err := n.moment.list(ctx, q, n.work)
	if err != nil {
		return list, nil, err
	}
	rows, err := n.moment.rows(ctx, list.Lines, n.work.running)
	return list, rows, err
}

// rows adds to lines what pages show besides.
func (r reading) rows(ctx context.Context, lines []Line, running []Work) ([]Row, error) {
	ids := make([]string, len(lines))
	for i, l := range lines {
		ids[i] = l.ID
	}
	extras, err := r.store.Extras(ctx, ids)
	if err != nil {
		return nil, err
	}
	calls, err := r.store.OpenCallsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	rows := make([]Row, len(lines))
	for i, l := range lines {
		rows[i] = Row{Line: l, Extra: extras[l.ID]}
		if at := slices.IndexFunc(running, func(w Work) bool { return w.Order == l.ID }); at >= 0 {
			rows[i].Work = &running[at]
		}
		if c, ok := calls[l.ID]; ok {
			rows[i].Call = &c
		}
	}
	return rows, nil
}

// Overview is what is going on, for the first page of the console.
type Overview struct {
	Status
	At time.Time
	// Begun reports whether any order ever came.
	Begun bool
	// Needs are what needs the owner, and the clients who wait for an answer, the most
	// urgent first. Wrote has what some of those clients wrote last, by order.
	Needs []Need
	Wrote map[string]string
	// Unanswered is how many clients wait for an answer.
	Unanswered int
	Month      Days
	// Making are orders in work, those first for which something runs.
	Making []Row
	// Delivered are the last orders that were delivered since midnight in the owner's
	// zone, and DeliveredToday is how many there are.
	Delivered      []store.Delivered
	DeliveredToday int

	moment reading
	work   workNow
}

// The most rows of the parts of Overview.
const (
	mostMaking     = 6
	mostDelivered  = 9
	mostUnanswered = 20
	mostWrote      = 5
	monthDays      = 30
)

// Overview reads what is going on. It reads as much with a long history as without one.
func (r Reader) Overview(ctx context.Context) (n Overview, err error) {
	now := r.begin(ctx)
	n.At, n.moment = now.now, now
	if n.Status, n.work, err = now.status(ctx); err != nil {
		return n, err
	}
	if err := now.whatNeeds(ctx, &n); err != nil {
		return n, err
	}
	if n.Month, err = r.Days(ctx, monthDays); err != nil {
		return n, err
	}
	if n.Making, err = now.making(ctx, n.work.running); err != nil {
		return n, err
	}
	at := now.now.In(now.cfg.Zone())
	midnight := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, at.Location())
	if n.Delivered, n.DeliveredToday, err = now.store.DeliveredSince(ctx, midnight, mostDelivered); err != nil {
		return n, err
	}
	n.Begun = len(n.Making) > 0 || n.DeliveredToday > 0 || n.Month.Orders > 0
	if n.Begun {
		return n, nil
	}
	any, err := now.store.Page(ctx, store.OrderQuery{State: "all", Most: 1})
	n.Begun = len(any.Lines) > 0
	return n, err
}

// whatNeeds reads what needs the owner. A client who waits for an answer does so from the
// first minute, and not only once that is an alert. Where a draft waits for the owner, it is
// what they decide on.
func (r reading) whatNeeds(ctx context.Context, n *Overview) error {
	waiting, err := r.store.WaitingClients(ctx, mostUnanswered)
	if err != nil {
		return err
	}
	all, err := r.store.CountWaitingClients(ctx)
	if err != nil {
		return err
	}
	since := map[string]time.Time{}
	for _, w := range waiting {
		since[w.OrderID] = w.At
	}
	n.Unanswered, n.Wrote = all, map[string]string{}
	for _, a := range n.Attention {
		if a.Code == order.CodeDraft {
			delete(since, a.ID)
		}
	}
	var list []Attention
	for _, a := range n.Attention {
		if _, waits := since[a.ID]; !waits || a.Code != order.AlertUnanswered.Code() {
			list = append(list, a)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(since)) {
		list = append(list, Attention{What: "thread", ID: id, State: "unanswered", Code: order.AlertUnanswered.Code(), Since: since[id]})
	}
	if n.Needs, err = r.needs(ctx, list); err != nil {
		return err
	}
	for _, need := range n.Needs {
		if need.Code != order.AlertUnanswered.Code() && need.Code != order.CodeDraft || len(n.Wrote) == mostWrote {
			continue
		}
		thread, err := r.store.Thread(ctx, need.ID)
		if err != nil {
			return err
		}
		for _, m := range thread {
			if m.Party == order.PartyClient {
				n.Wrote[need.ID] = m.Text
			}
		}
	}
	return nil
}

// named returns the orders with these ids.
func (r reading) named(ctx context.Context, ids []string, running []Work) ([]Row, error) {
	found, err := r.store.Lines(ctx, ids)
	if err != nil {
		return nil, err
	}
	lines := make([]Line, len(found))
	for i, l := range found {
		lines[i] = r.line(l)
	}
	return r.rows(ctx, lines, running)
}

// making returns orders in work, those first for which something runs.
func (r reading) making(ctx context.Context, running []Work) ([]Row, error) {
	var ids []string
	for _, w := range running {
		if len(ids) < mostMaking && !slices.Contains(ids, w.Order) {
			ids = append(ids, w.Order)
		}
	}
	waiting, err := r.store.Orders(ctx, string(order.StateWorking), mostMaking+len(ids))
	if err != nil {
		return nil, err
	}
	for _, l := range waiting {
		if len(ids) < mostMaking && !slices.Contains(ids, l.ID) {
			ids = append(ids, l.ID)
		}
	}
	return r.named(ctx, ids, running)
}
