package demo

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"atelierd/internal/sandbox"
	"atelierd/internal/term"
)

// request is what a client orders.
type request struct {
	service string
	brief   string
	answers string         // requirement_answers, JSON
	raw     map[string]any // fields in an unusual form
}

// requests returns n orders: plain ones, and what hostile clients may write. They
// repeat when n is large. The express orders come late, so that they overtake
// others.
func requests(n int) []request {
	kinds := []request{
		{service: titleSketch, brief: "A quiet harbour at dawn, boats still asleep"},
		{service: titlePattern, brief: `A poster for the band "Don't Panic", back\slash\and 'all'`},
		{service: titleSketch, brief: "A fox in the forest\n\n- autumn colours\n\t- no text\r\n-- thanks"},
		{service: titleSketch, brief: "$(rm -rf /) `reboot`; cat /etc/passwd | sh && echo neon dragon > /dev/sda"},
		{service: titleCommission, brief: "🎂🎈 birthday garden for Zoë 🌷 with 👩‍🎨 and 日本の花"},
		{service: titleSketch, brief: "גלים בים בלילה, أمواج البحر في الليل: sea at night"},
		{service: titleSketch, brief: "\x1b[2J\x1b[31mYour terminal is mine\x1b[0m \x07\u202egnp.esrever, purple smoke"},
		{service: titleExpress, brief: "URGENT: rockets among the stars of a far galaxy, by noon"},
		{service: titlePattern, brief: longBrief()},
		{service: titleSketch, answers: `{"subject":"mountain lake","mood":"calm","size":"square"}`},
		{service: titleExpress, brief: "Bauhaus logo for a coffee house, it opens tomorrow'; DROP TABLE orders;--"},
		{
			service: titleSketch, brief: "A canyon of paper layers, like in the pictures I link to",
			// The marketplace's database gives lists as text in places.
			raw: map[string]any{"reference_urls": `["https://example.com/mood.png","https://example.com/\"quoted\".png"]`},
		},
	}
	list := make([]request, n)
	for i := range list {
		list[i] = kinds[i%len(kinds)]
	}
	return list
}

// longBrief has exactly 3000 characters.
func longBrief() string {
	text := "A tartan blanket in green and gold, woven from everything that I have ever wanted to say: "
	return (text + strings.Repeat("and another thread, ", 3000/20))[:3000]
}

// text is the request in one line, safe to show.
func (r request) text() string {
	if r.brief == "" {
		return term.Sanitize("(no brief) " + r.answers)
	}
	return term.Sanitize(r.brief)
}

// placed is an order that a client has placed.
type placed struct {
	request
	no int // from 1
	id string
	at time.Time
}

// clients place their orders over some seconds.
type clients struct {
	requests []request
	placed   []placed
	next     time.Time // when the next order is placed; zero until the market opens
	// disputed is the order that its client has sent back, empty until then.
	disputed string
	paid     int // quotes that were paid
}

func newClients(n int) *clients { return &clients{requests: requests(n)} }

// pause is the time between two orders.
const pause = 600 * time.Millisecond

// open lets the clients place orders from now on.
func (c *clients) open(now time.Time) { c.next = now }

// done reports whether all orders are placed and the first one was sent back.
func (c *clients) done() bool { return len(c.placed) == len(c.requests) && c.disputed != "" }

// complaint is what the first client writes about the first picture.
const complaint = "Lovely, but could it have more colour?"

// thinkTime is how long the first client looks at the picture.
const thinkTime = time.Second

// react pays each quote, and sends the first picture back once.
func (c *clients) react(m *sandbox.Server) error {
	for i, p := range c.placed {
		o, _ := m.Order(p.id)
		switch {
		case o.Status == "quoted":
			if err := m.Pay(p.id); err != nil {
				return fmt.Errorf("pay: %w", err)
			}
			c.paid++
		case i == 0 && o.Status == "delivered" && c.disputed == "" && time.Since(o.DeliveredAt) > thinkTime:
			if err := m.Dispute(p.id, complaint); err != nil {
				return fmt.Errorf("dispute: %w", err)
			}
			c.disputed = p.id
		}
	}
	return nil
}

// act places the orders that are due, and reacts to what the agent has sent.
func (c *clients) act(m *sandbox.Server, now time.Time) error {
	for !c.next.IsZero() && len(c.placed) < len(c.requests) && !now.Before(c.next) {
		r := c.requests[len(c.placed)]
		status := ""
		if r.service == titleCommission {
			status = "pending_quote"
		}
		id, err := m.PlaceOrder(sandbox.NewOrder{
			ServiceTitle: r.service, Brief: r.brief, Status: status,
			Answers: json.RawMessage(r.answers), Raw: r.raw,
		})
		if err != nil {
			return fmt.Errorf("place an order: %w", err)
		}
		c.placed = append(c.placed, placed{request: r, no: len(c.placed) + 1, id: id, at: now})
		c.next = c.next.Add(pause)
	}
	return c.react(m)
}
