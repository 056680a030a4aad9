package store

import (
	"context"
	"fmt"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// decide returns what follows for an order. Whether work has begun is asked only where
// the decision is for another service than before.
func (t *tx) decide(l order.Batch, k order.Known, f order.Facts) (order.Decision, error) {
	d := l.Decide(k, f)
	if k.Service == "" || d.Service == k.Service {
		return d, nil
	}
	begun, err := t.HasBegun(noCancel, f.ID)
	if err != nil || !begun {
		return d, err
	}
	k.Begun = true
	return l.Decide(k, f), nil
}

// applyService records the service and the bounty that were found for a known order.
// They may follow from the configuration, so they change without any news from the
// marketplace.
func (t *tx) applyService(k row, f order.Facts, d order.Decision) error {
	if d.BountyTitle != "" {
		if err := t.SetOrderBounty(noCancel, query.SetOrderBountyParams{BountyID: f.BountyID, BountyTitle: d.BountyTitle, ID: f.ID}); err != nil {
			return err
		}
	}
	if d.Service == "" || d.Service == k.Service {
		return nil
	}
	if err := t.setService(f.ID, d); err != nil || d.Bounty == "" {
		return err
	}
	return t.claimWon(d.Bounty, f.ID)
}

func (t *tx) setService(id string, d order.Decision) error {
	if err := t.SetOrderService(noCancel, query.SetOrderServiceParams{Service: d.Service, DueAt: utc.At(d.DueAt), ID: id}); err != nil {
		return err
	}
	_, err := t.event(id, "service", fmt.Sprintf("it is for the service %.100q", d.Service))
	return err
}

// Assign makes an order one for the named service, whatever the marketplace names. It
// takes a cancellation by the owner back and starts what decide says follows, so that
// the next poll is not waited for.
func (o Owner) Assign(ctx context.Context, id, service string, decide func(order.Known, order.Facts) order.Decision) error {
	before, err := o.asSeen(ctx, id, order.PartOrder)
	if err != nil {
		return err
	}
	if before.Status.Ended() {
		return fmt.Errorf("order %s is %s at the marketplace and needs no service", id, before.Status)
	}
	return o.decide("owner.assign", id, order.PartOrder, func(t *tx) error {
		if err := t.AssignOrder(noCancel, query.AssignOrderParams{Service: service, ID: id}); err != nil {
			return err
		}
		if _, err := t.event(id, "owner", fmt.Sprintf("%s to the service %.100q", order.ActAssign, service)); err != nil {
			return err
		}
		known, err := t.knownIDs([]string{id})
		if err != nil {
			return err
		}
		k := known[id].Known
		d := decide(k, before.Facts)
		if err := t.SetOrderService(noCancel, query.SetOrderServiceParams{Service: service, DueAt: utc.At(d.DueAt), ID: id}); err != nil {
			return err
		}
		if k.Code != order.CodeNoGenerator || k.Job != order.JobHeld {
			return t.follow(id, k, d)
		}
		// The other service has another generator.
		d.State, d.Code, d.Jobs = order.StateWorking, "", order.JobsRelease
		return t.follow(id, k, d)
	})
}
