package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// factForeign is the last delivery, quote or message that somebody else made in the
// agent's name.
const factForeign = "foreign.last"

// foreignWithin is how soon the second order with a foreign act must follow the first
// to show another daemon. An owner may settle one order by hand.
const foreignWithin = time.Hour

// ForeignAct records that the marketplace shows a delivery, a quote or a message in the
// agent's name that the ledger lacks. The second order with one within an hour shows
// the alert of a second daemon.
func (s *Store) ForeignAct(orderID, what string) error {
	return s.write("foreign", func(t *tx) error { return t.foreign(orderID, what) })
}

// SecondDaemon returns why nothing new is to be paid for or sent, because somebody else
// works as this agent; "" if nobody does.
func (s *Store) SecondDaemon(ctx context.Context) (string, error) {
	return s.Fact(ctx, string(order.AlertSecondDaemon.Code()))
}

// findForeign records what a changed row shows and the ledger lacks.
func (t *tx) findForeign(l order.Batch, k row, f order.Facts) error {
	if l.Foreign == nil || !k.Exists || !f.MayShowAct() {
		return nil
	}
	r := recorder{t.Queries, order.EncodeStrings([]string{f.ID}), map[string]*order.Record{}}
	if err := r.read(noCancel, r.orders, r.deliveries); err != nil || r.all[f.ID] == nil {
		return err
	}
	what := l.Foreign(*r.all[f.ID], f)
	if what == "" {
		return nil
	}
	return t.foreign(f.ID, what)
}

func (t *tx) foreign(orderID, what string) error {
	if _, err := t.event(orderID, "done elsewhere", what); err != nil {
		return err
	}
	alert := string(order.AlertSecondDaemon.Code())
	stopped, err := t.GetFact(noCancel, alert)
	if err != nil || len(stopped) > 0 {
		return err
	}
	act := order.ForeignAct{OrderID: orderID, What: what, At: t.now.Time}
	last, err := t.lastForeign()
	if err != nil {
		return err
	}
	if last.OrderID != "" && last.OrderID != orderID && act.At.Sub(last.At) <= foreignWithin {
		t.changed.SecondDaemon = fmt.Sprintf("somebody else works as this agent: order %s was %s and order %s was %s, and not by this daemon; it pays for nothing new and sends nothing",
			last.OrderID, last.What, orderID, what)
		if _, err := t.event("", "stopped", t.changed.SecondDaemon); err != nil {
			return err
		}
		if err := t.PutFact(noCancel, query.PutFactParams{Name: alert, Value: t.changed.SecondDaemon, ChangedAt: t.now}); err != nil {
			return err
		}
	}
	text, err := json.Marshal(act)
	if err != nil {
		return err
	}
	return t.PutFact(noCancel, query.PutFactParams{Name: factForeign, Value: string(text), ChangedAt: t.now})
}

func (t *tx) lastForeign() (act order.ForeignAct, err error) {
	rows, err := t.GetFact(noCancel, factForeign)
	if err != nil || len(rows) == 0 {
		return act, err
	}
	if err := json.Unmarshal([]byte(rows[0]), &act); err != nil {
		return act, fmt.Errorf("read the fact %s: %w", factForeign, err)
	}
	return act, nil
}

// acceptSecondDaemon has new work begin again. It reports whether it waited.
func (t *tx) acceptSecondDaemon() (open bool, err error) {
	n, err := t.DeleteFact(noCancel, string(order.AlertSecondDaemon.Code()))
	if err != nil || n == 0 {
		return false, err
	}
	if _, err := t.DeleteFact(noCancel, factForeign); err != nil {
		return true, err
	}
	if err := t.runNow(order.CodeSecondDaemon); err != nil {
		return true, err
	}
	t.changed.Generate, t.changed.Network = true, true
	_, err = t.event("", "owner", "accepted that the other daemon is stopped")
	return true, err
}
