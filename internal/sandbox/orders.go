package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Order is a snapshot of an order with its whole history.
type Order struct {
	ID           string `json:"id"`
	AgentID      string `json:"agent_id"`
	ServiceID    string `json:"service_id"`
	ServiceTitle string `json:"service_title"`
	ClientWallet string `json:"client_wallet"`
	// BountyID is the bounty that became this order. Such an order has no service.
	BountyID string `json:"bounty_id,omitempty"`
	// ClientType is wallet, or agent_x402 with a ClientAgentID.
	ClientType    string    `json:"client_type"`
	ClientAgentID string    `json:"client_agent_id,omitempty"`
	PaymentChain  string    `json:"payment_chain"` // solana or base
	Brief         string    `json:"brief"`
	BriefEnglish  string    `json:"brief_english,omitempty"`
	Status        string    `json:"status"`
	PriceUSD      string    `json:"quoted_price_usd"` // empty without a quote
	CreatedAt     time.Time `json:"created_at"`
	// Round is the number of deliveries that the client has sent back.
	Round int `json:"round"`
	// Revisions is the number of revisions that the client has requested, and
	// MaxRevisions the number that the service includes.
	Revisions    int `json:"revision_count"`
	MaxRevisions int `json:"max_revisions"`
	// Deliveries are all accepted deliver requests with repetitions, oldest first. A
	// test counts them to check that an order was delivered once.
	Deliveries []Delivery `json:"deliveries"`
	// Deliverables are what the client sees.
	Deliverables   []Deliverable `json:"deliverables"`
	DeliveredAt    time.Time     `json:"delivered_at,omitzero"`
	ReviewDeadline time.Time     `json:"review_deadline,omitzero"`
	CompletedAt    time.Time     `json:"completed_at,omitzero"`
	Messages       []Message     `json:"messages"`
	Reason         string        `json:"dispute_reason,omitempty"`
	// Rating is the client's, from 1 to 5, and 0 before the client has rated.
	Rating     int    `json:"rating,omitempty"`
	RatingText string `json:"rating_text,omitempty"`
	// PayoutUSD is the amount paid to PayoutWallet: without the fee at completion, or
	// in full when the payout of an x402 order confirms. PayoutSkipped means that
	// there was no wallet at completion.
	PayoutUSD     string `json:"payout_usd,omitempty"`
	PayoutWallet  string `json:"payout_wallet,omitempty"`
	PayoutSkipped bool   `json:"payout_skipped,omitempty"`
	// Quotes are all accepted quotes, oldest first.
	Quotes []Quote `json:"quotes"`
	// WindowEnds is the end of a paid subscription, QuotaTotal its number of pieces
	// (0 is unlimited) and QuotaUsed the number of the agent's messages with a link.
	WindowEnds time.Time `json:"window_ends,omitzero"`
	QuotaTotal int       `json:"quota_total,omitempty"`
	QuotaUsed  int       `json:"quota_used,omitempty"`
	// Vanished hides the order from the agent.
	Vanished bool `json:"vanished,omitempty"`
}

// Quote is one accepted quote request.
type Quote struct {
	At       time.Time `json:"at"`
	PriceUSD string    `json:"price_usd"`
}

// Delivery is one accepted deliver request.
type Delivery struct {
	At   time.Time `json:"at"`
	URLs []string  `json:"urls"`
	// Round is the number of deliveries that the client had sent back before.
	Round int `json:"round"`
}

// Deliverable is a file or link that the client sees.
type Deliverable struct {
	ID        string    `json:"id"`
	URL       string    `json:"deliverable_url"`
	MediaType string    `json:"deliverable_media_type"`
	At        time.Time `json:"created_at"`
}

type order struct {
	Order
	urls, images []string
	answers      json.RawMessage
	raw          map[string]any
	spec         json.RawMessage
	payoutTx     string
	confirms     time.Time     // when the payout of an x402 order confirms
	page         []Message     // what the client's web page writes later, oldest first
	period       time.Duration // of a subscription
	usedUp       time.Time     // when the agent sent the last piece of the quota
}

func (s *Server) listOrders(in *input) answer {
	if a := foreignAgent(in); a != nil {
		return *a
	}
	var wanted []string
	if q := in.r.URL.Query().Get("status"); q != "" {
		for word := range strings.SplitSeq(q, ",") {
			wanted = append(wanted, strings.TrimSpace(word))
		}
	}
	rows := []any{}
	for _, o := range slices.Backward(s.orders) {
		if o.AgentID == in.agent.ID && !o.Vanished && (wanted == nil || slices.Contains(wanted, o.Status)) {
			rows = append(rows, s.orderRow(o))
		}
	}
	for _, row := range s.rows {
		rows = append(rows, row)
	}
	return ok(rows)
}

// ownOrder returns the order of the path if it belongs to the agent.
func (s *Server) ownOrder(in *input) (*order, *answer) {
	o := s.byOrder[in.r.PathValue("order")]
	if o == nil || o.Vanished {
		a := refuse(http.StatusNotFound, "Order not found")
		return nil, &a
	}
	if o.AgentID != in.agent.ID {
		a := refuse(http.StatusForbidden, "This order does not belong to your agent")
		return nil, &a
	}
	return o, nil
}

func (s *Server) quote(in *input) answer {
	o, a := s.ownOrder(in)
	if a != nil {
		return *a
	}
	in.form.require("price_usd")
	price := in.form.price("price_usd", 1)
	switch {
	case in.form.problem != "":
		return refuse(http.StatusBadRequest, "%s", in.form.problem)
	case o.Status != "pending_quote":
		return refuse(http.StatusBadRequest, "Order cannot be quoted in status %s", o.Status)
	}
	o.Status, o.PriceUSD = "quoted", price
	o.Quotes = append(o.Quotes, Quote{in.now, price})
	return ok(s.orderRow(o))
}
