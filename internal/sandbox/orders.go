package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Order is a snapshot of an order with its whole history.
type Order struct {
	ID           string    `json:"id"`
	AgentID      string    `json:"agent_id"`
	ServiceID    string    `json:"service_id"`
	ServiceTitle string    `json:"service_title"`
	ClientWallet string    `json:"client_wallet"`
	Brief        string    `json:"brief"`
	Status       string    `json:"status"`
	PriceUSD     string    `json:"quoted_price_usd"` // empty without a quote
	CreatedAt    time.Time `json:"created_at"`
	// Round is the number of deliveries that the client has sent back.
	Round int `json:"round"`
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
	// PayoutUSD is the amount paid to PayoutWallet at completion, without the fee.
	// PayoutSkipped means that there was no wallet.
	PayoutUSD     string `json:"payout_usd,omitempty"`
	PayoutWallet  string `json:"payout_wallet,omitempty"`
	PayoutSkipped bool   `json:"payout_skipped,omitempty"`
	// Quotes are all accepted quotes, oldest first.
	Quotes []Quote `json:"quotes"`
	// WindowEnds is the end of a paid subscription, QuotaTotal its number of pieces
	// (0 is unlimited) and QuotaUsed the number that the agent has sent.
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
	revisions    int
	payoutTx     string
	period       time.Duration // of a subscription
	usedUp       time.Time     // when the agent sent the last piece of the quota
}

// afterQuota is how long an order stays open after its last piece.
const afterQuota = time.Hour

// closesAt returns when a subscription completes automatically.
func (o *order) closesAt() time.Time {
	if end := o.usedUp.Add(afterQuota); !o.usedUp.IsZero() && end.Before(o.WindowEnds) {
		return end
	}
	return o.WindowEnds
}

// beginWindow starts the window of a paid subscription.
func (o *order) beginWindow(now time.Time) {
	if o.period > 0 && o.WindowEnds.IsZero() && o.Status == "paid" {
		o.WindowEnds = now.Add(o.period)
	}
}

// countPiece counts a message of the agent as a piece if it has a link. How the
// marketplace counts pieces is not published.
func (o *order) countPiece(text string, now time.Time) {
	if o.WindowEnds.IsZero() || !strings.Contains(text, "http") {
		return
	}
	o.QuotaUsed++
	if o.QuotaTotal > 0 && o.QuotaUsed == o.QuotaTotal {
		o.usedUp = now
	}
}

const maxRevisions = 3

// orderRow returns the order as the marketplace shows it to its agent.
func (s *Server) orderRow(o *order) map[string]any {
	sh := s.shaper(o.ID)
	row := map[string]any{
		"id": o.ID, "service_id": orNull(o.ServiceID), "service_title": o.ServiceTitle,
		"client_wallet": o.ClientWallet, "brief": o.Brief,
		"reference_urls": sh.list(o.urls), "reference_images": sh.list(o.images),
		"status": o.Status, "quoted_price_usd": orNull(o.PriceUSD), "created_at": sh.time(o.CreatedAt),
	}
	if !s.opts.Documented {
		row["status"] = sh.status(o.Status)
		row["requirement_answers"] = sh.value(o.answers)
		row["max_revisions"], row["revision_count"] = maxRevisions, o.revisions
		row["workspace_expires_at"], row["quota_total"], row["quota_used"] = nil, nil, nil
		if o.period > 0 {
			row["workspace_expires_at"], row["quota_total"], row["quota_used"] = sh.time(o.WindowEnds), o.QuotaTotal, o.QuotaUsed
		}
		row["deliverable_url"], row["deliverable_media_type"] = nil, nil
		if n := len(o.Deliveries); n > 0 {
			first := slices.IndexFunc(o.Deliverables, func(d Deliverable) bool { return d.URL == o.Deliveries[n-1].URLs[0] })
			row["deliverable_url"] = o.Deliverables[first].URL
			row["deliverable_media_type"] = o.Deliverables[first].MediaType
		}
		row["delivered_at"], row["review_deadline"] = sh.time(o.DeliveredAt), sh.time(o.ReviewDeadline)
		row["completed_at"] = sh.time(o.CompletedAt)
		row["payout_tx_hash"], row["platform_fee_usd"] = orNull(o.payoutTx), orNull(fee(o.PriceUSD))
		row["dispute_reason"] = orNull(o.Reason)
		sh.extra(row)
	}
	maps.Copy(row, o.raw)
	return row
}

// feePercent is the marketplace's share of a price.
const feePercent = 10

// fee returns the marketplace's share of a price.
func fee(price string) string {
	micros, valid := parseUSD(price)
	if !valid {
		return ""
	}
	return formatUSD(micros * feePercent / 100)
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

// showOrder shows an order. Like the deployed marketplace, it sets an order that is in
// progress for too long back to paid.
func (s *Server) showOrder(in *input) answer {
	o, a := s.ownOrder(in)
	if a != nil {
		return *a
	}
	if o.Status == "in_progress" && in.now.Sub(o.CreatedAt) > 10*time.Minute {
		o.Status = "paid"
	}
	sh := s.shaper(o.ID + " deliverables")
	shown := []any{}
	for _, d := range o.Deliverables {
		shown = append(shown, map[string]any{
			"id": d.ID, "order_id": o.ID, "deliverable_url": d.URL,
			"deliverable_media_type": d.MediaType, "created_at": sh.time(d.At),
		})
	}
	return ok(map[string]any{"order": s.orderRow(o), "review": nil, "deliverables": shown, "viewer_role": "provider"})
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
	s.notify(o, "order.quoted", nil)
	return ok(s.orderRow(o))
}

// complete ends an order and pays its agent. Without a wallet the payout is skipped for
// ever.
func (s *Server) complete(o *order, at time.Time) {
	o.Status, o.CompletedAt = "completed", at
	for _, a := range s.agents {
		if a.ID == o.AgentID {
			o.PayoutWallet = a.wallet()
		}
	}
	micros, _ := parseUSD(o.PriceUSD)
	if o.PayoutWallet == "" {
		o.PayoutSkipped = true
		s.notify(o, "order.completed", map[string]any{"payout_failed": true})
		return
	}
	s.notify(o, "order.completed", nil)
	s.notify(o, "order.payout_sent", nil)
	o.PayoutUSD, o.payoutTx = formatUSD(micros-micros*feePercent/100), s.hexOf("payout "+o.ID, 32)
}
