package app

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/message"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// This file is the part of the simulated week that is not plain orders: quotes,
// subscriptions, messages, bounties, and the webhooks about all of them.

const (
	simQuoted   = "Pictures by Quote"
	simWeekly   = "Pictures for a Week"
	simPitch    = "I can paint it"
	simWindow   = 2 * 24 * time.Hour // of a subscription; shorter than a week, so that several fit
	simMargin   = simWindow / 20     // by default
	leastMargin = time.Hour          // of those that the owner sets
	simQuota    = 3
	simSubPrice = 25 * order.Dollar
)

// kindsConfig adds the services and settings of the other kinds.
func kindsConfig(cfg *config.Config) {
	pictures := cfg.Services[0]
	quoted, weekly := pictures, pictures
	quoted.Title, quoted.PriceType, quoted.Quote = simQuoted, "quote", &config.Quote{Price: 12 * order.Dollar, Max: 20 * order.Dollar}
	weekly.Title, weekly.PriceType, weekly.Pieces, weekly.QuotaLimit, weekly.Price = simWeekly, "weekly", true, simQuota, simSubPrice
	cfg.Services = append(cfg.Services, quoted, weekly)
	cfg.Budget.Bounties, cfg.Budget.Token = 30, 10
	cfg.Messages = config.Messages{Interval: 3 * time.Hour, WindowInterval: 20 * time.Minute, Templates: map[string]*message.Template{}}
	for name, text := range map[string]string{
		"received": "begun", "delivered": "delivered{{range .Links}} {{.}}{{end}}",
		"revised": "revised {{.Round}}", "refused": "refused: {{.Reason}}", "piece": "Piece {{.Piece}}:{{range .Links}} {{.}}{{end}}",
	} {
		cfg.Messages.Templates[name] = must(message.Parse(text))
	}
	cfg.Bounties = config.Bounties{
		MaxOpen: 2, MaxBacklog: 50, Interval: 40 * time.Minute,
		Rules: []config.BountyRule{{Category: "image_gen", MinBudget: 7 * order.Dollar, Service: simTitle}},
	}
	cfg.Webhook = config.Webhook{Listen: "agent.test:80", Secret: config.Secret{Env: simSecret}, PollInterval: 2 * time.Hour, Trust: 6 * time.Hour, Debounce: 5 * time.Second}
}

// simSecret is the variable with the secret of the webhooks.
const simSecret = "SIM_WEBHOOK_SECRET"

// network carries the marketplace's webhooks: to the life that runs, if there is
// one, and now and then nowhere, or twice.
type network struct {
	w    *world
	rng  *rand.Rand
	next *http.Transport
}

func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	if n.rng.IntN(10) == 0 {
		return nil, errCrashed
	}
	body := must(r.GetBody())
	defer body.Close()
	answer, err := n.next.RoundTrip(r)
	if err == nil && answer.StatusCode == http.StatusOK {
		n.w.heard(must(r.GetBody()))
	}
	if err == nil && n.rng.IntN(10) == 0 {
		again := r.Clone(r.Context())
		again.Body = body
		if second, err := n.next.RoundTrip(again); err == nil {
			second.Body.Close()
		}
	}
	return answer, err
}

// dial connects to the life that runs.
func (w *world) dial(ctx context.Context, name, address string) (net.Conn, error) {
	port := w.port.Load()
	if port == nil {
		return nil, errCrashed
	}
	return port.Dial(ctx, name, address)
}

// otherClients are the clients of the other kinds, until end.
func (w *world) otherClients(rng *rand.Rand, end time.Time) {
	var quoted, weekly, bounties []string
	say := map[string]int{}
	for n := 0; time.Now().Before(end); n++ {
		time.Sleep(time.Duration(1+rng.IntN(6*60)) * time.Minute)
		var err error
		var id string
		switch rng.IntN(4) {
		case 0:
			id, err = w.market.PlaceOrder(sandbox.NewOrder{AgentID: w.agent, ServiceTitle: simQuoted, Status: "pending_quote", Brief: fmt.Sprint("priced picture ", n)})
			quoted = append(quoted, id)
		case 1:
			id, err = w.market.PlaceOrder(sandbox.NewOrder{AgentID: w.agent, ServiceTitle: simWeekly, Brief: fmt.Sprint("a window ", n)})
			weekly = append(weekly, id)
		case 2:
			if !w.guide {
				id, err = w.market.PostBounty(sandbox.NewBounty{Title: "a task", Brief: fmt.Sprint("bounty ", n), BudgetUSD: []string{"6.00", "15.00"}[rng.IntN(2)]})
				bounties = append(bounties, id)
			}
		}
		if err != nil {
			w.t.Logf("a client could not begin: %v", err) // the service is not listed yet
			quoted, weekly = drop(quoted), drop(weekly)
			continue
		}
		for _, id := range quoted {
			switch o, _ := w.market.Order(id); {
			case o.Status == "quoted" && rng.IntN(3) > 0:
				w.expect(w.market.Pay(id))
			case o.Status == "quoted" && rng.IntN(4) == 0:
				w.cancel(id)
			}
		}
		for _, id := range weekly {
			if o, _ := w.market.Order(id); o.Status != "completed" && time.Now().Before(o.WindowEnds) && rng.IntN(6) == 0 && say[id] < simQuota+1 {
				say[id]++
				w.expect(w.market.ClientMessage(id, fmt.Sprintf("please make number %d", say[id])))
			}
		}
		for _, id := range bounties {
			switch rng.IntN(4) {
			case 0:
				_, _ = w.market.AcceptClaim(id, "") // it errs as long as there is none
			case 1:
				w.acceptRival(id)
			}
		}
	}
}

// drop removes the empty ids of orders that could not be placed.
func drop(list []string) []string {
	return slices.DeleteFunc(list, func(id string) bool { return id == "" })
}

func (w *world) expect(err error) {
	if err != nil {
		w.t.Errorf("a client: %v", err)
	}
}

// plainOrder reports whether the order is for one delivery a round.
func plainOrder(o sandbox.Order) bool {
	unpaid := slices.Contains([]string{"pending_quote", "quoted"}, o.Status) || o.ServiceTitle == simQuoted && o.Status == "cancelled"
	return o.ServiceTitle != simWeekly && !unpaid
}

// checkKinds looks at what is not a plain order.
func (w *world) checkKinds(db *sql.DB, orders []sandbox.Order) {
	for _, o := range orders {
		w.checkMessages(db, o)
		switch o.ServiceTitle {
		case simWeekly:
			w.checkWindow(db, o)
		case simQuoted:
			if len(o.Quotes) > 1 {
				w.t.Errorf("order %s was quoted %d times", o.ID, len(o.Quotes))
			}
			if o.Status == "pending_quote" && !w.odd.cancelled[o.ID] && !w.forOwner(db, o.ID) {
				var why string
				err := db.QueryRow("SELECT state || ' ' || code || ' ' || reason FROM orders WHERE id = ?", o.ID).Scan(&why)
				w.t.Errorf("order %s was never quoted: here it is %s, %v", o.ID, why, err)
			}
		}
	}
	for _, b := range w.market.Bounties() {
		if accepted(b, w.rival) {
			b.OrderID = ""
		}
		var state, orderID string
		err := db.QueryRow("SELECT state, order_id FROM bounties WHERE id = ?", b.ID).Scan(&state, &orderID)
		switch {
		case claimed(b, w.agent) && err != nil && w.restores.lostClaim(b, w.agent):
			// The database has forgotten it, and the bounty is closed now.
		case claimed(b, w.agent) && err != nil:
			w.t.Errorf("bounty %s was claimed without an intent: %v", b.ID, err)
		case b.BudgetUSD == "6.00" && claimed(b, w.agent):
			w.t.Errorf("bounty %s is below the owner's budget and was claimed", b.ID)
		case b.Status != "open" && (state == "claiming" || state == "pending"):
			w.t.Errorf("bounty %s is %s, and our claim on it is still %s", b.ID, b.Status, state)
		case b.OrderID != "" && (state != "accepted" || orderID != b.OrderID):
			w.t.Errorf("bounty %s became order %s, here it is %s with order %q", b.ID, b.OrderID, state, orderID)
		}
	}
}

// checkMessages checks that no message was sent twice, and that what was delivered
// was announced.
func (w *world) checkMessages(db *sql.DB, o sandbox.Order) {
	said := map[string]int{}
	announced := 0
	for _, m := range o.Messages {
		if m.From == "provider" {
			said[m.Content]++
			if m.Content == "delivered" {
				w.t.Errorf("order %s: a delivery was announced without its files", o.ID)
			}
			if strings.HasPrefix(m.Content, "delivered") {
				announced++
			}
		}
	}
	for text, times := range said {
		if times > 1 {
			w.t.Errorf("order %s: %q was said %d times", o.ID, text, times)
		}
	}
	// A service that was not configured at that moment has no templates.
	unsure := w.odd.chatty[o.ID] || o.ServiceTitle == simQuoted || w.restores.hand[o.ID] || w.restores.lostDelivery(o)
	if o.Status == "completed" && len(o.Deliveries) > 0 && announced != 1 && (announced > 1 || !unsure) {
		w.t.Errorf("order %s was delivered, and that was said %d times", o.ID, announced)
	}
}

// heldFor reports whether an order is held with the code.
func (w *world) heldFor(db *sql.DB, id string, code order.Code) bool {
	var n int
	err := db.QueryRow("SELECT count(*) FROM orders WHERE id = ? AND state = 'held' AND code = ?", id, string(code)).Scan(&n)
	return err == nil && n > 0
}

// sendWebhooks lets the marketplace send its webhooks, until ctx ends.
func (w *world) sendWebhooks(ctx context.Context, rng *rand.Rand) {
	w.market.Webhooks(ctx, &http.Client{Transport: network{w, rng, &http.Transport{DialContext: w.dial, DisableKeepAlives: true}}})
}
