package view

import (
	"context"
	"time"

	"atelierd/internal/order"
)

// Bounties is the tasks that can be claimed, and the agent's claims.
type Bounties struct {
	Open   []Bounty `json:"open"`
	Claims []Bounty `json:"claims"`
}

// Bounty is one task, with the agent's claim on it if there is one.
type Bounty struct {
	ID        string           `json:"id"`
	Title     string           `json:"title"`
	Brief     string           `json:"brief"`
	Category  string           `json:"category"`
	BudgetUSD string           `json:"budget_usd"`
	Deadline  int              `json:"deadline_hours"`
	Status    string           `json:"status,omitempty"`
	ExpiresAt time.Time        `json:"expires_at,omitzero"`
	Claim     order.ClaimState `json:"claim,omitempty"`
	Service   string           `json:"service,omitempty"`
	OrderID   string           `json:"order_id,omitempty"`
	Reason    string           `json:"reason,omitempty"`

	ClaimsByAll int      `json:"-"` // by all agents
	References  []string `json:"-"`
}

// NewBounty shows a task with a claim on it.
func NewBounty(c order.Claim) Bounty {
	return Bounty{
		ID: c.ID, Title: c.Title, Brief: c.Brief, Category: c.Category, BudgetUSD: c.Budget.String(),
		Deadline: c.DeadlineHours, Status: c.Status, ExpiresAt: c.ExpiresAt, Claim: c.State, Service: c.Service,
		OrderID: c.OrderID, Reason: c.Reason, ClaimsByAll: c.Claims, References: c.References,
	}
}

// NewBounties shows tasks and claims.
func NewBounties(open []order.Bounty, claims []order.Claim) Bounties {
	v := Bounties{Open: []Bounty{}, Claims: []Bounty{}}
	for _, b := range open {
		v.Open = append(v.Open, NewBounty(order.Claim{Bounty: b}))
	}
	for _, c := range claims {
		v.Claims = append(v.Claims, NewBounty(c))
	}
	return v
}

// Bounties reads the newest claims of the agent, at most so many. The tasks that can be
// claimed are at the marketplace, which is not asked.
func (r Reader) Bounties(ctx context.Context, most int) (Bounties, error) {
	claims, err := r.Store.Claims(ctx, most)
	return NewBounties(nil, claims), err
}
