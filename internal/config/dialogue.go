package config

import (
	"strings"
	"time"

	"atelierd/internal/message"
	"atelierd/internal/order"
)

// Messages says what is read of the clients' messages and written to them.
type Messages struct {
	// Interval is how often the thread of a live order is read when nothing
	// hints at news, WindowInterval that of a subscription whose messages ask
	// for pieces.
	Interval       time.Duration
	WindowInterval time.Duration
	// Templates holds the templates that are set, by the names of MessageNames.
	Templates map[string]*message.Template
}

// MessageNames returns the names of the messages to clients. All but piece are off
// unless they are set.
func MessageNames() []string { return []string{"received", "delivered", "revised", "refused", "piece"} }

// defaultPiece brings a piece to the client of a subscription.
const defaultPiece = "Piece {{.Piece}}:{{range .Links}}\n{{.}}{{end}}"

func (t *table) messages() Messages {
	defer t.done()
	m := Messages{
		Interval:       t.duration("interval", 30*time.Minute, time.Second, 24*time.Hour),
		WindowInterval: t.duration("window_interval", 5*time.Minute, time.Second, 24*time.Hour),
		Templates:      map[string]*message.Template{},
	}
	for _, name := range MessageNames() {
		fallback := ""
		if name == "piece" {
			fallback = defaultPiece
		}
		text := t.text(name, fallback)
		if text == "" {
			if name == "piece" {
				t.problem(t.at(name), "must not be empty: it is what brings the link of a piece")
			}
			continue
		}
		l, err := message.Parse(text)
		if err != nil {
			t.template(name, text, message.Data{}, err)
			continue
		}
		if name == "piece" && !strings.Contains(text, ".Links") {
			t.problem(t.at(name), "must contain {{.Links}}: it is what brings the link of a piece")
		}
		m.Templates[name] = l
	}
	return m
}

// Quote says how orders that ask for a price get one. Without a Price and a
// Command it is for the owner to name.
type Quote struct {
	Price   order.USD // 0 for none
	Command []string
	Env     []string
	Timeout time.Duration
	// Min and Max refuse nonsense; 0 is no bound.
	Min, Max order.USD
}

func (t *table) quote() *Quote {
	defer t.done()
	q := &Quote{
		Price:   t.optionalPrice("price_usd"),
		Command: t.list("command"),
		Env:     t.list("env"),
		Timeout: t.duration("timeout", time.Minute, time.Second, time.Hour),
		Min:     t.optionalPrice("min_usd"),
		Max:     t.optionalPrice("max_usd"),
	}
	t.environment(q.Env)
	switch {
	case t.has("price_usd") && t.has("command"):
		t.problem(t.at("command"), "cannot be set together with price_usd")
	case t.has("command") && (len(q.Command) == 0 || q.Command[0] == "" || strings.ContainsRune(strings.Join(q.Command, ""), 0)):
		t.problem(t.at("command"), `must name a program, such as ["./price"]`)
	case !t.has("price_usd") && !t.has("command"):
		t.problem(t.path, "must have a price_usd or a command; without both, leave it out and price by hand")
	case q.Max > 0 && q.Min > q.Max:
		t.problem(t.at("max_usd"), "must not be below min_usd")
	case q.Price > 0 && (q.Price < q.Min || q.Max > 0 && q.Price > q.Max):
		t.problem(t.at("price_usd"), "must be within min_usd and max_usd")
	}
	return q
}
