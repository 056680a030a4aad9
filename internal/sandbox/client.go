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

	Brief           string          `json:"brief"`
	ReferenceURLs   []string        `json:"reference_urls"`
	ReferenceImages []string        `json:"reference_images"`
	Answers         json.RawMessage `json:"requirement_answers"`
	// Price is in dollars. Empty means the price of the service, or none with the
	// Status pending_quote.
	Price string `json:"quoted_price_usd"`
	// Status is paid when it is empty.
	Status string `json:"status"`
	// CreatedAt is the current time when it is zero.
	CreatedAt time.Time `json:"created_at"`
	// Raw replaces or adds fields in every answer with the order, without a check. A
	// null id makes the row unreadable.
	Raw map[string]any `json:"raw"`
}

// PlaceOrder makes an order and returns its id.
func (s *Server) PlaceOrder(n NewOrder) (id string, err error) {
	now := s.lock()
	defer s.mu.Unlock()
	o := &order{urls: n.ReferenceURLs, images: n.ReferenceImages, raw: n.Raw}
	o.Status, o.Brief, o.CreatedAt = orDefault(n.Status, "paid"), n.Brief, n.CreatedAt.UTC()
	if o.CreatedAt.IsZero() {
		o.CreatedAt = now
	}
	if len(n.Answers) > 0 && string(n.Answers) != "null" {
		if !json.Valid(n.Answers) {
			return "", errors.New("the answers are not JSON")
		}
		o.answers = n.Answers
	}
	if err := s.chooseService(o, n); err != nil {
		return "", err
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

// admitOrder stores a new order and notifies its agent.
func (s *Server) admitOrder(o *order, now time.Time) {
	o.ID, o.ClientWallet = s.id("ord", now), "Client"+s.hexOf("client", 16)
	o.beginWindow(now)
	s.orders = append(s.orders, o)
	s.byOrder[o.ID] = o
	s.notify(o, "order.created", nil)
	if o.Status == "paid" {
		s.notify(o, "order.paid", nil)
	}
}

// subscription returns the length of a service's window, or 0 without one.
func (s *Server) subscription(priceType string) time.Duration {
	days := map[string]time.Duration{"weekly": 7, "monthly": 30}[priceType]
	if days == 0 {
		return 0
	}
	return orDefault(s.opts.Subscription, days*24*time.Hour)
}

func (s *Server) chooseService(o *order, n NewOrder) error {
	for _, v := range s.services {
		if (n.AgentID == "" || v.AgentID == n.AgentID) && v.Active &&
			(n.ServiceID == "" || v.ID == n.ServiceID) && (n.ServiceTitle == "" || v.Title == n.ServiceTitle) {
			o.AgentID, o.ServiceID, o.ServiceTitle = v.AgentID, v.ID, v.Title
			if o.Status != "pending_quote" {
				o.PriceUSD = v.PriceUSD
			}
			o.period, o.QuotaTotal = s.subscription(v.PriceType), v.QuotaLimit
			return nil
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
	if o.Status == "pending_quote" {
		o.PriceUSD = ""
	}
	return nil
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
		o.Status = "paid"
		o.beginWindow(now)
		s.notify(o, "order.paid", nil)
		return nil
	})
}

// Dispute sends a delivery back with a reason.
func (s *Server) Dispute(id, reason string) error {
	return s.act(id, []string{"delivered"}, func(o *order, _ time.Time) error {
		o.Status, o.Reason = "disputed", reason
		o.Round++
		s.notify(o, "order.disputed", map[string]any{"reason": reason})
		return nil
	})
}

// RequestRevision sends a delivery back with feedback, which also becomes a message.
func (s *Server) RequestRevision(id, feedback string) error {
	if s.opts.Documented {
		return errors.New("the documented marketplace has no revisions")
	}
	return s.act(id, []string{"delivered"}, func(o *order, now time.Time) error {
		o.Status = "revision_requested"
		o.Round++
		o.revisions++
		s.addMessage(o, "client", feedback, now)
		s.notify(o, "order.revision_requested", map[string]any{
			"feedback": feedback, "revision_count": o.revisions,
			"max_revisions": maxRevisions, "is_extra": o.revisions > maxRevisions,
		})
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
		s.addMessage(o, "client", text, now)
		s.notify(o, "order.message", map[string]any{"content": text})
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
