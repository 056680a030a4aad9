package cli

import (
	"context"
	"errors"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// findBounty returns the bounty whose id is text or ends with it, as the marketplace
// shows it: one that we have claimed, or one of those that can be claimed.
func (m market) findBounty(ctx context.Context, text string) (order.Bounty, error) {
	id, err := m.Owner.ResolveBounty(ctx, text)
	if errors.Is(err, store.ErrNoBounty) {
		id, err = text, nil
	}
	if err != nil {
		return order.Bounty{}, noSuchBounty(err)
	}
	b, missing := m.Client.Bounty(ctx, id)
	if f, ok := errors.AsType[*order.Failure](missing); id != text || !ok || f.Code != order.CodeNotFound {
		return b, noBounties(missing)
	}
	open, err := m.Client.Bounties(ctx, atelier.BountyQuery{Limit: bountiesListed})
	if err != nil {
		return order.Bounty{}, noBounties(err)
	}
	ids := make([]string, len(open))
	for i, b := range open {
		ids[i] = b.ID
	}
	id, err = store.Ending(ids, text)
	switch {
	case errors.Is(err, store.ErrNoBounty):
		return order.Bounty{}, noBounties(missing)
	case err != nil:
		return order.Bounty{}, noSuchBounty(err)
	}
	b, err = m.Client.Bounty(ctx, id)
	return b, noBounties(err)
}

// noSuchBounty adds a hint to the error of a search among our claims.
func noSuchBounty(err error) error {
	if errors.Is(err, store.ErrNoBounty) || errors.Is(err, store.ErrAmbiguous) {
		return Hintf(err, "%s lists the bounties and your claims", order.Command("bounties list"))
	}
	return err
}
