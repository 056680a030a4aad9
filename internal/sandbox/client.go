package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// NewOrder is what a client orders.
type NewOrder struct {
	// ServiceID or ServiceTitle selects the service. Without them it is the first
	// one. A title without a service makes an order for something that the agent
	// never listed; its agent is AgentID, or the first one.
	ServiceID    string `json:"service_id"`
	ServiceTitle string `json:"service_title"`
	AgentID      string `json:"agent_id"`

	// ClientWallet is who orders. Without one it is a wallet of its own.
	ClientWallet string `json:"client_wallet"`

	Brief           string          `json:"brief"`
	ReferenceURLs   []string        `json:"reference_urls"`
	ReferenceImages []string        `json:"reference_images"`
	Answers         json.RawMessage `json:"requirement_answers"`
	// Price is in dollars. Empty means the price of the service, or none with the
	// Status pending_quote.
	Price string `json:"quoted_price_usd"`
	// Status is paid when it is empty, and in_progress for a subscription. A
	// subscription may be paid as well.
	Status string `json:"status"`
	// ClientType is wallet when it is empty. With agent_x402 the client is the agent
	// ClientAgentID, which pays on PaymentChain: base when it is empty, or solana. The
	// payout confirms ConfirmSeconds later, or with Server.ConfirmPayout.
	ClientType     string `json:"client_type"`
	ClientAgentID  string `json:"client_agent_id"`
	PaymentChain   string `json:"payment_chain"`
	ConfirmSeconds int    `json:"confirm_seconds"`
	// BriefEnglish is the brief's translation, and BriefSpec is the brief taken apart.
	BriefEnglish string          `json:"brief_english"`
	BriefSpec    json.RawMessage `json:"brief_spec"`
	// CreatedAt is the current time when it is zero.
	CreatedAt time.Time `json:"created_at"`
	// Raw replaces or adds fields in every answer with the order, without a check. A
	// null id makes the row unreadable.
	Raw map[string]any `json:"raw"`
}

// longestBrief is the longest brief that the deployed marketplace takes.
const longestBrief = 3000

// PlaceOrder makes an order and returns its id.
func (s *Server) PlaceOrder(n NewOrder) (id string, err error) {
	now := s.lock()
	defer s.mu.Unlock()
	o := &order{urls: n.ReferenceURLs, images: n.ReferenceImages, raw: n.Raw}
	o.ClientWallet = n.ClientWallet
	o.Status, o.Brief, o.BriefEnglish, o.CreatedAt = n.Status, n.Brief, n.BriefEnglish, n.CreatedAt.UTC()
	o.ClientType, o.PaymentChain = orDefault(n.ClientType, clientWallet), orDefault(n.PaymentChain, "solana")
	if o.CreatedAt.IsZero() {
		o.CreatedAt = now
	}
	if !s.opts.Guide && length(n.Brief) > longestBrief {
		return "", fmt.Errorf("the brief is longer than %d characters", longestBrief)
	}
	if o.answers, err = jsonOf("answers", n.Answers); err != nil {
		return "", err
	}
	if o.spec, err = jsonOf("brief_spec", n.BriefSpec); err != nil {
		return "", err
	}
	if err := s.chooseService(o, n); err != nil {
		return "", err
	}
	o.Status = orDefault(o.Status, s.begun(o))
	if o.ClientType == clientX402 {
		if err := s.asX402(o, n, now); err != nil {
			return "", err
		}
	}
	if n.Price != "" {
		o.PriceUSD = n.Price
	}
	if _, valid := parseUSD(o.PriceUSD); o.PriceUSD != "" && !valid {
		return "", errors.New("the price is not an amount like \"5.00\"")
	}
	s.beginReview(o, now)
	s.admitOrder(o, now)
	return o.ID, nil
}

// jsonOf returns a JSON value, or nil for none.
func jsonOf(what string, text json.RawMessage) (json.RawMessage, error) {
	switch {
	case len(text) == 0 || string(text) == "null":
		return nil, nil
	case !json.Valid(text):
		return nil, errors.New("the " + what + " are not JSON")
	}
	return text, nil
}

// admitOrder stores a new order and notifies its agent.
func (s *Server) admitOrder(o *order, now time.Time) {
	o.ID = s.id("ord", now)
	o.ClientWallet = orDefault(o.ClientWallet, "Client"+s.hexOf("client", 16))
	o.beginWindow(now)
	s.orders = append(s.orders, o)
	s.byOrder[o.ID] = o
	s.notify(o, "order.created", nil)
	if o.Status == "paid" || o.Status == "in_progress" && o.period > 0 {
		s.notify(o, "order.paid", nil)
	}
}

func (s *Server) chooseService(o *order, n NewOrder) error {
	for _, v := range s.services {
		if (n.AgentID == "" || v.AgentID == n.AgentID) && v.Active &&
			(n.ServiceID == "" || v.ID == n.ServiceID) && (n.ServiceTitle == "" || v.Title == n.ServiceTitle) {
			o.AgentID, o.ServiceID, o.ServiceTitle = v.AgentID, v.ID, v.Title
			if o.Status != "pending_quote" {
				o.PriceUSD = v.PriceUSD
			}
			o.period, o.QuotaTotal, o.MaxRevisions = s.subscription(v), v.QuotaLimit, v.MaxRevisions
			return s.hire(v.AgentID, v)
		}
	}
	if n.ServiceTitle == "" || len(s.agents) == 0 {
		return errors.New("no agent offers such a service")
	}
	at := slices.IndexFunc(s.agents, func(a *agent) bool { return n.AgentID == "" || a.ID == n.AgentID })
	if at < 0 {
		return errors.New("no such agent")
	}
	o.AgentID, o.ServiceID, o.ServiceTitle, o.PriceUSD = s.agents[at].ID, n.ServiceID, n.ServiceTitle, "5.00"
	o.MaxRevisions = revisionsByDefault
	if o.Status == "pending_quote" {
		o.PriceUSD = ""
	}
	return s.hire(o.AgentID, nil)
}

// act changes an order that has one of the statuses. Nil allows any status.
func (s *Server) act(id string, statuses []string, do func(*order, time.Time) error) error {
	now := s.lock()
	defer s.mu.Unlock()
	o := s.byOrder[id]
	switch {
	case o == nil:
		return errors.New("no such order")
	case statuses != nil && !slices.Contains(statuses, o.Status):
		return fmt.Errorf("the order is %s", o.Status)
	}
	return do(o, now)
}

// Pay pays for a quoted or new order.
func (s *Server) Pay(id string) error {
	return s.act(id, []string{"pending_quote", "quoted", "accepted"}, func(o *order, now time.Time) error {
		if o.PriceUSD == "" {
			return errors.New("the order has no price yet")
		}
		o.Status = s.begun(o)
		o.beginWindow(now)
		s.notify(o, "order.paid", nil)
		return nil
	})
}

// Approve accepts a delivery before its review ends.
func (s *Server) Approve(id string) error {
	return s.act(id, []string{"delivered"}, func(o *order, now time.Time) error {
		s.complete(o, now)
		return nil
	})
}

// Cancel ends an order that is not completed.
func (s *Server) Cancel(id string) error {
	return s.act(id, nil, func(o *order, _ time.Time) error {
		if o.Status == "completed" {
			return errors.New("the order is completed")
		}
		o.Status = "cancelled"
		s.notify(o, "order.cancelled", nil)
		return nil
	})
}

// Vanish hides an order from its agent. No list has it, and every call about it
// answers 404.
func (s *Server) Vanish(id string) error {
	return s.act(id, nil, func(o *order, _ time.Time) error { o.Vanished = true; return nil })
}

// Reappear shows an order that has vanished to its agent again.
func (s *Server) Reappear(id string) error {
	return s.act(id, nil, func(o *order, _ time.Time) error { o.Vanished = false; return nil })
}

// SetRaw replaces the fields that NewOrder.Raw added to an order.
func (s *Server) SetRaw(id string, raw map[string]any) error {
	return s.act(id, nil, func(o *order, _ time.Time) error { o.raw = raw; return nil })
}

// SetStatus moves an order to any status, known or not.
func (s *Server) SetStatus(id, status string) error {
	return s.act(id, nil, func(o *order, now time.Time) error {
		o.Status = status
		s.beginReview(o, now)
		return nil
	})
}

// beginReview starts the client's review of a delivered order.
func (s *Server) beginReview(o *order, now time.Time) {
	if o.Status == "delivered" {
		o.DeliveredAt, o.ReviewDeadline = now, now.Add(s.opts.Review)
	}
}

// ClientMessage adds a message of the client to the order.
func (s *Server) ClientMessage(id, text string) error {
	return s.act(id, nil, func(o *order, now time.Time) error {
		s.clientWrites(o, text, now)
		return nil
	})
}

// AddRawRow adds any JSON value to the end of every list of orders.
func (s *Server) AddRawRow(row []byte) error {
	if !json.Valid(row) {
		return errors.New("the row is not JSON")
	}
	s.lock()
	defer s.mu.Unlock()
	s.rows = append(s.rows, slices.Clone(row))
	return nil
}

// Orders returns snapshots of all orders, oldest first.
func (s *Server) Orders() []Order {
	s.lock()
	defer s.mu.Unlock()
	list := make([]Order, 0, len(s.orders))
	for _, o := range s.orders {
		list = append(list, o.snapshot())
	}
	return list
}

// Order returns a snapshot of one order.
func (s *Server) Order(id string) (snapshot Order, found bool) {
	s.lock()
	defer s.mu.Unlock()
	o := s.byOrder[id]
	if o == nil {
		return Order{}, false
	}
	return o.snapshot(), true
}

func (o *order) snapshot() Order {
	c := o.Order
	c.Deliveries = append([]Delivery{}, c.Deliveries...)
	c.Deliverables = append([]Deliverable{}, c.Deliverables...)
	c.Messages = append([]Message{}, c.Messages...)
	c.Quotes = append([]Quote{}, c.Quotes...)
	return c
}
