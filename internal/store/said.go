package store

import (
	"cmp"
	"strings"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// This file has the lines of the log that an owner waits for. A line is logged by the
// transaction that records what it says, after its commit, so that it is logged once and
// whichever part of the daemon has found it out.

// logLine is one line at level info.
type logLine struct {
	text string
	args []any
}

// says logs a line once the transaction has committed.
func (t *tx) says(text string, args ...any) { t.lines = append(t.lines, logLine{text, args}) }

// mostCame is how many new orders of a listing are logged one by one.
const mostCame = 20

func (t *tx) saysCame(n newcomer) {
	text, price := "an order came in", "none"
	if n.facts.Status == order.PendingQuote {
		text = "a client asks for a price"
	}
	if n.facts.Price != nil {
		price = "$" + n.facts.Price.String()
	}
	t.says(text, "order", n.facts.ID, "service", cmp.Or(n.decision.Service, n.facts.ServiceTitle), "price", price,
		"brief", oneLine(n.facts.Brief, 80))
}

// saysStatus logs what the client or the marketplace has done to an order.
func (t *tx) saysStatus(before order.Status, f order.Facts) {
	switch {
	case f.Status == order.Disputed || f.Status == order.RevisionRequested:
		t.says("the client sent the work back", "order", f.ID, "status", f.Status)
	case f.Status == order.Paid && before == order.Quoted:
		t.says("the client has paid the price", "order", f.ID)
	case f.Status == order.Cancelled:
		t.says("the order was cancelled", "order", f.ID)
	case f.Status == order.Completed:
		args := []any{"order", f.ID}
		if f.Price != nil {
			args = append(args, "price", "$"+f.Price.String(), "net", "$"+(*f.Price-order.Fee(*f.Price, f.Fee, f.ClientType)).String())
		}
		t.says("the order is completed", args...)
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
		t.says("a piece was sent", "order", j.OrderID, "piece", piece)
		return nil
	}
	t.says("a message was sent", "order", j.OrderID, "message", rows[0].Reason)
	return nil
}
