package app

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// This file is what the deployed marketplace does differently from its guide, as the
// simulated week meets it: feedback by webhook only, threads that are full, orders of
// other agents that fall back to paid, and ratings.

// oddities are the orders of the week that are special.
type oddities struct {
	mu        sync.Mutex
	byAPI     map[string]bool // feedback came through the API
	agents    map[string]bool // ordered by another agent
	chatty    map[string]bool // their threads are full
	cancelled map[string]bool // the owner has cancelled them while they were held
	heard     map[string]int  // feedback that a webhook has brought to the daemon
}

func newOddities() *oddities {
	return &oddities{byAPI: map[string]bool{}, agents: map[string]bool{}, chatty: map[string]bool{}, cancelled: map[string]bool{}, heard: map[string]int{}}
}

func (o *oddities) mark(in map[string]bool, id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	in[id] = true
}

// reason is what clients say when they send a delivery back.
const reason = "not what I meant"

// sendBack disputes a delivery or asks for a revision: on the web page, which writes the reason as a message
// sooner or later, or through the API, whose webhook is all there is of it. The
// marketplace of the guide shows no reason, so its clients write one.
func (w *world) sendBack(rng *rand.Rand, id string) {
	switch {
	case w.guide:
		w.expect(w.market.ClientMessage(id, reason))
		w.expect(w.market.Dispute(id, reason))
	case w.webhooks && rng.IntN(2) == 0:
		w.odd.mark(w.odd.byAPI, id)
		w.sendBackBy(rng, id, sandbox.Channel{API: true})
	default:
		w.sendBackBy(rng, id, sandbox.Channel{After: time.Duration(rng.IntN(20)) * time.Second})
	}
}

func (w *world) sendBackBy(rng *rand.Rand, id string, by sandbox.Channel) {
	if rng.IntN(2) == 0 {
		w.expect(w.market.RequestRevision(id, reason, by))
	} else {
		w.expect(w.market.Dispute(id, reason, by))
	}
}

// heard notes the feedback in a webhook that the daemon has answered with 200.
func (w *world) heard(body io.ReadCloser) {
	defer body.Close()
	var e struct {
		Event   string `json:"event"`
		OrderID string `json:"order_id"`
	}
	w.expect(json.NewDecoder(body).Decode(&e))
	if e.Event == "order.disputed" || e.Event == "order.revision_requested" {
		w.odd.mu.Lock()
		defer w.odd.mu.Unlock()
		w.odd.heard[e.OrderID]++
	}
}

// rate has the client rate a delivery now and then: while the order is delivered, or
// soon after it has completed.
func (w *world) rate(rng *rand.Rand, o sandbox.Order) {
	soon := o.Status == "completed" && time.Since(o.CompletedAt) < 20*time.Hour
	if !w.guide && o.Rating == 0 && (o.Status == "delivered" || soon) && rng.IntN(8) == 0 {
		_ = w.market.Rate(o.ID, 1+rng.IntN(5), "as agreed") // it errs if the order has moved on
	}
}

// checkRatings holds that what clients said of completed orders is stored.
func (w *world) checkRatings(db *sql.DB) {
	for _, o := range w.market.Orders() {
		if o.Status != "completed" || o.Rating == 0 || o.AgentID != w.agent {
			continue
		}
		var rating int
		if err := db.QueryRow("SELECT coalesce(rating, 0) FROM orders WHERE id = ?", o.ID).Scan(&rating); err != nil || rating != o.Rating {
			w.t.Errorf("order %s was rated %d and is stored with %d, %v", o.ID, o.Rating, rating, err)
		}
	}
}

// plainOrderOf returns an order of a picture: now and then one of another agent, whose
// payout confirms later than the order arrives.
func (w *world) plainOrderOf(rng *rand.Rand, brief string) sandbox.NewOrder {
	n := sandbox.NewOrder{AgentID: w.agent, ServiceTitle: simTitle, Brief: brief, Price: "5.00"}
	if !w.guide && rng.IntN(8) == 0 {
		n.ClientType, n.PaymentChain, n.ConfirmSeconds = "agent_x402", "solana", 1+rng.IntN(2*3600)
	}
	return oddRow(rng, n)
}

// chat fills the thread of an order now and then.
func (w *world) chat(rng *rand.Rand, id string) {
	if w.guide || rng.IntN(8) > 0 {
		return
	}
	w.odd.mark(w.odd.chatty, id)
	for n := range 52 {
		if w.market.ClientMessage(id, fmt.Sprint("and another thing, number ", n)) != nil {
			return // the order takes no messages now
		}
	}
}

// cancelHeld cancels an order that is held for its missing service, for good.
func (w *world) cancelHeld(rng *rand.Rand, o store.Owner) {
	lines, err := o.Orders(context.Background(), string(order.StateHeld), 20)
	if err != nil {
		return
	}
	for _, l := range lines {
		if l.Code != order.CodeNoService || rng.IntN(3) > 0 {
			continue
		}
		if o.Cancel(context.Background(), l.ID, "not worth it") != nil {
			continue // it has moved on in this very moment
		}
		w.odd.mark(w.odd.cancelled, l.ID)
		w.stays = append(w.stays, stay{l.ID, time.Now(), time.Now().AddDate(1, 0, 0)})
	}
}

// checkOddities looks at what is special about the deployed marketplace.
func (w *world) checkOddities(db *sql.DB) {
	for _, alert := range []order.Alert{order.AlertFlaggedAgent, order.AlertFlaggedService} {
		if !w.guide && w.alerted(alert) {
			w.t.Errorf("nothing is flagged any more, and the alert %s still stands", alert)
		}
	}
	w.checkRatings(db)
	if n := len(w.market.Services()); n != len(w.cfg.Services) {
		w.t.Errorf("%d services were listed, and %d are configured", n, len(w.cfg.Services))
	}
	for round, heard := range w.painter.heard {
		if id, _, _ := strings.Cut(round, " "); !heard && !w.touched[id] && !w.restores.any() {
			w.t.Errorf("%s was made without the client's feedback", round)
		}
	}
	for id := range w.odd.cancelled {
		var state string
		if err := db.QueryRow("SELECT state || ' ' || code FROM orders WHERE id = ?", id).Scan(&state); err != nil {
			w.t.Errorf("order %s, which the owner has cancelled: %v", id, err)
		}
		if o, _ := w.market.Order(id); o.Status != "cancelled" && o.Status != "completed" && state != "held owner" && !w.lostStay(id) {
			w.t.Errorf("order %s, which the owner has cancelled, is %s", id, state)
		}
	}
}

// mostDeliveries is how often one round may be delivered: once, and twice more where the
// order of another agent has fallen back to paid.
func (w *world) mostDeliveries(o sandbox.Order) int {
	if o.ClientType != "agent_x402" {
		return 1
	}
	for _, d := range o.Deliveries {
		if !slices.Equal(d.URLs, o.Deliveries[0].URLs) {
			w.t.Errorf("order %s of another agent got other files the second time", o.ID)
		}
	}
	return 3
}
