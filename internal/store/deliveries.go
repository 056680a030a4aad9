package store

import (
	"context"
	"encoding/json"
	"fmt"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// errLost ends a transaction whose job has lost its lease.
var errLost = order.Failf(order.Lost, order.CodeLeaseLost, "%w", order.ErrLeaseLost)

func (t *tx) leaseStands(j order.Job) error {
	ok, err := t.LeaseStands(noCancel, query.LeaseStandsParams{ID: j.ID, LeaseToken: j.Token})
	if err != nil {
		return err
	}
	if !ok {
		return errLost
	}
	return nil
}

// Delivery returns the recorded delivery of a round; ok is false if none has
// begun.
func (s *Store) Delivery(ctx context.Context, orderID string, round int) (d order.Delivery, ok bool, err error) {
	rows, err := s.read.GetDelivery(ctx, query.GetDeliveryParams{OrderID: orderID, Round: int64(round)})
	if err != nil || len(rows) == 0 {
		return d, false, err
	}
	r := rows[0]
	d = order.Delivery{OrderID: r.OrderID, Round: int(r.Round), State: r.State, Tries: int(r.Tries), SentAt: r.SentAt.Time}
	if err := json.Unmarshal([]byte(r.Urls), &d.URLs); err != nil {
		return d, false, fmt.Errorf("read the delivery of order %s: %w", orderID, err)
	}
	return d, true, nil
}

// Intend records that the round is about to be delivered. Send nothing before it
// returns nil. It fails with class Lost if the job's lease is lost.
func (s *Store) Intend(j order.Job, urls []string) error {
	return s.write("deliver.intent", func(t *tx) error {
		if err := t.leaseStands(j); err != nil {
			return err
		}
		if err := t.IntendDelivery(noCancel, query.IntendDeliveryParams{
			OrderID: j.OrderID, Round: int64(j.Round),
			Urls: order.EncodeStrings(urls), SentAt: t.now,
		}); err != nil {
			return err
		}
		return t.effect(j.OrderID, "delivering", fmt.Sprintf("round %d", j.Round))
	})
}

// Withdraw records that an intended delivery did not happen: it was never sent,
// or the marketplace refused it.
func (s *Store) Withdraw(j order.Job, note string) error {
	return s.write("deliver.withdraw", func(t *tx) error {
		if err := t.leaseStands(j); err != nil {
			return err
		}
		return t.EndDelivery(noCancel, query.EndDeliveryParams{
			State:     order.DeliveryRefused,
			SettledAt: t.now, Note: note, OrderID: j.OrderID, Round: int64(j.Round),
		})
	})
}

// deliveryEnded records the outcome of a delivery and the order's new state.
func (t *tx) deliveryEnded(j order.Job, state order.DeliveryState, note string) error {
	kind := "delivered"
	if state == order.DeliveryElsewhere {
		kind = "delivered elsewhere"
		// If we sent nothing, there is no intent to update.
		if err := t.PutElsewhere(noCancel, query.PutElsewhereParams{
			OrderID: j.OrderID, Round: int64(j.Round),
			SentAt: t.now, SettledAt: t.now, Note: note,
		}); err != nil {
			return err
		}
		if err := t.cancelOrderCalls(j.OrderID); err != nil {
			return err
		}
	} else if err := t.endDelivery(j, state, note); err != nil {
		return err
	}
	if err := t.SetOrderDelivered(noCancel, query.SetOrderDeliveredParams{DeliveredAt: t.now, ID: j.OrderID}); err != nil {
		return err
	}
	if err := t.SetOrderState(noCancel, query.SetOrderStateParams{
		State:     order.StateDelivered,
		ChangedAt: t.now, ID: j.OrderID,
	}); err != nil {
		return err
	}
	text := fmt.Sprintf("round %d", j.Round)
	if note != "" {
		text += ": " + note
	}
	if state == order.DeliveryConfirmed {
		if err := t.deliveredNews(j.OrderID, j.CreatedAt); err != nil {
			return err
		}
	}
	return t.effect(j.OrderID, kind, text)
}

// endDelivery records the outcome of a delivery of ours. A restored ledger may not know that
// it was begun. Without its row, a client who sends it back would open no next round.
func (t *tx) endDelivery(j order.Job, state order.DeliveryState, note string) error {
	if err := t.PutFound(noCancel, query.PutFoundParams{OrderID: j.OrderID, Round: int64(j.Round), SentAt: t.now}); err != nil {
		return err
	}
	return t.EndDelivery(noCancel, query.EndDeliveryParams{
		State: state, SettledAt: t.now, Note: note, OrderID: j.OrderID, Round: int64(j.Round),
	})
}

// effect appends an event and marks the order as changed by us, so that a listing
// that began before is not taken for news.
func (t *tx) effect(orderID, kind, text string) error {
	id, err := t.event(orderID, kind, text)
	if err != nil {
		return err
	}
	return t.SetEffect(noCancel, query.SetEffectParams{EffectEventID: id, ID: orderID})
}

// putArtifacts records the files of the current take of a job. Those of earlier takes stay.
func (t *tx) putArtifacts(j order.Job, files []order.Artifact) error {
	take, err := t.CurrentTake(noCancel, query.CurrentTakeParams{OrderID: j.OrderID, Kind: j.Kind, Round: int64(j.Round)})
	if err != nil {
		return err
	}
	if err := t.DeleteArtifacts(noCancel, query.DeleteArtifactsParams{OrderID: j.OrderID, Kind: j.Kind, Round: int64(j.Round), Take: take}); err != nil {
		return err
	}
	for i, a := range files {
		if err := t.InsertArtifact(noCancel, query.InsertArtifactParams{
			OrderID: j.OrderID, Kind: j.Kind, Round: int64(j.Round), Take: take,
			Position: int64(i), Path: a.Path, Name: a.Name, Bytes: a.Bytes, Sha256: a.SHA256, Mime: a.MIME,
			Media: a.Media, Width: int64(a.Width), Height: int64(a.Height), Url: a.URL, CreatedAt: t.now,
		}); err != nil {
			return err
		}
	}
	return nil
}

// Artifacts returns the files of a round, or of a piece, by position: those of the last
// take that has any.
func (s *Store) Artifacts(ctx context.Context, orderID string, kind order.Kind, round int) ([]order.Artifact, error) {
	rows, err := s.read.ListArtifacts(ctx, query.ListArtifactsParams{OrderID: orderID, Kind: kind, Round: int64(round)})
	if err != nil {
		return nil, err
	}
	list := make([]order.Artifact, len(rows))
	for i, r := range rows {
		list[i] = artifact(r)
	}
	return list, nil
}

func artifact(r query.Artifact) order.Artifact {
	return order.Artifact{
		ID: r.ID, OrderID: r.OrderID, Kind: r.Kind, Round: int(r.Round), Take: int(r.Take), Position: int(r.Position),
		Path: r.Path, Name: r.Name, Bytes: r.Bytes, SHA256: r.Sha256, MIME: r.Mime, Media: r.Media,
		Width: int(r.Width), Height: int(r.Height), URL: r.Url, Removed: r.RemovedAt.Time,
	}
}

// Uploaded records the address of an uploaded file, so that a crash before the
// next file does not upload this one again.
func (s *Store) Uploaded(j order.Job, artifactID int64, url, media string) error {
	return s.write("uploaded", func(t *tx) error {
		if err := t.leaseStands(j); err != nil {
			return err
		}
		return t.SetArtifactURL(noCancel, query.SetArtifactURLParams{Url: url, Media: media, UploadedAt: t.now, ID: artifactID})
	})
}
