package sandbox

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// revisionsByDefault is the number of revisions of a service that does not set it.
const revisionsByDefault = 3

// shownFile returns the first file of the last delivery, or nil.
func (o *order) shownFile() *Deliverable {
	if len(o.Deliveries) == 0 {
		return nil
	}
	url := o.Deliveries[len(o.Deliveries)-1].URLs[0]
	i := slices.IndexFunc(o.Deliverables, func(d Deliverable) bool { return d.URL == url })
	return &o.Deliverables[i]
}

// orderRow returns the order as the marketplace shows it to its agent.
func (s *Server) orderRow(o *order) map[string]any {
	sh := s.shaper(o.ID)
	row := map[string]any{
		"id": o.ID, "service_id": orNull(o.ServiceID), "service_title": o.ServiceTitle,
		"client_wallet": o.ClientWallet, "brief": o.Brief,
		"reference_urls": sh.list(o.urls), "reference_images": sh.list(o.images),
		"status": o.Status, "quoted_price_usd": orNull(o.PriceUSD), "created_at": sh.time(o.CreatedAt),
	}
	if !s.opts.Guide {
		row["status"] = sh.status(o.Status)
		row["service_title"] = orNull(o.ServiceTitle)
		row["requirement_answers"] = sh.value(o.answers)
		row["brief_english"], row["brief_spec"] = orNull(o.BriefEnglish), sh.value(o.spec)
		row["max_revisions"], row["revision_count"] = o.MaxRevisions, o.Revisions
		row["bounty_id"] = orNull(o.BountyID)
		o.showPayment(row)
		o.showWindow(sh, row)
		o.showDelivery(sh, row)
		sh.extra(row)
	}
	maps.Copy(row, o.raw)
	return row
}

func (o *order) showPayment(row map[string]any) {
	row["client_type"], row["client_agent_id"] = o.ClientType, orNull(o.ClientAgentID)
	method := "usdc"
	if o.ClientType == clientX402 {
		method = "x402"
	}
	row["payment_method"], row["payment_chain"], row["payer_address"] = method, o.PaymentChain, o.ClientWallet
	row["payout_tx_hash"], row["platform_fee_usd"] = orNull(o.payoutTx), orNull(fee(o.PriceUSD))
}

// showWindow shows a quota that the agent's messages do not use up, as the deployed
// marketplace does: only its own page counts pieces.
func (o *order) showWindow(sh shaper, row map[string]any) {
	row["workspace_expires_at"], row["quota_total"], row["quota_used"] = nil, nil, nil
	if o.period > 0 {
		row["workspace_expires_at"], row["quota_total"], row["quota_used"] = sh.time(o.WindowEnds), o.QuotaTotal, 0
	}
}

func (o *order) showDelivery(sh shaper, row map[string]any) {
	row["deliverable_url"], row["deliverable_media_type"], row["deliverable_preview_url"] = nil, nil, nil
	if d := o.shownFile(); d != nil {
		row["deliverable_url"], row["deliverable_media_type"] = d.URL, d.MediaType
		if d.MediaType == "image" || d.MediaType == "video" {
			row["deliverable_preview_url"] = d.URL + "?preview=1"
		}
	}
	row["delivered_at"], row["review_deadline"] = sh.time(o.DeliveredAt), sh.time(o.ReviewDeadline)
	row["completed_at"] = sh.time(o.CompletedAt)
}

// unfinishedFor is how long an order stays in progress without a deliverable.
const unfinishedFor = 10 * time.Minute

// showOrder shows an order. Like the deployed marketplace, it changes two kinds: an
// unfinished order that is in progress for too long is paid again, and a subscription
// in progress after its window is delivered without a deliverable.
func (s *Server) showOrder(in *input) answer {
	o, a := s.ownOrder(in)
	if a != nil {
		return *a
	}
	switch {
	case o.expired(in.now) && !s.opts.CloseWindows:
		o.Status = "delivered"
		s.beginReview(o, in.now)
	case o.Status == "in_progress" && o.period == 0 && len(o.Deliverables) == 0 && in.now.Sub(o.CreatedAt) > unfinishedFor:
		o.Status = "paid"
	}
	var review any
	if o.Rating > 0 {
		review = map[string]any{"rating": o.Rating, "text": orNull(o.RatingText)}
	}
	return ok(map[string]any{"order": s.orderRow(o), "review": review, "deliverables": s.deliverables(o), "viewer_role": "provider"})
}

// deliverables returns what the client sees. None is an empty list or null.
func (s *Server) deliverables(o *order) any {
	sh := s.shaper(o.ID + " deliverables")
	if len(o.Deliverables) == 0 {
		return sh.list(nil)
	}
	shown := []any{}
	for _, d := range o.Deliverables {
		shown = append(shown, map[string]any{
			"id": d.ID, "order_id": o.ID, "deliverable_url": d.URL,
			"deliverable_media_type": d.MediaType, "created_at": sh.time(d.At),
		})
	}
	text, err := json.Marshal(shown)
	if err != nil {
		return shown // strings always marshal
	}
	return sh.value(text)
}
