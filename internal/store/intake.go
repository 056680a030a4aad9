package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"

	sqlite3 "modernc.org/sqlite/lib"
)

// Mark returns the newest event of our history, for order.Listing.
func (s *Store) Mark(ctx context.Context) (int64, error) {
	return s.read.LastEventID(ctx)
}

// Apply records a listing and the jobs that follow from it, in one transaction. An
// order that the database refuses is recorded as an unreadable row, so that it
// does not keep the other orders from their work.
func (s *Store) Apply(l order.Batch) (order.Applied, error) {
	single := false
	for {
		sum, err := s.applyAll(l, single)
		if err == nil || !hasCode(err, sqlite3.SQLITE_CONSTRAINT) {
			return sum, err
		}
		if bad, ok := errors.AsType[*rowError](err); ok {
			l.Listing = setAside(l.Listing, bad)
		} else if single {
			return sum, err
		}
		single = true // from here on each error names its order
	}
}

// rowError is the error of one order of a listing.
type rowError struct {
	id  string
	err error
}

func (e *rowError) Error() string { return fmt.Sprintf("order %.100q: %v", e.id, e.err) }
func (e *rowError) Unwrap() error { return e.err }

func setAside(l order.Listing, bad *rowError) order.Listing {
	aside := order.Listing{Bad: slices.Clone(l.Bad), More: l.More}
	for _, f := range l.Orders {
		if f.ID == bad.id {
			aside.Bad = append(aside.Bad, order.BadRow{ID: f.ID, Reason: bad.err.Error(), Raw: f.Raw})
			continue
		}
		aside.Orders = append(aside.Orders, f)
	}
	return aside
}

func (s *Store) applyAll(l order.Batch, single bool) (order.Applied, error) {
	var sum order.Applied
	err := s.write("intake", func(t *tx) error {
		sum, t.single = order.Applied{}, single
		known, err := t.known(l.Orders)
		if err != nil {
			return err
		}
		missing, err := t.unlisted(l, known)
		if err != nil {
			return err
		}
		if err := t.keepListed(l.Listing, known); err != nil {
			return err
		}
		news := t.newcomers()
		for i := range l.Orders {
			f := &l.Orders[i]
			k := known[f.ID]
			if !k.Exists {
				sum.New++
				sum.Moved = append(sum.Moved, f.ID)
				d := l.Decide(k.Known, *f)
				sum.CountOpen(d.State)
				err = news.add(f, d)
			} else if err = t.apply(l, k, *f, &sum); err != nil {
				err = &rowError{f.ID, err}
			}
			if err != nil {
				return err
			}
		}
		if err := news.end(); err != nil {
			return err
		}
		if sum.New > 0 {
			if err := t.pendingWebhooks(); err != nil {
				return err
			}
		}
		if err := t.applyBad(l, &sum); err != nil {
			return err
		}
		return t.applyMissing(l, missing, &sum)
	})
	return sum, err
}

// row is Known and what only this package needs.
type row struct {
	order.Known
	fingerprint int64
	effect      int64
}

func (t *tx) known(facts []order.Facts) (map[string]row, error) {
	ids := make([]string, len(facts))
	for i, f := range facts {
		ids[i] = f.ID
	}
	return t.knownIDs(ids)
}

func (t *tx) knownIDs(ids []string) (map[string]row, error) {
	known := make(map[string]row, len(ids))
	// In parts: a list of 10,000 large rows would be copied several times as it grows.
	for part := range slices.Chunk(ids, 512) {
		if err := t.addKnown(known, part); err != nil {
			return nil, err
		}
	}
	return known, nil
}

func (t *tx) addKnown(known map[string]row, ids []string) error {
	rows, err := t.KnownOrders(noCancel, order.EncodeStrings(ids))
	if err != nil {
		return err
	}
	var more []string
	for _, r := range rows {
		known[r.ID] = row{fingerprint: r.Fingerprint, effect: r.EffectEventID, Known: order.Known{
			Exists: true, Service: r.Service, State: r.State, Status: r.RemoteStatus, Round: int(r.Round), Code: r.Code,
			Missing: !r.MissingAt.IsZero(), Job: r.JobState, Stage: r.JobStage, Delivery: r.DeliveryState,
			Assigned: r.Assigned != 0, OwnerCancelled: !r.OwnerCancelledAt.IsZero(), RevisionCount: toInt(r.RevisionCount),
			ClientApproved: !r.ClientApprovedAt.IsZero(),
		}}
		if r.More {
			more = append(more, r.ID)
		}
	}
	if len(more) == 0 {
		return nil
	}
	rest, err := t.KnownMore(noCancel, order.EncodeStrings(more))
	for _, r := range rest {
		k := known[r.ID]
		k.Again, k.AgainFor = int(r.Again), order.AgainReason(r.AgainFor)
		k.Quoting, k.Quote = r.Quoting, r.QuoteState
		known[r.ID] = k
	}
	return err
}

// apply records what the listing shows of a known order, and what follows.
func (t *tx) apply(l order.Batch, k row, f order.Facts, sum *order.Applied) error {
	if k.effect > l.Mark {
		sum.Busy++
		sum.CountOpen(k.State)
		return nil // the listing may be older than our change; the next one decides
	}
	if k.Delivery == order.DeliverySending && f.Status.Reopened() {
		sum.Busy++ // the delivery is sent back before its job has ended
	}
	d, err := t.decide(l, k.Known, f)
	if err != nil {
		return err
	}
	sum.CountOpen(d.State)
	if print := fingerprintOf(&f); k.fingerprint != print || k.Missing {
		sum.Changed++
		if k.Status != f.Status && f.Status != order.Delivered && f.Status != order.Completed &&
			f.Status != order.Quoted && f.Status != order.InProgress {
			sum.Moved = append(sum.Moved, f.ID)
		}
		if err := t.findForeign(l, k, f); err != nil {
			return err
		}
		if err := t.applyChange(k, f, d, print); err != nil {
			return err
		}
	}
	if err := t.applyService(k, f, d); err != nil {
		return err
	}
	if k.Missing {
		if err := t.reappeared(f.ID); err != nil {
			return err
		}
	}
	return t.follow(f.ID, k.Known, d)
}

func (t *tx) applyChange(k row, f order.Facts, d order.Decision, print int64) error {
	if err := t.updateOrder(f, d, print); err != nil {
		return err
	}
	if k.Status == f.Status {
		return nil
	}
	if _, err := t.event(f.ID, "status", fmt.Sprintf("%s to %s", k.Status, f.Status)); err != nil {
		return err
	}
	t.saysStatus(k.Status, f)
	return t.statusChanged(f)
}

// follow carries out a decision about an order whose row is up to date.
func (t *tx) follow(id string, k order.Known, d order.Decision) error {
	if k.Exists && (k.State != d.State || k.Code != d.Code) {
		if err := t.SetOrderState(noCancel, query.SetOrderStateParams{
			State: d.State, Code: d.Code,
			Reason: d.Reason, Hint: d.Hint, ChangedAt: t.now, ID: id,
		}); err != nil {
			return err
		}
		if d.State == order.StateCompleted {
			if err := t.SetOrderCompleted(noCancel, query.SetOrderCompletedParams{CompletedAt: t.now, ID: id}); err != nil {
				return err
			}
		}
	}
	if d.OwnerOverruled {
		if err := t.SetOwnerCancelled(noCancel, query.SetOwnerCancelledParams{ID: id}); err != nil {
			return err
		}
	}
	if d.Note != "" {
		if _, err := t.event(id, string(d.State), d.Note); err != nil {
			return err
		}
	}
	if d.Quote != "" {
		if err := t.endQuote(id, d.Quote); err != nil {
			return err
		}
	}
	if err := t.queue(id, d.Messages); err != nil {
		return err
	}
	return t.applyJobs(id, k, d)
}

func (t *tx) applyJobs(id string, k order.Known, d order.Decision) error {
	switch d.Jobs {
	case order.JobsOpen:
		return t.openRound(id, k, d)
	case order.JobsQuote:
		if k.Quoting != "" {
			t.changed.lane(order.LaneGenerate)
			_, err := t.ReleaseQuote(noCancel, query.ReleaseQuoteParams{Priority: priority(order.StagePrice), RunAt: t.now, ChangedAt: t.now, OrderID: id})
			return err
		}
		return t.openJob(order.Job{OrderID: id, Kind: order.KindQuote, Stage: order.StagePrice, DueAt: d.DueAt}, t.now)
	case order.JobsClose:
		if err := t.dropDrafts(id, "", "the order has ended"); err != nil {
			return err
		}
		return t.closeJobs(id, d)
	case order.JobsDelivered:
		if err := t.EndDelivery(noCancel, query.EndDeliveryParams{
			State:     order.DeliveryConfirmed,
			SettledAt: t.now, Note: d.Note, OrderID: id, Round: int64(d.Round),
		}); err != nil {
			return err
		}
		if err := t.deliveredNews(id, time.Time{}); err != nil {
			return err
		}
		return t.FinishJobs(noCancel, query.FinishJobsParams{ChangedAt: t.now, FinishedAt: t.now, OrderID: id, Round: int64(d.Round)})
	case order.JobsElsewhere:
		if err := t.PutElsewhere(noCancel, query.PutElsewhereParams{
			OrderID: id, Round: int64(d.Round),
			SentAt: t.now, SettledAt: t.now, Note: d.Reason,
		}); err != nil {
			return err
		}
		return t.closeJobs(id, d)
	case order.JobsAgain, order.JobsDone:
		return t.again(id, d)
	case order.JobsHold:
		n, err := t.HoldJobs(noCancel, query.HoldJobsParams{
			Code: d.Code, Reason: d.Reason, Hint: d.Hint,
			ChangedAt: t.now, OrderID: id,
		})
		t.changed.Revoked = t.changed.Revoked || n > 0
		return err
	case order.JobsRelease:
		return t.release(id, k, d)
	}
	return nil
}

// release lets the work of a round run again, except what waits for the owner.
func (t *tx) release(id string, k order.Known, d order.Decision) error {
	if err := t.ReleasePieces(noCancel, query.ReleasePiecesParams{RunAt: t.now, ChangedAt: t.now, OrderID: id, Code: k.Code}); err != nil {
		return err
	}
	if _, err := t.ReleaseJobs(noCancel, query.ReleaseJobsParams{RunAt: t.now, ChangedAt: t.now, OrderID: id, Round: int64(d.Round)}); err != nil {
		return err
	}
	t.changed.lane(order.LaneGenerate)
	t.changed.lane(order.LaneNetwork)
	return t.holdUnsent(id, d.Round)
}

// openRound opens the job of a round.
func (t *tx) openRound(id string, k order.Known, d order.Decision) error {
	if d.Round != k.Round {
		if err := t.SetOrderRound(noCancel, query.SetOrderRoundParams{Round: int64(d.Round), ID: id}); err != nil {
			return err
		}
	}
	if k.Exists {
		// New work reads first what the client wrote in the meantime.
		t.changed.Threads = true
		if err := t.SetThreadDue(noCancel, query.SetThreadDueParams{ThreadDueAt: t.now, ID: id}); err != nil {
			return err
		}
	}
	due := d.DueAt
	if d.DueAfter > 0 {
		due = t.now.Add(d.DueAfter)
	}
	return t.openJob(order.Job{
		OrderID: id, Kind: order.KindDelivery, Round: d.Round,
		Stage: cmp.Or(d.Stage, order.StageGenerate), DueAt: due,
	}, t.now)
}

func (t *tx) closeJobs(id string, d order.Decision) error {
	n, err := t.CloseJobs(noCancel, query.CloseJobsParams{
		Code: order.Code(d.State), Reason: d.Reason,
		ChangedAt: t.now, FinishedAt: t.now, OrderID: id,
	})
	t.changed.Revoked = t.changed.Revoked || n > 0
	if err != nil {
		return err
	}
	return t.cancelOrderCalls(id)
}

func (t *tx) updateOrder(f order.Facts, d order.Decision, print int64) error {
	if f.TooLarge {
		return t.UpdateLargeOrder(noCancel, query.UpdateLargeOrderParams{RemoteStatus: f.Status, Fingerprint: print, ID: f.ID})
	}
	return t.UpdateOrderFacts(noCancel, query.UpdateOrderFactsParams{
		Service: d.Service, ServiceID: f.ServiceID, ServiceTitle: f.ServiceTitle, ClientWallet: f.ClientWallet, Client: f.Client(), SeenAt: t.now,
		Brief: f.Brief, ReferenceUrls: order.EncodeStrings(f.ReferenceURLs),
		ReferenceImages: order.EncodeStrings(f.ReferenceImages), RequirementAnswers: text(f.Answers),
		BriefEnglish: f.BriefEnglish, BriefSpec: text(f.BriefSpec),
		RemoteStatus: f.Status, PriceUsdMicros: f.Price, FeeUsdMicros: f.Fee,
		Deliverables: order.EncodeStrings(f.Deliverables),
		MaxRevisions: number(f.MaxRevisions), RevisionCount: number(f.RevisionCount),
		QuotaTotal: number(f.QuotaTotal), QuotaUsed: number(f.QuotaUsed), PayoutTx: f.PayoutTx, BountyID: f.BountyID,
		DeliveredAt: utc.At(f.DeliveredAt), ReviewDeadlineAt: utc.At(f.ReviewDeadline),
		CompletedAt: utc.At(f.CompletedAt), WindowEndsAt: utc.At(f.WorkspaceExpiresAt), ClientType: f.ClientType,
		Fingerprint: print, Raw: string(f.Raw), ID: f.ID,
	})
}

// one is 1 for true.
func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func text(raw json.RawMessage) *string {
	if len(raw) == 0 {
		return nil
	}
	s := string(raw)
	return &s
}

func number(n *int) *int64 {
	if n == nil {
		return nil
	}
	v := int64(*n)
	return &v
}
