package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unique"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// OpenOrders returns the ids of the orders that have not ended, sorted.
func (s *Store) OpenOrders(ctx context.Context) ([]string, error) {
	ids, err := s.read.OpenOrderIDs(ctx)
	slices.Sort(ids)
	return ids, err
}

// Record returns what the ledger has of an order; ok is false if it does not know it.
func (s *Store) Record(ctx context.Context, id string) (rec order.Record, ok bool, err error) {
	r := recorder{s.read, order.EncodeStrings([]string{id}), map[string]*order.Record{}}
	if err := r.read(ctx, r.orders, r.deliveries, r.messages); err != nil || r.all[id] == nil {
		return rec, false, err
	}
	return *r.all[id], true, nil
}

// recorder reads the records of the orders whose ids are a JSON array. An order may be
// opened between two reads.
type recorder struct {
	q   *query.Queries
	ids string
	all map[string]*order.Record
}

func (r recorder) read(ctx context.Context, parts ...func(context.Context) error) error {
	for _, part := range parts {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r recorder) orders(ctx context.Context) error {
	rows, err := r.q.RecordOrders(ctx, r.ids)
	if err != nil {
		return err
	}
	for _, o := range rows {
		rec := &order.Record{
			OrderID: o.ID, State: unique.Make(o.State).Value(), Status: unique.Make(o.RemoteStatus).Value(), Round: int(o.Round), Revisions: toInt(o.RevisionCount),
			Windowed: !o.WindowEndsAt.IsZero(), Restored: !o.RestoredAt.IsZero(),
			Quoted: o.QuoteState != "" && o.QuoteState != order.QuotePriced && o.QuoteState != order.QuoteRefused,
		}
		if err := addStrings(&rec.Files, o.Deliverables, o.ForeignFiles); err != nil {
			return fmt.Errorf("read order %s: %w", o.ID, err)
		}
		r.all[o.ID] = rec
	}
	return nil
}

func (r recorder) deliveries(ctx context.Context) error {
	first, err := r.q.RecordDeliveries(ctx, r.ids)
	if err != nil {
		return err
	}
	for _, d := range first {
		rec, ok := r.all[d.OrderID]
		if !ok {
			continue
		}
		sent := d.State != order.DeliveryRefused
		rec.Settled = rec.Settled || sent && int(d.Round) == rec.Round
		rec.Elsewhere = rec.Elsewhere || d.State == order.DeliveryElsewhere
		if err := addSent(rec, d.Urls); err != nil {
			return err
		}
	}
	again, err := r.q.RecordRedeliveries(ctx, r.ids)
	if err != nil {
		return err
	}
	for _, d := range again {
		if rec, ok := r.all[d.OrderID]; ok {
			if err := addSent(rec, d.Urls); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r recorder) messages(ctx context.Context) error {
	outbox, err := r.q.RecordOutbox(ctx, r.ids)
	if err != nil {
		return err
	}
	for _, m := range outbox {
		if rec, ok := r.all[m.OrderID]; ok {
			rec.Outbox = append(rec.Outbox, order.Outgoing{
				OrderID: rec.OrderID, Position: int(m.Position), Reason: m.Reason, Body: m.Body, State: unique.Make(m.State).Value(),
			})
		}
	}
	seen, err := r.q.RecordMessages(ctx, r.ids)
	if err != nil {
		return err
	}
	for _, m := range seen {
		if rec, ok := r.all[m.OrderID]; ok {
			if rec.Seen == nil {
				rec.Seen = map[string]string{}
			}
			rec.Seen[m.RemoteID] = m.Content
		}
	}
	return nil
}

// addSent adds the addresses of a delivery to a record.
func addSent(rec *order.Record, urls string) error {
	if err := addStrings(&rec.Sent, urls); err != nil {
		return fmt.Errorf("read the deliveries of order %s: %w", rec.OrderID, err)
	}
	return addStrings(&rec.Files, urls)
}

// addStrings appends the strings of JSON arrays.
func addStrings(to *[]string, arrays ...string) error {
	for _, text := range arrays {
		if text == "[]" {
			continue // nearly always
		}
		var list []string
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return err
		}
		*to = append(*to, list...)
	}
	return nil
}

// Adopt writes into the ledger what the marketplace shows of our doing on an order.
// What is shown as done is not done again.
func (s *Store) Adopt(a order.Adoption) error {
	return s.write("reconcile.adopt", func(t *tx) error {
		for _, do := range []func(order.Adoption) error{t.adoptRounds, t.adoptFiles, t.adoptMessages, t.adoptPieces, t.holdUnknownCalls} {
			if err := do(a); err != nil {
				return err
			}
		}
		if !a.Restored {
			return nil
		}
		return t.SetOrderRestored(noCancel, query.SetOrderRestoredParams{RestoredAt: t.now, ID: a.OrderID})
	})
}

// adoptRounds records deliveries that the ledger lacks as made elsewhere. The order
// counts its rounds from there.
func (t *tx) adoptRounds(a order.Adoption) error {
	if a.Rounds == 0 {
		return nil
	}
	const note = "the marketplace shows it, and the ledger lacked it"
	known, err := t.knownIDs([]string{a.OrderID})
	if err != nil {
		return err
	}
	for round := known[a.OrderID].Round; round < a.Rounds; round++ {
		if err := t.PutElsewhere(noCancel, query.PutElsewhereParams{
			OrderID: a.OrderID, Round: int64(round), SentAt: t.now, SettledAt: t.now, Note: note,
		}); err != nil {
			return err
		}
	}
	n, err := t.AdoptRounds(noCancel, query.AdoptRoundsParams{
		Reason: note, ChangedAt: t.now, FinishedAt: t.now, OrderID: a.OrderID, Rounds: int64(a.Rounds),
	})
	if err != nil {
		return err
	}
	t.changed.Revoked = t.changed.Revoked || n > 0
	if err := t.cancelOrderCalls(a.OrderID); err != nil {
		return err
	}
	if err := t.SetOrderRound(noCancel, query.SetOrderRoundParams{Round: int64(a.Rounds - 1), ID: a.OrderID}); err != nil {
		return err
	}
	if err := t.SetOrderState(noCancel, query.SetOrderStateParams{State: order.StateDelivered, ChangedAt: t.now, ID: a.OrderID}); err != nil {
		return err
	}
	_, err = t.event(a.OrderID, "delivered elsewhere", fmt.Sprintf("round %d: %s", a.Rounds-1, note))
	return err
}

func (t *tx) adoptFiles(a order.Adoption) error {
	if len(a.Files) == 0 {
		return nil
	}
	rows, err := t.GetOrder(noCancel, a.OrderID)
	if err != nil || len(rows) == 0 {
		return err
	}
	var files []string
	if err := addStrings(&files, rows[0].ForeignFiles); err != nil {
		return fmt.Errorf("read order %s: %w", a.OrderID, err)
	}
	set := map[string]bool{}
	for _, f := range append(files, a.Files...) {
		set[f] = true
	}
	return t.SetForeignFiles(noCancel, query.SetForeignFilesParams{
		ForeignFiles: order.EncodeStrings(slices.Sorted(maps.Keys(set))), ID: a.OrderID,
	})
}

// foundInThread is the note of a message that the thread showed.
const foundInThread = "found in the thread"

func (t *tx) adoptMessages(a order.Adoption) error {
	for _, position := range a.Sent {
		j := order.Job{OrderID: a.OrderID, Kind: order.KindMessage, Round: position}
		if err := t.finishJob(j); err != nil {
			return err
		}
		if err := t.messageEnded(j, order.OutSent, foundInThread); err != nil {
			return err
		}
	}
	return nil
}

// adoptPieces records pieces as made and sent. Their files are what the message links
// to, so that the delivery of the window has them. If nothing asks for the first piece, it
// was made from the brief.
func (t *tx) adoptPieces(a order.Adoption) error {
	for _, p := range a.Pieces {
		piece := order.Job{OrderID: a.OrderID, Kind: order.KindPiece, Round: p.Number, DueAt: t.now.Time}
		if p.Number == 1 {
			if err := t.askFromBrief(piece, "piece 1 was made from the brief"); err != nil {
				return err
			}
		}
		if err := t.finishJob(piece); err != nil {
			return err
		}
		if err := t.putArtifacts(piece, p.Files); err != nil {
			return err
		}
		at, err := t.PutSent(noCancel, query.PutSentParams{
			OrderID: a.OrderID, Reason: fmt.Sprintf("piece-%d", p.Number), Body: p.Text,
			CreatedAt: t.now, SentAt: utc.At(p.At), SettledAt: t.now, Note: foundInThread,
		})
		if err != nil {
			return err
		}
		if len(at) == 0 {
			continue // it is known to be sent
		}
		if err := t.finishJob(order.Job{OrderID: a.OrderID, Kind: order.KindMessage, Round: int(at[0])}); err != nil {
			return err
		}
		if _, err := t.event(a.OrderID, "message sent", fmt.Sprintf("piece %d: %s", p.Number, foundInThread)); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) finishJob(j order.Job) error {
	n, err := t.FinishJob(noCancel, query.FinishJobParams{
		ChangedAt: t.now, FinishedAt: t.now, OrderID: j.OrderID, Kind: j.Kind, Round: int64(j.Round),
	})
	t.changed.Revoked = t.changed.Revoked || n > 0
	return err
}

// holdUnknownCalls holds the work of a restored order that has an open call without a
// provider's id: the call may have ended since, and been paid for.
func (t *tx) holdUnknownCalls(a order.Adoption) error {
	if !a.Restored {
		return nil
	}
	rows, err := t.CallsWithoutTicket(noCancel, a.OrderID)
	if err != nil {
		return err
	}
	for _, r := range rows {
		f := order.UnknownCall(r.Generator, errors.New("the ledger was restored")).For(a.OrderID)
		if err := t.HoldJob(noCancel, query.HoldJobParams{Code: f.Code, Reason: f.Error(), Hint: f.Hint, ChangedAt: t.now, ID: r.ID}); err != nil {
			return err
		}
		t.changed.Revoked = true
		if err := t.needsOwner(1, nil, order.Job{OrderID: a.OrderID, Kind: r.Kind, Round: int(r.Round), Stage: r.Stage}, order.StateHeld, f); err != nil {
			return err
		}
	}
	return nil
}
