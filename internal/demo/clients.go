package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"atelierd/internal/sandbox"
	"atelierd/internal/term"
)

// wish is what a client asks for.
type wish struct {
	service string
	brief   string
	answers string         // requirement_answers, JSON
	raw     map[string]any // fields in a form of their own
}

// wishes are the kinds of orders that come in: plain ones, and all that a
// stranger may write. They repeat when more are asked for. The express ones come
// late, behind a queue that they overtake.
func wishes(n int) []wish {
	kinds := []wish{
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
		{service: titleSketch, brief: "A canyon of paper layers, like in the pictures I link to",
			// The marketplace's database gives lists as text in places.
			raw: map[string]any{"reference_urls": `["https://example.com/mood.png","https://example.com/\"quoted\".png"]`}},
	}
	list := make([]wish, n)
	for i := range list {
		list[i] = kinds[i%len(kinds)]
	}
	return list
}

// longBrief has exactly 4000 characters.
func longBrief() string {
	text := "A tartan blanket in green and gold, woven from everything that I have ever wanted to say: "
	return (text + strings.Repeat("and another thread, ", 4000/20))[:4000]
}

// text is the wish in one line, escaped, for people.
func (w wish) text() string {
	if w.brief == "" {
		return term.Sanitize("(no brief) " + w.answers)
	}
	return term.Sanitize(w.brief)
}

// placed is an order of a client.
type placed struct {
	wish
	no int // from 1
	id string
	at time.Time
}

// clients place their orders over some seconds.
type clients struct {
	wishes []wish
	placed []placed
	next   time.Time // zero until they may come in
	// disputed is the order of the client who is not content at once; empty
	// until it is delivered.
	disputed string
	paid     int // quotes that were accepted
}

func newClients(n int) *clients { return &clients{wishes: wishes(n)} }

// pause is the time between two orders.
const pause = 600 * time.Millisecond

func (c *clients) open(now time.Time) { c.next = now }

// gone says whether all orders are placed, and all that clients do is done.
func (c *clients) gone() bool { return len(c.placed) == len(c.wishes) && c.disputed != "" }

// complaint is what the first client has to say about the first picture.
const complaint = "Lovely, but could it have more colour?"

// thought is how long the client looks at the picture first.
const thought = time.Second

// react pays what was quoted, and sends the first picture back, once.
func (c *clients) react(m *sandbox.Server) error {
	for i, p := range c.placed {
		o, _ := m.Order(p.id)
		switch {
		case o.Status == "quoted":
			if err := m.Pay(p.id); err != nil {
				return fmt.Errorf("pay: %w", err)
			}
			c.paid++
		case i == 0 && o.Status == "delivered" && c.disputed == "" && time.Since(o.DeliveredAt) > thought:
			if err := errors.Join(m.ClientMessage(p.id, complaint), m.Dispute(p.id, complaint)); err != nil {
				return fmt.Errorf("dispute: %w", err)
			}
			c.disputed = p.id
		}
	}
	return nil
}

// place places the orders whose time has come.
func (c *clients) place(m *sandbox.Server, now time.Time) error {
	for !c.next.IsZero() && len(c.placed) < len(c.wishes) && !now.Before(c.next) {
		w := c.wishes[len(c.placed)]
		status := ""
		if w.service == titleCommission {
			status = "pending_quote"
		}
		id, err := m.PlaceOrder(sandbox.NewOrder{ServiceTitle: w.service, Brief: w.brief, Status: status,
			Answers: json.RawMessage(w.answers), Raw: w.raw})
		if err != nil {
			return fmt.Errorf("place an order: %w", err)
		}
		c.placed = append(c.placed, placed{wish: w, no: len(c.placed) + 1, id: id, at: now})
		c.next = c.next.Add(pause)
	}
	return c.react(m)
}
