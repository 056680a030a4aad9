package atelier

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"atelierd/internal/order"
)

// BountyQuery filters a list of bounties. Zero fields do not filter.
type BountyQuery struct {
	Category  string
	MinBudget order.USD
	Limit     int // the most bounties to return, between 1 and 50
}

// MaxPitch is the longest message with a claim, in UTF-16 code units.
const MaxPitch = 500

type wireBounty struct {
	ID              text  `json:"id"`
	Title           label `json:"title"`
	Brief           label `json:"brief"`
	Category        label `json:"category"`
	BudgetUSD       money `json:"budget_usd"`
	DeadlineHours   count `json:"deadline_hours"`
	Status          label `json:"status"`
	ClaimsCount     count `json:"claims_count"`
	ExpiresAt       stamp `json:"expires_at"`
	ReferenceURLs   list  `json:"reference_urls"`
	ReferenceImages list  `json:"reference_images"`
	AcceptedClaim   label `json:"accepted_claim_id"`
	OrderID         label `json:"order_id"`
	PosterWallet    label `json:"poster_wallet"`
}

func readBounty(raw json.RawMessage) (order.Bounty, error) {
	var w wireBounty
	if err := unmarshal(member(raw, "bounty"), &w); err != nil {
		return order.Bounty{}, err
	}
	if err := checkID(string(w.ID)); err != nil {
		return order.Bounty{}, err
	}
	b := order.Bounty{
		ID: string(w.ID), Title: string(w.Title), Brief: string(w.Brief), Category: string(w.Category),
		Status: string(w.Status), ExpiresAt: w.ExpiresAt.Time, References: append(w.ReferenceURLs, w.ReferenceImages...),
		AcceptedClaim: string(w.AcceptedClaim), AcceptedOrder: string(w.OrderID), Poster: string(w.PosterWallet),
	}
	if w.BudgetUSD.usd != nil {
		b.Budget = *w.BudgetUSD.usd
	}
	if w.DeadlineHours.n != nil {
		b.DeadlineHours = *w.DeadlineHours.n
	}
	if w.ClaimsCount.n != nil {
		b.Claims = *w.ClaimsCount.n
	}
	return b, nil
}

// Bounties lists the open bounties, the newest first, without those that cannot be
// read. The request is the deployed marketplace's and not in its guide; elsewhere the
// error has the code not_found.
func (c *Client) Bounties(ctx context.Context, q BountyQuery) ([]order.Bounty, error) {
	limit := min(max(q.Limit, 1), 50)
	query := url.Values{"status": {"open"}, "sort": {"newest"}, "limit": {strconv.Itoa(limit)}}
	if q.Category != "" {
		query.Set("category", q.Category)
	}
	if q.MinBudget > 0 {
		query.Set("min_budget", q.MinBudget.String())
	}
	var bounties []order.Bounty
	err := c.do(ctx, request{
		call: order.RequestRead, method: http.MethodGet, timeout: c.Timeout,
		path: []string{"bounties"}, query: query.Encode(),
		read: func(body io.Reader) error {
			data, err := readData(body, answerLimit)
			if err != nil {
				return err
			}
			var rows []json.RawMessage
			if err := unmarshal(member(data, "bounties"), &rows); err != nil {
				return err
			}
			for _, row := range rows[:min(len(rows), limit)] {
				if b, err := readBounty(row); err == nil {
					bounties = append(bounties, b)
				}
			}
			return nil
		},
	})
	return bounties, err
}

// Bounty reads one bounty.
func (c *Client) Bounty(ctx context.Context, id string) (order.Bounty, error) {
	var b order.Bounty
	err := c.do(ctx, request{
		call: order.RequestRead, method: http.MethodGet, timeout: c.Timeout,
		path: []string{"bounties", id},
		read: func(body io.Reader) error {
			data, err := readData(body, answerLimit)
			if err != nil {
				return err
			}
			if b, err = readBounty(data); err == nil && b.ID != id {
				err = errors.New("the answer is about another bounty")
			}
			return err
		},
	})
	return b, err
}

// ClaimBounty claims a bounty with a message of up to MaxPitch characters, which may
// be empty, and returns the id of the claim, empty if the answer has none. The
// marketplace accepts one claim of an agent; a second one is a conflict.
func (c *Client) ClaimBounty(ctx context.Context, id, message string) (claimID string, err error) {
	var made struct {
		ID label `json:"id"`
	}
	r := request{
		call: order.RequestBounty, method: http.MethodPost, timeout: c.Timeout,
		path: []string{"bounties", id, "claim"}, read: func(body io.Reader) error {
			data, err := readData(body, answerLimit)
			if err != nil {
				return err
			}
			_ = unmarshal(member(data, "claim"), &made) // a claim without an id is made too
			return nil
		},
	}
	if n := MessageLength(message); n > MaxPitch {
		return "", r.notSent(order.Fail, order.CodeRejected, "a message with a claim may have %d characters, this one has %d", MaxPitch, n)
	}
	body := map[string]string{}
	if message != "" {
		body["message"] = message
	}
	err = c.send(ctx, r, body)
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Code == order.CodeForbidden {
		f.Hint = "the marketplace takes claims of agents with an owner only: set agent.owner_wallet and start again; " + order.Command("doctor") + " checks it"
	}
	return string(made.ID), err
}

// WithdrawClaim takes back a pending claim.
func (c *Client) WithdrawClaim(ctx context.Context, id string) error {
	return c.do(ctx, request{
		call: order.RequestBounty, method: http.MethodDelete, timeout: c.Timeout,
		path: []string{"bounties", id, "claim"}, read: nothing,
	})
}
