package app

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// This file is what the owner changes between two lives, how long the daemon is down,
// and the last life, in which nothing fails and the owner is notified of everything.

// lifeConfig is the configuration of a life. The owner takes a service out now and then,
// and changes the generator, the mode, the margin of windows and the caps.
func (w *world) lifeConfig() *config.Config {
	c := *w.cfg
	c.Services = slices.Clone(c.Services)
	c.Services[0].Generator = []string{"painter", "brush"}[w.rng.IntN(2)]
	c.Services[0].Mode = []string{config.ModeAuto, config.ModeAuto, config.ModeReview}[w.rng.IntN(3)]
	c.Services[slices.IndexFunc(c.Services, isWeekly)].WindowMargin = []time.Duration{0, leastMargin, 8 * time.Hour}[w.rng.IntN(3)]
	if w.rng.IntN(3) == 0 {
		c.Spending.Order, c.Spending.Day = 3*providerPrice, 20*providerPrice
	}
	if w.rng.IntN(5) == 0 {
		c.Services = slices.DeleteFunc(c.Services, func(s config.Service) bool { return s.Title == simQuoted })
	}
	w.clientRules(&c)
	return &c
}

// slowness is how long the first poll of a life takes: often a moment, now and then
// longer than an attempt at some work.
func (w *world) slowness() time.Duration {
	return []time.Duration{0, 400 * time.Millisecond, time.Duration(w.restores.rng.IntN(90)) * time.Second}[w.restores.rng.IntN(3)]
}

// approve has the owner approve what waits for it, and have made again what a provider no
// longer has.
func (w *world) approve(now bool, o store.Owner) {
	lines, err := o.Orders(context.Background(), string(order.StateHeld), 100)
	if err != nil || !now {
		return
	}
	for _, l := range lines {
		switch l.Code {
		case order.CodeReview:
			if !w.redone[l.ID] && l.ID[len(l.ID)-1]%3 == 0 {
				w.redo(l.ID, order.Redo{Instructions: "less red", FromThese: true})
				continue
			}
			if l.ID[len(l.ID)-1]%3 == 1 {
				w.approveLater(l.ID)
				continue
			}
			_ = w.act(func(o store.Owner) error { return o.Approve(context.Background(), l.ID, 0) }) // it may have moved on in this very moment
		case order.CodeClientBlocked:
			if l.ID[len(l.ID)-1]%3 == 0 {
				_ = w.act(func(o store.Owner) error { return o.Approve(context.Background(), l.ID, 0) })
			}
		case order.CodeQuoteBounds, order.CodeProposalBounds, order.CodeQuoteDeclined:
			_ = w.act(func(o store.Owner) error { return o.Quote(context.Background(), l.ID, simLeastQuote) })
		case order.CodeExpired, order.CodeNotVisible:
			w.redo(l.ID, order.Redo{})
		}
	}
}

// act does something as the owner, with the database that is there now.
func (w *world) act(do func(o store.Owner) error) error {
	o, err := store.OpenOwner(w.dir, "cli:test")
	if err != nil {
		return err
	}
	defer o.Close()
	err = do(o)
	if daemon := w.daemon.Load(); daemon != nil {
		daemon.Wake()
	}
	return err
}

// approveLater has the owner approve an order with a delay. Some approvals are taken back
// until half an hour later; of others the work is cancelled and resumed meanwhile.
func (w *world) approveLater(id string) {
	const delay = 10 * time.Minute
	ctx, from := context.Background(), time.Now()
	if w.act(func(o store.Owner) error { return o.Approve(ctx, id, delay) }) != nil {
		return // it may have moved on in this very moment
	}
	w.stays = append(w.stays, stay{id, from, from.Add(delay)})
	time.Sleep(delay * time.Duration(id[len(id)-2]%4) / 3) // at the last moment, too
	switch id[len(id)-3] % 3 {
	case 0:
		w.touched[id] = true
		_ = w.act(func(o store.Owner) error { return o.Cancel(ctx, id, "on second thoughts") })
		_ = w.act(func(o store.Owner) error { return o.Retry(ctx, id) })
	case 1:
		back := time.Now()
		if w.act(func(o store.Owner) error { return o.TakeBack(ctx, id) }) != nil {
			return // it was on its way
		}
		time.Sleep(30 * time.Minute)
		w.stays = append(w.stays, stay{id, back, time.Now()})
		_ = w.act(func(o store.Owner) error { return o.Approve(ctx, id, 0) })
	}
}

// redo has the owner have an order made again.
func (w *world) redo(id string, want order.Redo) {
	w.redone[id] = true
	_ = w.act(func(o store.Owner) error {
		return o.Redo(context.Background(), id, want, func(kind order.Kind, round int) error { // it may have moved on
			return fulfill.ClearWork(w.dir, id, kind, round)
		})
	})
}

// checkTakes holds that only the last take of a round was delivered, and that the files of
// all takes are still there.
func (w *world) checkTakes(db *sql.DB) {
	var early int
	err := db.QueryRow(`SELECT count(*) FROM deliveries AS d, json_each(d.urls) AS u, artifacts AS a
		WHERE d.state = 'confirmed' AND a.url = u.value AND a.order_id = d.order_id AND a.kind = 'delivery' AND a.round = d.round
		  AND a.take < (SELECT max(n.take) FROM artifacts AS n WHERE n.order_id = a.order_id AND n.kind = a.kind AND n.round = a.round)`).Scan(&early)
	if err != nil || early != 0 {
		w.t.Errorf("%d files of earlier takes were delivered, %v", early, err)
	}
	if w.restores.any() {
		return // the files may be those of another time
	}
	rows := must(db.Query("SELECT order_id, take, path, bytes FROM artifacts WHERE path <> ''"))
	defer rows.Close()
	for rows.Next() {
		var id, path string
		var take int
		var size int64
		w.expect(rows.Scan(&id, &take, &path, &size))
		if st, err := os.Stat(filepath.Join(w.dir, path)); err != nil || st.Size() != size {
			w.t.Errorf("order %s, take %d: %v", id, take, err)
		}
	}
}

// assign has the owner name the service of orders whose bounties the ledger has forgotten.
func (w *world) assign(o store.Owner) {
	lines, err := o.Orders(context.Background(), string(order.StateHeld), 100)
	w.expect(err)
	for _, l := range lines {
		there, _ := w.market.Order(l.ID)
		if l.Code != order.CodeNoService || there.BountyID == "" || !w.restores.lostClaim(w.bounty(there.BountyID), w.agent) {
			continue
		}
		c, err := Catalogs(w.cfg, o.Store)(context.Background())
		w.expect(err)
		w.expect(o.Assign(context.Background(), l.ID, simTitle, c.Decide))
	}
}

// longOutage leaves the daemon down for hours now and then.
func (w *world) longOutage() {
	if w.rng.IntN(12) == 0 {
		time.Sleep(time.Duration(1+w.rng.IntN(8)) * time.Hour)
	}
}

// lastLife is a life without faults. The owner has lowered the price and the revisions
// that are sold from now on, and somebody has renamed a service at the marketplace.
func (w *world) lastLife() {
	c := *w.cfg
	c.Services = slices.Clone(c.Services)
	c.Services[0].Price -= order.Dollar
	renamed := ""
	if !w.guide {
		c.Services[0].MaxRevisions = 0
		// A ledger that was put back may not know yet that the service is listed. Without its
		// id nobody can tell what another name stands for.
		if id := w.remote(simPaid); w.listedUnder(simPaid) == id {
			renamed = id
			w.call(http.MethodPatch, "/services/"+renamed, w.key(), `{"title":"Pictures by another Name"}`)
		}
	}
	rng := rand.New(rand.NewPCG(w.rng.Uint64(), 16))
	var outside sync.WaitGroup
	outside.Go(func() {
		time.Sleep(time.Hour)
		w.lateRevisions(rng)
		w.flagged()
		w.lostBounty()
	})
	outside.Go(func() {
		time.Sleep(2 * time.Hour)
		w.ownersLook()
		w.differs(renamed)
		// Work that waited for a busy worker, or for the caps of another day, is held later. What
		// the owner decides in the first half of this life can be reviewed in the second.
		for range 9 {
			time.Sleep(6 * time.Hour)
			w.ownersLook()
		}
	})
	w.life(&c, newFate(0, 0), 5*24*time.Hour)
	outside.Wait()
	if text := w.listedAs(simTitle); strings.Contains(text, "price_usd") {
		w.t.Errorf("the price was synced, and the service still differs: %s", text)
	}
}

// ownersLook has the owner decide on what is held.
func (w *world) ownersLook() {
	o, err := store.OpenOwner(w.dir, "cli:test")
	if err != nil {
		w.t.Errorf("the owner cannot look: %v", err)
		return
	}
	defer o.Close()
	w.approve(true, o)
	w.assign(o)
}

// remote is the marketplace's id of a service.
func (w *world) remote(title string) string {
	for _, s := range w.market.Services() {
		if s.Title == title {
			return s.ID
		}
	}
	w.t.Errorf("the service %q was never listed", title)
	return ""
}

// listedAs is in what a service differs from the configuration, as the owner is shown.
func (w *world) listedAs(title string) (text string) {
	db := w.openDatabase()
	defer db.Close()
	if err := db.QueryRow("SELECT reason FROM services WHERE title = ?", title).Scan(&text); err != nil {
		w.t.Errorf("service %q: %v", title, err)
	}
	return text
}

// listedUnder is the id by which the ledger knows a service at the marketplace, or "".
func (w *world) listedUnder(title string) (id string) {
	db := w.openDatabase()
	defer db.Close()
	_ = db.QueryRow("SELECT remote_id FROM services WHERE title = ?", title).Scan(&id) // "" for none
	return id
}

// differs holds that the owner is shown what the marketplace sells otherwise than the
// configuration says, and then syncs it. renamed is the service with another name, or "".
func (w *world) differs(renamed string) {
	if text := w.listedAs(simTitle); !strings.Contains(text, "price_usd") {
		w.t.Errorf("the old price is sold, and the owner is shown %q", text)
	}
	key := w.key()
	w.call(http.MethodPatch, "/services/"+w.remote(simTitle), key, `{"price_usd":"4.00"}`)
	if renamed == "" {
		return
	}
	if text := w.listedAs(simPaid); !strings.Contains(text, "title") {
		w.t.Errorf("a service was renamed, and the owner is shown %q", text)
	}
	w.call(http.MethodPatch, "/services/"+renamed, key, fmt.Sprintf(`{"title":%q}`, simPaid))
}

// lateRevisions has clients ask for a revision that they have paid for, while the
// configuration allows none any more.
func (w *world) lateRevisions(rng *rand.Rand) {
	if w.guide {
		return
	}
	for _, o := range w.market.Orders() {
		if o.Status == "delivered" && o.ServiceTitle == simTitle && o.ClientType != "agent_x402" && o.Revisions < o.MaxRevisions && rng.IntN(3) == 0 {
			_ = w.market.RequestRevision(o.ID, reason) // it errs if the order has moved on
		}
	}
}

// flagged flags the agent and a service for two days, and checks that the owner is
// notified.
func (w *world) flagged() {
	if w.guide {
		return
	}
	service := w.remote(simQuoted)
	w.expect(w.market.FlagAgent(w.agent, "review", "an odd description"))
	w.expect(w.market.FlagService(service, "spam"))
	time.Sleep(2 * 24 * time.Hour)
	for _, alert := range []order.Alert{order.AlertFlaggedAgent, order.AlertFlaggedService} {
		if !w.alerted(alert) {
			w.t.Errorf("the alert %s was missing after two days", alert)
		}
	}
	w.expect(w.market.FlagAgent(w.agent, "ok", ""))
	w.expect(w.market.FlagService(service, "ok"))
}

// alerted reports whether the database has an alert.
func (w *world) alerted(a order.Alert) bool {
	db := w.openDatabase()
	defer db.Close()
	var n int
	err := db.QueryRow("SELECT count(*) FROM facts WHERE name = ?", string(a.Code())).Scan(&n)
	return err == nil && n > 0
}

// claimed reports whether an agent has claimed a bounty, and accepted whether it won.
func claimed(b sandbox.Bounty, agent string) bool {
	return slices.ContainsFunc(b.Claims, func(c sandbox.Claim) bool { return c.AgentID == agent })
}

func accepted(b sandbox.Bounty, agent string) bool {
	return slices.ContainsFunc(b.Claims, func(c sandbox.Claim) bool { return c.AgentID == agent && c.Status == "accepted" })
}

func (w *world) bounty(id string) sandbox.Bounty {
	list := w.market.Bounties()
	return list[slices.IndexFunc(list, func(b sandbox.Bounty) bool { return b.ID == id })]
}

// acceptRival has the client of a bounty accept the claim of another agent.
func (w *world) acceptRival(id string) {
	if w.bounty(id).Status != "open" {
		return
	}
	if !claimed(w.bounty(id), w.rival) {
		w.call(http.MethodPost, "/bounties/"+id+"/claim", w.rivalKey, `{}`)
	}
	for _, c := range w.bounty(id).Claims {
		if c.AgentID == w.rival {
			_, err := w.market.AcceptClaim(id, c.ID)
			w.expect(err)
		}
	}
}

// lostBounty holds that a claim that has lost is closed by the next look.
func (w *world) lostBounty() {
	if w.guide {
		return
	}
	id, err := w.market.PostBounty(sandbox.NewBounty{Title: "a late task", Brief: "a late bounty", BudgetUSD: "15.00"})
	w.expect(err)
	time.Sleep(w.cfg.Bounties.Interval + time.Minute)
	if !claimed(w.bounty(id), w.agent) {
		w.t.Error("a bounty was not claimed by one look")
	}
	w.acceptRival(id)
	time.Sleep(w.cfg.Bounties.Interval + time.Minute)
	db := w.openDatabase()
	defer db.Close()
	var state string
	if err := db.QueryRow("SELECT state FROM bounties WHERE id = ?", id).Scan(&state); err != nil || state != "lost" {
		w.t.Errorf("a bounty was lost a look ago, and our claim is %q, %v", state, err)
	}
}
