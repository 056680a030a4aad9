package reconcile

import (
	"context"
	"log/slog"
	"slices"

	"atelierd/internal/order"
)

// DetectorStore is the part of the database that a Detector needs.
type DetectorStore interface {
	// Record returns what the ledger has of an order; ok is false if it does not know it.
	Record(ctx context.Context, id string) (r order.Record, ok bool, err error)
	// ForeignAct records a delivery, a quote or a message that the ledger lacks. Those of
	// two orders within an hour stop new work.
	ForeignAct(orderID, what string) error
}

// Detector finds what somebody else does in the agent's name, such as a second daemon
// on a copy of the ledger. It compares whatever is read of an order anyway, and sends
// no requests. While the Gate is shut it finds nothing, because the ledger itself may
// lack something then. It is safe for concurrent use.
type Detector struct {
	gate  *Gate
	store DetectorStore
	log   *slog.Logger
}

// NewDetector returns a detector.
func NewDetector(g *Gate, s DetectorStore, log *slog.Logger) *Detector {
	return &Detector{gate: g, store: s, log: log}
}

// Row returns what a row of a listing shows as done by somebody else, or "". It does not
// use the store.
func (d *Detector) Row(r order.Record, f order.Facts) string {
	if !d.gate.watches() {
		return ""
	}
	return d.foreign(r, f, nil)
}

// Order compares an order that was read. Call it before the ledger takes the facts over.
func (d *Detector) Order(ctx context.Context, f order.Facts) {
	if f.MayShowAct() {
		d.compare(ctx, f, nil)
	}
}

// Thread compares a thread that was read. Call it before the ledger takes it over.
func (d *Detector) Thread(ctx context.Context, orderID string, thread []order.Message) {
	if slices.ContainsFunc(thread, byAgent) {
		d.compare(ctx, order.Facts{ID: orderID}, thread)
	}
}

func (d *Detector) compare(ctx context.Context, f order.Facts, thread []order.Message) {
	if !d.gate.watches() {
		return
	}
	r, ok, err := d.store.Record(ctx, f.ID)
	if err == nil && ok {
		if what := d.foreign(r, f, thread); what != "" {
			err = d.store.ForeignAct(f.ID, what)
		}
	}
	if err != nil && ctx.Err() == nil {
		d.log.Warn("it is unknown whether somebody else works as this agent", "order", f.ID, "error", err)
	}
}

// foreign returns what is shown as done in the agent's name and the ledger lacks, or "".
// An order that waits for the owner is left out: the owner may settle it by hand.
func (d *Detector) foreign(r order.Record, f order.Facts, thread []order.Message) string {
	if r.State == order.StateHeld || r.State == order.StateFailed || r.Status.Ended() {
		return ""
	}
	m := Lacks(r, f, thread)
	switch {
	case d.delivered(m, r, f):
		return "delivered"
	case m.Quote:
		return "quoted"
	case d.written(m, r, thread):
		return "written to"
	}
	return ""
}

// delivered reports whether somebody else has delivered. Other files in place of ours
// show it only if the marketplace leaves addresses as they are.
func (d *Detector) delivered(m Missing, r order.Record, f order.Facts) bool {
	d.gate.shows(r, f)
	before := deliveries(order.Facts{Status: r.Status, RevisionCount: r.Revisions}, r.Windowed)
	if m.Shown > max(had(r), before) {
		// A delivery that the marketplace refused may have arrived.
		return len(f.Deliverables) == 0 || !slices.Contains(r.Sent, f.Deliverables[len(f.Deliverables)-1])
	}
	return r.Settled && len(m.Files) > 0 && d.gate.verbatim.Load()
}

// written reports whether somebody else has written to the client. A marketplace that
// changes texts shows no more messages than were sent.
func (d *Detector) written(m Missing, r order.Record, thread []order.Message) bool {
	sent, shown := 0, 0
	for _, o := range r.Outbox {
		if left(o.State) {
			sent++
		}
	}
	for _, t := range thread {
		if byAgent(t) {
			shown++
		}
	}
	return len(m.Messages) > 0 && shown > max(sent, len(r.Seen))
}

func byAgent(m order.Message) bool { return m.Party == order.PartyAgent }
