package view

import (
	"context"
	"time"

	"atelierd/internal/order"
)

// Outlook is what the owner's actions on an order do and cost now. Whether they are
// possible is known to package owner.
type Outlook struct {
	// Approve, Quote and Message are the requests to the marketplace that these take.
	Approve Takes `json:"approve"`
	Quote   Takes `json:"quote"`
	Message Takes `json:"message"`
	// Files are how many an approval sends.
	Files int `json:"files"`
	// Make is another making of the files, by a redo or a retry that begins again.
	Make Making `json:"make"`
	// Spent is what the order has cost, and SpentToday what all have today (UTC). A cap of
	// 0 is no limit.
	Spent      order.USD `json:"spent"`
	SpentToday order.USD `json:"spent_today"`
	OrderCap   order.USD `json:"order_cap"`
	DayCap     order.USD `json:"day_cap"`

	clientType string
}

// Takes is how many requests an action takes of those that are left in this window.
type Takes struct {
	Requests int `json:"requests"`
	Left     int `json:"left"`
}

// Making is what it usually takes to make the files of an order again.
type Making struct {
	// Generator is that of the order's service; empty without one.
	Generator string `json:"generator"`
	// Jobs are how many the redo of the whole order makes: one for a round or a piece.
	Jobs int `json:"jobs"`
	// Usual is how long a job usually takes; 0 is unknown.
	Usual time.Duration `json:"usual"`
	// Cost is what the calls usually cost, or by the price of the generator. It is unknown
	// unless Known.
	Cost  order.USD `json:"cost"`
	Known bool      `json:"cost_known"`
	// Over is why a cap forbids the call; empty if none does.
	Over     string     `json:"over"`
	OverCode order.Code `json:"over_code"`
}

// Keeps returns what the owner keeps of a price that the client pays.
func (o Outlook) Keeps(price order.USD) order.USD { return price - order.Fee(price, nil, o.clientType) }

// Outlook reads what the owner's actions on an order do and cost now.
func (r Reader) Outlook(ctx context.Context, id string) (o Outlook, err error) {
	sight, err := r.Store.Sight(ctx, id)
	if err != nil {
		return o, err
	}
	of, err := r.Store.Order(ctx, id)
	if err != nil {
		return o, err
	}
	now, caps := r.begin(ctx), r.Config().Caps()
	spent, err := r.Store.Spent(ctx, id, now.now)
	if err != nil {
		return o, err
	}
	usual, err := r.Store.Usual(ctx)
	if err != nil {
		return o, err
	}
	o = Outlook{Spent: spent.Order, SpentToday: spent.Day, OrderCap: caps.Order, DayCap: caps.Day, clientType: of.ClientType}
	if share := spent.Net * order.USD(caps.Percent) / 100; caps.Percent > 0 && spent.Priced && (o.OrderCap == 0 || share < o.OrderCap) {
		o.OrderCap = max(share, 0)
	}
	if err := o.requests(ctx, now, sight); err != nil {
		return o, err
	}
	o.Make = now.makeAgain(sight, usual)
	if f := caps.Allow(spent, o.Make.Cost, now.now); f != nil {
		o.Make.Over, o.Make.OverCode = f.Error(), f.Code
	}
	return o, nil
}

// requests counts what the actions send.
func (o *Outlook) requests(ctx context.Context, r reading, s order.Sight) error {
	windows, err := r.store.Windows(ctx)
	if err != nil {
		return err
	}
	counts, err := r.store.Fact(ctx, order.FactCounts)
	if err != nil {
		return err
	}
	left := func(kind order.RequestKind, limit int) int {
		own, all := openWindow(windows, string(kind), r.now), openWindow(windows, order.ScopeAll, r.now)
		if own.Limit > 0 {
			limit = min(limit, own.Limit)
		}
		if limit -= own.Used; counts != order.CountsSeparate {
			limit = min(limit, r.cfg.Budget.Poll-all.Used)
		}
		return max(limit, 0)
	}
	b := r.cfg.Budget
	o.Approve.Left = min(left(order.RequestUpload, b.Upload), left(order.RequestDeliver, b.Deliver))
	o.Quote = Takes{1, left(order.RequestQuote, b.Deliver)}
	o.Message = Takes{1, left(order.RequestMessage, b.Messages)}
	for _, j := range s.Jobs {
		if !j.Approvable() || j.Stage.Lane() != order.LaneNetwork {
			continue
		}
		o.Approve.Requests++ // the delivery, the message with the piece, or the quote
		for _, f := range s.Files {
			if f.Kind == j.Kind && f.Round == j.Round {
				o.Files++
				if f.URL == "" {
					o.Approve.Requests++
				}
			}
		}
	}
	return nil
}

// makeAgain returns what it takes to make the files of what has stopped again.
func (r reading) makeAgain(s order.Sight, usual order.Usual) Making {
	m := Making{Generator: GeneratorOf(r.cfg, s.Service)}
	for _, j := range s.Jobs {
		if j.State.Stopped() && j.Take > 0 {
			m.Jobs++
		}
	}
	m.Jobs = max(m.Jobs, 1)
	if m.Generator == "" {
		return m
	}
	g := r.cfg.Generators[m.Generator]
	m.Usual = usual.Of(order.StageGenerate, m.Generator)
	cost, known := usual.Costs[m.Generator]
	if !known {
		cost, known = g.Cost, g.Cost > 0 || g.Free()
	}
	m.Cost, m.Known = cost*order.USD(m.Jobs), known
	return m
}
