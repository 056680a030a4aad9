package store

import (
	"cmp"
	"log/slog"
	"strings"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// This file has the lines of the log that an owner waits for. A line is logged by the
// transaction that records what it says, after its commit, so that it is logged once and
// whichever part of the daemon has found it out.

// says logs a line once the transaction has committed.
func (t *tx) says(line func(log *slog.Logger)) { t.lines = append(t.lines, line) }

// mostCame is how many new orders of a listing are logged one by one.
const mostCame = 20

func (t *tx) saysCame(n newcomer) {
	price := "none"
	if n.facts.Price != nil {
		price = "$" + n.facts.Price.String()
	}
	args := []any{"order", n.facts.ID, "service", cmp.Or(n.decision.Service, n.facts.ServiceTitle), "price", price, "brief", oneLine(n.facts.Brief, 80)}
	asks := n.facts.Status == order.PendingQuote
	t.says(func(log *slog.Logger) {
		if asks {
			log.Info("a client asks for a price", args...)
			return
		}
		log.Info("an order came in", args...)
	})
}

// saysStatus logs what the client or the marketplace has done to an order.
func (t *tx) saysStatus(before order.Status, f order.Facts) {
	switch {
	case f.Status == order.Disputed || f.Status == order.RevisionRequested:
		t.says(func(log *slog.Logger) { log.Info("the client sent the work back", "order", f.ID, "status", f.Status) })
	case f.Status == order.Paid && before == order.Quoted:
		t.says(func(log *slog.Logger) { log.Info("the client has paid the price", "order", f.ID) })
	case f.Status == order.Cancelled:
		t.says(func(log *slog.Logger) { log.Info("the order was cancelled", "order", f.ID) })
	case f.Status == order.Completed:
		args := []any{"order", f.ID}
		if f.Price != nil {
			args = append(args, "price", "$"+f.Price.String(), "net", "$"+(*f.Price-order.Fee(*f.Price, f.Fee, f.ClientType)).String())
		}
		t.says(func(log *slog.Logger) { log.Info("the order is completed", args...) })
	}
}

// saysSent logs that a message is in the thread of its order.
func (t *tx) saysSent(j order.Job, state order.OutState) error {
	if state != order.OutSent {
		return nil
	}
	rows, err := t.GetOutgoing(noCancel, query.GetOutgoingParams{OrderID: j.OrderID, Position: int64(j.Round)})
	if err != nil || len(rows) == 0 {
		return err
	}
	if piece, ok := strings.CutPrefix(rows[0].Reason, "piece-"); ok {
		t.says(func(log *slog.Logger) { log.Info("a piece was sent", "order", j.OrderID, "piece", piece) })
		return nil
	}
	t.says(func(log *slog.Logger) { log.Info("a message was sent", "order", j.OrderID, "message", rows[0].Reason) })
	return nil
}
