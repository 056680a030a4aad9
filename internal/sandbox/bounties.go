package sandbox

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// NewBounty is a task that a client posts, with its budget.
type NewBounty struct {
	Title         string   `json:"title"`
	Brief         string   `json:"brief"`
	Category      string   `json:"category"`   // empty means image_gen
	BudgetUSD     string   `json:"budget_usd"` // empty means 5.00
	DeadlineHours int      `json:"deadline_hours"`
	ReferenceURLs []string `json:"reference_urls"`
	// PosterWallet is who posts it, and so the client of its order. Empty means Poster.
	PosterWallet string `json:"poster_wallet"`
	// ClaimHours is how long agents can claim it. Zero means 24.
	ClaimHours int `json:"claim_window_hours"`
}

// Bounty is a snapshot of a bounty with all its claims.
type Bounty struct {
	ID            string    `json:"id"`
	Title         string    `json:"title"`
	Brief         string    `json:"brief"`
	Category      string    `json:"category"`
	BudgetUSD     string    `json:"budget_usd"`
	DeadlineHours int       `json:"deadline_hours"`
	Status        string    `json:"status"`
	PosterWallet  string    `json:"poster_wallet"`
	CreatedAt     time.Time `json:"created_at"`
	ExpiresAt     time.Time `json:"expires_at"`
	OrderID       string    `json:"order_id,omitempty"`
	Claims        []Claim   `json:"claims"`
}

// Claim is an agent's offer to do a bounty.
type Claim struct {
	ID      string    `json:"id"`
	AgentID string    `json:"agent_id"`
	Message string    `json:"message"`
	Status  string    `json:"status"` // pending, accepted, rejected or withdrawn
	At      time.Time `json:"created_at"`
}

type bounty struct {
	Bounty
	urls []string
}

const maxClaims = 10

// end closes a bounty and rejects its pending claims.
func (b *bounty) end(status string) {
	b.Status = status
	for i := range b.Claims {
		if b.Claims[i].Status == "pending" {
			b.Claims[i].Status = "rejected"
		}
	}
}

// PostBounty posts a task and returns its id.
func (s *Server) PostBounty(n NewBounty) (id string, err error) {
	now := s.lock()
	defer s.mu.Unlock()
	budget := orDefault(n.BudgetUSD, "5.00")
	if _, valid := parseUSD(budget); !valid {
		return "", errors.New("the budget is not an amount like \"5.00\"")
	}
	b := &bounty{urls: n.ReferenceURLs, Bounty: Bounty{
		ID: s.id("bty", now), Title: n.Title, Brief: n.Brief,
		Category: orDefault(n.Category, "image_gen"), BudgetUSD: budget, DeadlineHours: orDefault(n.DeadlineHours, 24),
		PosterWallet: orDefault(n.PosterWallet, "Poster"),
		Status:       "open", CreatedAt: now, ExpiresAt: now.Add(time.Duration(orDefault(n.ClaimHours, 24)) * time.Hour),
	}}
	s.bounties = append(s.bounties, b)
	return b.ID, nil
}

// AcceptClaim accepts a claim, or the first one when claimID is empty, and rejects the
// others. It returns the id of the paid order, which has no service.
func (s *Server) AcceptClaim(id, claimID string) (orderID string, err error) {
	now := s.lock()
	defer s.mu.Unlock()
	b := s.bounty(id)
	if b == nil || b.Status != "open" {
		return "", errors.New("no such open bounty")
	}
	at := slices.IndexFunc(b.Claims, func(c Claim) bool {
		return c.Status == "pending" && (claimID == "" || c.ID == claimID)
	})
	if at < 0 {
		return "", errors.New("no such pending claim")
	}
	won := b.Claims[at]
	if err := s.hire(won.AgentID, nil); err != nil {
		return "", err
	}
	b.Claims[at].Status = "accepted"
	b.end("claimed")
	o := &order{urls: b.urls}
	o.AgentID, o.Brief, o.PriceUSD, o.Status, o.CreatedAt = won.AgentID, b.Brief, b.BudgetUSD, "paid", now
	o.ClientWallet = b.PosterWallet
	o.BountyID, o.ClientType, o.PaymentChain, o.MaxRevisions = b.ID, clientWallet, "solana", revisionsByDefault
	s.admitOrder(o, now)
	b.OrderID = o.ID
	for _, c := range b.Claims {
		for _, a := range s.agents {
			switch {
			case a.ID != c.AgentID:
			case c.Status == "accepted":
				s.queueEvent(a, "bounty.accepted", o.ID, map[string]any{"bounty_id": b.ID, "order_id": o.ID, "brief": b.Brief, "budget_usd": b.BudgetUSD})
			case c.Status == "rejected":
				s.queueEvent(a, "bounty.claim_rejected", o.ID, map[string]any{"bounty_id": b.ID})
			}
		}
	}
	return o.ID, nil
}

// CancelBounty cancels an open bounty.
func (s *Server) CancelBounty(id string) error {
	s.lock()
	defer s.mu.Unlock()
	b := s.bounty(id)
	if b == nil || b.Status != "open" {
		return errors.New("no such open bounty")
	}
	b.end("cancelled")
	return nil
}

// Bounties returns all bounties, oldest first.
func (s *Server) Bounties() []Bounty {
	s.lock()
	defer s.mu.Unlock()
	list := []Bounty{}
	for _, b := range s.bounties {
		c := b.Bounty
		c.Claims = append([]Claim{}, c.Claims...)
		list = append(list, c)
	}
	return list
}

func (s *Server) bounty(id string) *bounty {
	for _, b := range s.bounties {
		if b.ID == id {
			return b
		}
	}
	return nil
}

func (s *Server) bountyRow(b *bounty) map[string]any {
	sh := s.shaper(b.ID)
	row := map[string]any{
		"id": b.ID, "poster_wallet": b.PosterWallet, "title": b.Title, "brief": b.Brief, "category": b.Category,
		"budget_usd": b.BudgetUSD, "deadline_hours": b.DeadlineHours, "reference_urls": sh.list(b.urls), "reference_images": sh.list(nil),
		"status": b.Status, "claims_count": len(b.Claims), "expires_at": sh.time(b.ExpiresAt), "created_at": sh.time(b.CreatedAt),
	}
	row["accepted_claim_id"], row["order_id"] = nil, orNull(b.OrderID)
	for _, c := range b.Claims {
		if c.Status == "accepted" {
			row["accepted_claim_id"] = c.ID
		}
	}
	sh.extra(row)
	return row
}

func (s *Server) listBounties(in *input) answer {
	q := in.r.URL.Query()
	statuses := strings.Split(orDefault(q.Get("status"), "open"), ",")
	least, _ := parseUSD(q.Get("min_budget"))
	limit, err := strconv.Atoi(orDefault(q.Get("limit"), "20"))
	if err != nil || limit < 1 || limit > 50 {
		return refuse(http.StatusBadRequest, "limit must be 1 to 50")
	}
	rows := []any{}
	for _, b := range slices.Backward(s.bounties) {
		micros, _ := parseUSD(b.BudgetUSD)
		if slices.Contains(statuses, b.Status) && (q.Get("category") == "" || q.Get("category") == b.Category) &&
			micros >= least && len(rows) < limit {
			rows = append(rows, s.bountyRow(b))
		}
	}
	return ok(rows)
}

func (s *Server) showBounty(in *input) answer {
	b := s.bounty(in.r.PathValue("bounty"))
	if b == nil {
		return refuse(http.StatusNotFound, "Bounty not found")
	}
	return ok(s.bountyRow(b))
}

func (s *Server) claimBounty(in *input) answer {
	b := s.bounty(in.r.PathValue("bounty"))
	message := in.form.text("message", 0, 500)
	mine := func(c Claim) bool { return c.AgentID == in.agent.ID }
	switch {
	case b == nil:
		return refuse(http.StatusNotFound, "Bounty not found")
	case in.form.problem != "":
		return refuse(http.StatusBadRequest, "%s", in.form.problem)
	case in.agent.OwnerWallet == "":
		return refuse(http.StatusForbidden, "Agent must have a verified owner to claim bounties")
	case slices.ContainsFunc(b.Claims, mine):
		return refuse(http.StatusConflict, "Agent has already claimed this bounty")
	case b.Status != "open":
		return refuse(http.StatusBadRequest, "Bounty is %s", b.Status)
	case len(b.Claims) >= maxClaims:
		return refuse(http.StatusBadRequest, "Bounty has the maximum number of claims")
	}
	c := Claim{ID: s.id("clm", in.now), AgentID: in.agent.ID, Message: message, Status: "pending", At: in.now}
	b.Claims = append(b.Claims, c)
	return created(map[string]any{"id": c.ID, "bounty_id": b.ID, "agent_id": c.AgentID, "message": c.Message, "status": c.Status})
}

func (s *Server) withdrawClaim(in *input) answer {
	b := s.bounty(in.r.PathValue("bounty"))
	if b == nil {
		return refuse(http.StatusNotFound, "Bounty not found")
	}
	for i, c := range b.Claims {
		if c.AgentID == in.agent.ID && c.Status == "pending" {
			b.Claims[i].Status = "withdrawn"
			return ok(map[string]any{"id": c.ID, "status": "withdrawn"})
		}
	}
	return refuse(http.StatusBadRequest, "No pending claim of your agent")
}

func (s *Server) controlBounty(r *http.Request) answer {
	var n struct {
		Text string `json:"text"`
	}
	if err := readControl(r, &n); err != nil {
		return done(nil, err)
	}
	switch id := r.PathValue("bounty"); r.PathValue("act") {
	case "accept":
		orderID, err := s.AcceptClaim(id, n.Text)
		return done(map[string]any{"order_id": orderID}, err)
	case "cancel":
		return done(nil, s.CancelBounty(id))
	}
	return noControl()
}
