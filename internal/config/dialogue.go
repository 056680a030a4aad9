package config

import (
	"slices"
	"strings"
	"time"

	"atelierd/internal/message"
	"atelierd/internal/order"
)

// Messages configures how clients' messages are read and which are sent.
type Messages struct {
	// Interval is how often the thread of an open order is read when nothing hints
	// at a new message. WindowInterval is the same for a subscription whose messages
	// ask for pieces.
	Interval       time.Duration
	WindowInterval time.Duration
	// Templates holds the templates that are set, by the names of MessageNames.
	Templates map[string]*message.Template
	// Replies are beginnings of messages that the console offers, in the order of the file.
	Replies []Reply
}

// Reply is the beginning of a message that the owner finishes.
type Reply struct {
	Name string
	Text *message.Template
}

// maxReplies is how many replies fit below the box for a message.
const maxReplies = 12

// MessageNames returns the names of the messages to clients. All but piece are off
// unless they are set.
func MessageNames() []string {
	return []string{"received", "delivered", "revised", "refused", "question", "piece"}
}

// defaultPiece is the message that carries a piece to the client of a subscription.
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
				t.problem(t.at(name), "is empty, but it carries the link of a piece; write a text with {{.Links}}, or remove the key")
			}
			continue
		}
		l, err := message.Parse(text)
		if err != nil {
			t.template(name, text, message.Data{}, err)
			continue
		}
		if name == "piece" && !strings.Contains(text, ".Links") {
			t.problem(t.at(name), "has no {{.Links}}, but it carries the link of a piece; add {{.Links}}")
		}
		m.Templates[name] = l
	}
	m.Replies = t.replies()
	return m
}

// replies reads the templates that the console offers.
func (t *table) replies() (list []Reply) {
	subs := t.subs("reply")
	if len(subs) > maxReplies {
		t.problem(t.at("reply"), "there are %d replies; write at most %d", len(subs), maxReplies)
	}
	for _, s := range subs {
		r := Reply{Name: s.length("name", 1, 40)}
		if slices.ContainsFunc(list, func(other Reply) bool { return r.Name != "" && strings.EqualFold(other.Name, r.Name) }) {
			s.problem(s.at("name"), "%.60q is the name of another reply; write another one", r.Name)
		}
		text, err := s.required("text", "how the message begins"), error(nil)
		if text != "" {
			if r.Text, err = message.Parse(text); err != nil {
				s.template("text", text, message.Data{}, err)
			}
		}
		s.done()
		list = append(list, r)
	}
	return list
}

// Quote configures how orders that ask for a price get one: a fixed Price, or the
// output of a Command.
type Quote struct {
	Price   order.USD // 0 for none
	Command []string
	Env     []string
	Timeout time.Duration
	// Min and Max bound the price. Zero sets no bound.
	Min, Max order.USD
}

// quote reads how a price is found. assisted: the assistant proposes it.
func (t *table) quote(assisted bool) *Quote {
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
		t.problem(t.at("command"), "is set next to price_usd; remove one of them")
	case t.has("command") && (len(q.Command) == 0 || q.Command[0] == "" || strings.ContainsRune(strings.Join(q.Command, ""), 0)):
		t.problem(t.at("command"), `names no program; write one like ["./price"]`)
	case !t.has("price_usd") && !t.has("command") && !assisted:
		t.problem(t.path, "has neither price_usd nor command; set one, or remove quote to price orders by hand")
	case q.Max > 0 && q.Min > q.Max:
		t.problem(t.at("max_usd"), "is below min_usd; raise it, or lower min_usd")
	case q.Price > 0 && (q.Price < q.Min || q.Max > 0 && q.Price > q.Max):
		t.problem(t.at("price_usd"), "is not between min_usd and max_usd; change one of them")
	}
	return q
}
