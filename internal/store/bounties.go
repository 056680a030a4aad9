package store

import (
	"context"
	"fmt"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// IntendClaim records that a bounty is about to be claimed. Send nothing before
// it returns nil. It fails if the owner has paused the service.
func (s *Store) IntendClaim(c order.Claim) error {
	return s.write("bounty.intent", func(t *tx) error {
		if err := t.mayBegin(c.Service); err != nil {
			return err
		}
		if err := t.PutBounty(noCancel, query.PutBountyParams{
			ID: c.ID, Title: c.Title, Brief: c.Brief, Category: c.Category,
			BudgetUsdMicros: c.Budget, DeadlineHours: int64(c.DeadlineHours), Service: c.Service, Message: c.Message,
			ClaimedAt: t.now, ChangedAt: t.now,
		}); err != nil {
			return err
		}
		_, err := t.event("", "claiming", fmt.Sprintf("bounty %s for $%s", c.ID, c.Budget))
		return err
	})
}

// EndClaim records the outcome of a claim.
func (s *Store) EndClaim(id string, state order.ClaimState, reason string) error {
	return s.write("bounty.end", func(t *tx) error {
		return t.endClaim(query.EndClaimParams{State: state, Reason: reason, ID: id})
	})
}

// ClaimArrived records that the marketplace has a claim, by the id that it gave it. An
// empty id leaves the one that is known.
func (s *Store) ClaimArrived(bountyID, claimID string) error {
	return s.write("bounty.end", func(t *tx) error {
		if claimID != "" {
			if err := t.SetClaimID(noCancel, query.SetClaimIDParams{ClaimID: claimID, ID: bountyID}); err != nil {
				return err
			}
		}
		return t.endClaim(query.EndClaimParams{State: order.ClaimPending, ID: bountyID})
	})
}

// WinClaim records that our claim was accepted, and the order that it became.
func (s *Store) WinClaim(bountyID, orderID string) error {
	return s.write("bounty.end", func(t *tx) error {
		if err := t.WinBounty(noCancel, query.WinBountyParams{OrderID: orderID, ChangedAt: t.now, ID: bountyID}); err != nil {
			return err
		}
		_, err := t.event("", "bounty won", "bounty "+bountyID)
		return err
	})
}

func (t *tx) endClaim(p query.EndClaimParams) error {
	p.ChangedAt = t.now
	if err := t.EndClaim(noCancel, p); err != nil {
		return err
	}
	_, err := t.event("", "claim "+string(p.State), "bounty "+p.ID)
	return err
}

// RefuseClaim records that the marketplace refuses a claim.
func (s *Store) RefuseClaim(id string, code order.Code, reason string) error {
	return s.write("bounty.end", func(t *tx) error {
		if err := t.Queries.RefuseClaim(noCancel, query.RefuseClaimParams{Code: code, Reason: reason, ChangedAt: t.now, ID: id}); err != nil {
			return err
		}
		_, err := t.event("", "claim "+string(order.ClaimRefused), "bounty "+id)
		return err
	})
}

// Claim returns the recorded claim of a bounty; ok is false if there is none.
func (s *Store) Claim(ctx context.Context, id string) (c order.Claim, ok bool, err error) {
	rows, err := s.read.GetBounty(ctx, id)
	if err != nil || len(rows) == 0 {
		return c, false, err
	}
	return toClaim(rows[0]), true, nil
}

// OpenClaims returns the claims that have no outcome yet.
func (s *Store) OpenClaims(ctx context.Context) ([]order.Claim, error) {
	rows, err := s.read.OpenBounties(ctx)
	return toClaims(rows), err
}

// Claims returns the newest claims, at most as many as given.
func (s *Store) Claims(ctx context.Context, most int) ([]order.Claim, error) {
	rows, err := s.read.ListBounties(ctx, int64(most))
	return toClaims(rows), err
}

func toClaims(rows []query.Bounty) []order.Claim {
	list := make([]order.Claim, len(rows))
	for i, r := range rows {
		list[i] = toClaim(r)
	}
	return list
}

func toClaim(r query.Bounty) order.Claim {
	return order.Claim{
		Bounty: order.Bounty{
			ID: r.ID, Title: r.Title, Brief: r.Brief, Category: r.Category,
			Budget: r.BudgetUsdMicros, DeadlineHours: int(r.DeadlineHours),
		}, Service: r.Service, Message: r.Message, ClaimID: r.ClaimID,
		State: r.State, Reason: r.Reason, OrderID: r.OrderID, SentAt: r.ClaimedAt.Time, Rejected: !r.RejectedAt.IsZero(), Since: r.ChangedAt.Time,
	}
}

// claimWon links a claim to the order that it became.
func (t *tx) claimWon(bountyID, orderID string) error {
	if err := t.WinBounty(noCancel, query.WinBountyParams{OrderID: orderID, ChangedAt: t.now, ID: bountyID}); err != nil {
		return err
	}
	_, err := t.event(orderID, "bounty won", "bounty "+bountyID)
	return err
}
