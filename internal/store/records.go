package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// Records returns what the ledger has of its open orders, by id.
func (s *Store) Records(ctx context.Context) (map[string]*order.Record, error) {
	rows, err := s.read.RecordOrders(ctx)
	if err != nil {
		return nil, err
	}
	all := make(map[string]*order.Record, len(rows))
	for _, r := range rows {
		rec := &order.Record{
			OrderID: r.ID, Status: r.RemoteStatus, Round: int(r.Round), Windowed: !r.WindowEndsAt.IsZero(),
			Quoted: r.QuoteState != "" && r.QuoteState != order.QuotePriced && r.QuoteState != order.QuoteRefused,
			Seen:   map[string]string{},
		}
		if err := addStrings(&rec.Files, r.Deliverables, r.ForeignFiles); err != nil {
			return nil, fmt.Errorf("read order %s: %w", r.ID, err)
		}
		all[r.ID] = rec
	}
	for _, add := range []func(context.Context, map[string]*order.Record) error{s.recordDeliveries, s.recordMessages} {
		if err := add(ctx, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *Store) recordDeliveries(ctx context.Context, all map[string]*order.Record) error {
	first, err := s.read.RecordDeliveries(ctx)
	if err != nil {
		return err
	}
	for _, r := range first {
		rec, ok := all[r.OrderID]
		if !ok {
			continue // it was opened between two reads
		}
		sent := r.State != order.DeliveryRefused
		rec.Settled = rec.Settled || sent && int(r.Round) == rec.Round
		rec.Elsewhere = rec.Elsewhere || r.State == order.DeliveryElsewhere
		if err := addStrings(&rec.Files, r.Urls); err != nil {
			return fmt.Errorf("read the deliveries of order %s: %w", r.OrderID, err)
		}
	}
	again, err := s.read.RecordRedeliveries(ctx)
	if err != nil {
		return err
	}
	for _, r := range again {
		rec, ok := all[r.OrderID]
		if !ok {
			continue // it was opened between two reads
		}
		if err := addStrings(&rec.Files, r.Urls); err != nil {
			return fmt.Errorf("read the deliveries of order %s: %w", r.OrderID, err)
		}
	}
	return nil
}

func (s *Store) recordMessages(ctx context.Context, all map[string]*order.Record) error {
	outbox, err := s.read.RecordOutbox(ctx)
	if err != nil {
		return err
	}
	for _, r := range outbox {
		rec, ok := all[r.OrderID]
		if !ok {
			continue // it was opened between two reads
		}
		rec.Outbox = append(rec.Outbox, order.Outgoing{
			OrderID: r.OrderID, Position: int(r.Position), Reason: r.Reason, Body: r.Body, State: r.State,
		})
	}
	seen, err := s.read.RecordMessages(ctx)
	if err != nil {
		return err
	}
	for _, r := range seen {
		if rec, ok := all[r.OrderID]; ok {
			rec.Seen[r.RemoteID] = r.Content
		}
	}
	return nil
}

// addStrings appends the strings of JSON arrays.
func addStrings(to *[]string, arrays ...string) error {
	for _, text := range arrays {
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
// to, so that the delivery of the window has them.
func (t *tx) adoptPieces(a order.Adoption) error {
	for _, p := range a.Pieces {
		piece := order.Job{OrderID: a.OrderID, Kind: order.KindPiece, Round: p.Number}
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
		if err != nil || len(at) == 0 {
			return err
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
