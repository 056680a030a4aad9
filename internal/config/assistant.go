package config

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"atelierd/internal/generate/provider"
	"atelierd/internal/order"
)

// The values of Service.Assist.
const (
	AssistPrompt = "prompt" // write the prompt
	AssistCheck  = "check"  // judge what was made
	AssistReply  = "reply"  // draft replies to clients
	AssistQuote  = "quote"  // propose prices
)

// The values of Service.Reply.
const (
	ReplyDraft = "draft" // the owner approves each
	ReplySend  = "send"
)

// Assistant is a language model behind the chat completions API. It is off when BaseURL is
// empty.
type Assistant struct {
	// BaseURL is where the API begins, without a slash at its end.
	BaseURL string
	Model   string
	Key     Secret
	// Input and Output are the prices of a million tokens. The server's own figure wins.
	Input, Output order.USD
	Timeout       time.Duration
	// MaxTokens limits what one answer may have, and so what it may cost.
	MaxTokens int
	// Pictures: the model sees pictures.
	Pictures bool
}

// On reports whether there is an assistant.
func (a Assistant) On() bool { return a.BaseURL != "" }

// Free reports whether no call can cost anything: it has no prices, runs on this machine, and
// has no key. A server here that wants one may be a proxy of one that is paid.
func (a Assistant) Free() bool {
	return a.Input == 0 && a.Output == 0 && !a.Key.On() && Loopback(a.BaseURL)
}

func (t *table) assistant(dir string, generators map[string]Generator) Assistant {
	defer t.done()
	a := Assistant{
		Model: t.text("model", ""), Key: t.secret("key", dir),
		Input: t.amount("input_usd_per_million"), Output: t.amount("output_usd_per_million"),
		Timeout:   t.duration("timeout", 2*time.Minute, time.Second, time.Hour),
		MaxTokens: t.number("max_tokens", 4000, 200, 100_000),
		Pictures:  true,
	}
	if t.has("pictures") {
		a.Pictures, _ = value[bool](t, "pictures", "a boolean")
	}
	t.known = append(t.known, "base_url", "pictures")
	if len(t.values) == 0 {
		return Assistant{}
	}
	a.BaseURL = t.base("base_url", provider.Needs{})
	if a.Model == "" {
		t.problem(t.at("model"), "is missing; write the server's name of the model")
	}
	if strings.HasPrefix(a.BaseURL, "http://") && !Loopback(a.BaseURL) && !t.names("key") {
		t.warn(t.at("base_url"), "is http, so what clients write crosses the network in plain text; use https if the server has it")
	}
	if a.Input == 0 && a.Output == 0 && a.BaseURL != "" && !a.Free() {
		t.warn(t.path, "has no input_usd_per_million and output_usd_per_million, so the caps of [spending] cannot count its calls; set them to the server's prices")
	}
	if _, there := generators[order.Assistant]; there {
		t.problem(t.path, "is also the name of [generator.%s], and what both cost could not be told apart; rename the generator", order.Assistant)
	}
	t.noKey("a key must not be in this file; set key_env to the name of its variable, or key_file to the name of its file")
	return a
}

// Assists reports whether the assistant does one of its tasks for the service.
func (s Service) Assists(task string) bool { return slices.Contains(s.Assist, task) }

// assist reads what the assistant does for a service.
func (t *table) assist(s *Service) {
	tasks := []string{AssistPrompt, AssistCheck, AssistReply, AssistQuote}
	for i, task := range t.list("assist") {
		at := element(t.at("assist"), i)
		switch {
		case !slices.Contains(tasks, task):
			t.problem(at, "%.40q is nothing that the assistant does; write one of %s", task, strings.Join(tasks, ", "))
		case s.Assists(task):
			t.problem(at, "is there twice; remove one")
		default:
			s.Assist = append(s.Assist, task)
		}
	}
	s.CheckBelow, s.CheckAgain = t.number("check_below", 6, 1, 10), t.number("check_again", 1, 0, 5)
	s.Reply = t.oneOf("reply", ReplyDraft, ReplyDraft, ReplySend)
	for key, task := range map[string]string{"check_below": AssistCheck, "check_again": AssistCheck, "reply": AssistReply} {
		if t.has(key) && !s.Assists(task) {
			t.problem(t.at(key), "is for assist = [%q] only; add %[1]q to assist, or remove it", task)
		}
	}
	if s.Assists(AssistCheck) && s.Kind != "" && s.Kind != KindImage && s.Kind != KindVideo {
		t.problem(t.at("assist"), "has %q, but the assistant sees only pictures and videos, and the service delivers %s; remove %[1]q", AssistCheck, kindNames[s.Kind])
	}
	if s.Assists(AssistReply) && s.Pieces {
		t.problem(t.at("assist"), `has %q, but with window = "messages" each message asks for a piece; remove one of them`, AssistReply)
	}
	t.assistInstructions(s)
	t.assistedQuote(*s)
}

// maxInstructions is how long the owner's words to the assistant may be, in characters.
const maxInstructions = 2000

// assistInstructions reads the owner's words to the assistant.
func (t *table) assistInstructions(s *Service) {
	s.AssistInstructions = strings.TrimSpace(t.text("assist_instructions", ""))
	at := t.at("assist_instructions")
	switch n := utf8.RuneCountInString(s.AssistInstructions); {
	case n > maxInstructions:
		t.problem(at, "has %d characters; write at most %d", n, maxInstructions)
	case n > 0 && !s.Assists(AssistQuote) && !s.Assists(AssistReply):
		t.problem(at, "is for assist = [%q] and [%q] only; for a prompt set prompt", AssistQuote, AssistReply)
	}
}

// assistedQuote checks that a price that the assistant proposes has bounds, and that nothing
// else names one.
func (t *table) assistedQuote(s Service) {
	if !s.Assists(AssistQuote) {
		return
	}
	at := join(t.path, "quote")
	switch q := s.Quote; {
	case s.PriceType != "quote":
		t.problem(t.at("assist"), "has %q, which is for price_type quote only; remove %[1]q", AssistQuote)
	case q == nil:
		t.problem(at, `is missing; write the bounds of a price, like {min_usd = "5.00", max_usd = "50.00"}`)
	case q.Price > 0:
		t.problem(join(at, "price_usd"), "is set, but the assistant proposes the price; remove it, or remove %q from assist", AssistQuote)
	case len(q.Command) > 0:
		t.problem(join(at, "command"), "is set, but the assistant proposes the price; remove it, or remove %q from assist", AssistQuote)
	case q.Min == 0:
		t.problem(join(at, "min_usd"), "is missing; write the lowest price that the assistant may propose")
	case q.Max == 0:
		t.problem(join(at, "max_usd"), "is missing; write the highest price that the assistant may propose")
	}
}

// assisted reports services that want an assistant where there is none, and an assistant that
// no service wants.
func (t *table) assisted(a Assistant, services []Service) {
	wanted := false
	for i, s := range services {
		if len(s.Assist) == 0 {
			continue
		}
		wanted = true
		if a.On() && !a.Pictures && s.Assists(AssistCheck) {
			t.problem(join(element(t.at("service"), i), "assist"), "has %q, but assistant.pictures is false, so the model sees nothing of the work; remove one of them", AssistCheck)
		}
		if !a.On() && !t.has("assistant") {
			t.problem(join(element(t.at("service"), i), "assist"), "is set, but there is no [assistant]; add one with base_url and model, or remove it")
		}
	}
	if a.On() && !wanted {
		t.warn("assistant", `is not used by any service; write assist = ["prompt"] in a [[service]], or remove it`)
	}
}
