package app

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// This file is what the deployed marketplace does differently from its guide, as the
// simulated week meets it: feedback by webhook only, threads that are full, orders of
// other agents that fall back to paid, a flagged agent, and an owner who changes the
// configuration and cancels what is held.

// oddities are the orders of the week that are special.
type oddities struct {
	mu        sync.Mutex
	byAPI     map[string]bool // feedback came through the API
	agents    map[string]bool // ordered by another agent
	chatty    map[string]bool // their threads are full
	cancelled map[string]bool // the owner has cancelled them while they were held
}

func newOddities() *oddities {
	return &oddities{byAPI: map[string]bool{}, agents: map[string]bool{}, chatty: map[string]bool{}, cancelled: map[string]bool{}}
}

func (o *oddities) mark(in map[string]bool, id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	in[id] = true
}

// reason is what clients say when they send a delivery back.
const reason = "not what I meant"

// sendBack disputes a delivery: on the web page, which writes the reason as a message
// sooner or later, or through the API, whose webhook is all there is of it. The
// marketplace of the guide shows no reason, so its clients write one.
func (w *world) sendBack(rng *rand.Rand, id string) {
	switch {
	case w.guide:
		w.expect(w.market.ClientMessage(id, reason))
		w.expect(w.market.Dispute(id, reason))
	case w.webhooks && rng.IntN(2) == 0:
		w.odd.mark(w.odd.byAPI, id)
		w.expect(w.market.Dispute(id, reason, sandbox.Channel{API: true}))
	default:
		w.expect(w.market.Dispute(id, reason, sandbox.Channel{After: time.Duration(rng.IntN(20)) * time.Second}))
	}
}

// plainOrderOf returns an order of a picture: now and then one of another agent, whose
// payout confirms later than the order arrives.
func (w *world) plainOrderOf(rng *rand.Rand, brief string) sandbox.NewOrder {
	n := sandbox.NewOrder{ServiceTitle: simTitle, Brief: brief, Price: "5.00"}
	if !w.guide && rng.IntN(8) == 0 {
		n.ClientType, n.PaymentChain, n.ConfirmSeconds = "agent_x402", "solana", 1+rng.IntN(2*3600)
	}
	return n
}

// chat fills the thread of an order now and then.
func (w *world) chat(rng *rand.Rand, id string) {
	if w.guide || rng.IntN(25) > 0 {
		return
	}
	w.odd.mark(w.odd.chatty, id)
	for n := range 52 {
		if w.market.ClientMessage(id, fmt.Sprint("and another thing, number ", n)) != nil {
			return // the order takes no messages now
		}
	}
}

// lifeConfig is the configuration of a life: the owner takes a service out now and then,
// and puts it back.
func (w *world) lifeConfig() *config.Config {
	c := *w.cfg
	if w.rng.IntN(5) == 0 {
		c.Services = slices.DeleteFunc(slices.Clone(c.Services), func(s config.Service) bool { return s.Title == simQuoted })
	}
	return &c
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

// flagged flags the agent for two days of the last life, and checks that the owner is
// notified.
func (w *world) flagged() {
	if w.guide {
		return
	}
	time.Sleep(time.Hour)
	w.expect(w.market.FlagAgent(w.agent, "review", "an odd description"))
	time.Sleep(2 * 24 * time.Hour)
	if !w.alerted() {
		w.t.Error("the agent was flagged for two days, and the owner was not notified")
	}
	w.expect(w.market.FlagAgent(w.agent, "ok", ""))
}

// alerted reports whether the database has the alert of a flagged agent.
func (w *world) alerted() bool {
	db := w.openDatabase()
	defer db.Close()
	var n int
	err := db.QueryRow("SELECT count(*) FROM facts WHERE name = ?", string(order.AlertFlaggedAgent.Code())).Scan(&n)
	return err == nil && n > 0
}

// checkOddities looks at what is special about the deployed marketplace.
func (w *world) checkOddities(db *sql.DB) {
	if w.alerted() {
		w.t.Error("the agent is not flagged any more, and the alert still stands")
	}
	titles := map[string]int{}
	for _, s := range w.market.Services() {
		titles[strings.Join(strings.Fields(s.Title), " ")]++
	}
	for title, n := range titles {
		if n > 1 {
			w.t.Errorf("the service %q is listed %d times", title, n)
		}
	}
	for round, heard := range w.painter.heard {
		if id, _, _ := strings.Cut(round, " "); !heard && !w.touched[id] {
			w.t.Errorf("%s was made without the client's feedback", round)
		}
	}
	for id := range w.odd.cancelled {
		var state string
		if err := db.QueryRow("SELECT state || ' ' || code FROM orders WHERE id = ?", id).Scan(&state); err != nil {
			w.t.Errorf("order %s, which the owner has cancelled: %v", id, err)
		}
		if o, _ := w.market.Order(id); o.Status != "cancelled" && o.Status != "completed" && state != "held owner" {
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
