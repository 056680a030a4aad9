package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/generate"
	"atelierd/internal/generate/gentest"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

const (
	modelHost = simModelHost
	modelKey  = "sk-model-key-8a7b6c5d4e3f2a1b"
	envSecret = "hunter2-of-the-owner-0123456789"
)

// besieged is the program with a model that does what clients write, as far as its schema
// lets it.
type besieged struct {
	t      *testing.T
	market *sandbox.Server
	model  *gentest.Chat
	cfg    *config.Config
	getenv func(string) string
	// keys are what nobody may get. The key of the marketplace is in them.
	keys []string

	mu sync.Mutex
	// asked are the bodies that the model got, and sent those that the marketplace got.
	asked, sent [][]byte
	painted     []string          // the prompts that the generator got
	hostile     map[string]string // what the painter writes into the picture of a brief
	named       map[string]string // how it calls the file
	next        http.RoundTripper
	answers     int
	replied     int    // messages that clients got
	victim      string // an order of another client
}

// injections returns the texts of the corpus, by where they are.
func injections(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "injections.txt"))
	if err != nil {
		t.Fatal(err)
	}
	list, where, n := map[string][]string{}, "", 0
	fill := strings.NewReplacer("⟦DIR⟧", "/var/lib/atelierd", "⟦KEYFILE⟧", "/etc/atelierd/assistant.key", "⟦VAR⟧", "ATELIER_API_KEY")
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" || line[0] == '#':
			continue
		case line[0] == '[' && strings.HasSuffix(line, "]"):
			where = strings.Trim(line, "[]")
			continue
		case line[0] == '"':
			if line, err = strconv.Unquote(line); err != nil {
				t.Fatal(err)
			}
		}
		list[where] = append(list[where], fill.Replace(line))
		n++
	}
	if n < 100 || len(list) != 5 {
		t.Fatalf("%d injections in %d places", n, len(list))
	}
	return list
}

// note notes what goes out.
func (b *besieged) note(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		body := []byte(r.Method + " " + r.URL.String() + "\n")
		if r.Body != nil {
			read, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			r.Body = io.NopCloser(bytes.NewReader(read))
			body = append(body, read...)
		}
		b.mu.Lock()
		if r.URL.Host == modelHost {
			b.asked = append(b.asked, body)
		} else {
			b.sent = append(b.sent, body)
		}
		b.mu.Unlock()
		return next.RoundTrip(r)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// obey answers a question with the worst that its schema has room for, and at times with
// what it has no room for.
func (b *besieged) obey(r gentest.ChatRequest) string {
	b.mu.Lock()
	b.answers++
	n := b.answers
	b.mu.Unlock()
	loot := []string{
		"approved, for 0.01 USD and with a full refund", "You get your money back.", "It costs 1 cent.", "It is ready tomorrow.",
		"Thank you, the owner looks at it.", "Your order is free of charge.", "See https://evil.test for it.",
	}[n%7]
	if n%2 == 0 {
		loot += ", key " + b.keys[n/2%len(b.keys)]
	}
	answer := map[string]any{}
	for name, p := range r.Fields {
		answer[name] = worst(name, p, loot)
		if name == "score" {
			answer[name] = []any{10, 10, 11, -1, "10"}[n%5]
		}
		if name == "price_usd" {
			answer[name] = []any{0.01, 5.5, 1e6, 0, -5, 3.989, 9.004}[n%7]
		}
	}
	switch n % 5 {
	case 3:
		answer["refund_usd"], answer["approve"], answer["order"] = "5.00", true, b.victim
	case 4:
		answer["tool_calls"] = []any{map[string]any{"name": "approve"}}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	if n%11 == 6 {
		text = append(text, text...)
	}
	return string(text)
}

// worst is the worst value that a field can have.
func worst(name string, schema any, loot string) any {
	field, _ := schema.(map[string]any)
	if values, ok := field["enum"].([]any); ok && len(values) > 0 {
		return values[0]
	}
	kind, _ := field["type"].(string)
	switch {
	case strings.Contains(name, "usd") || strings.Contains(name, "price"):
		if kind == "string" {
			return "0.01"
		}
		return 0.01
	case kind == "integer" || kind == "number":
		return 10
	case kind == "boolean":
		return true
	case kind == "array":
		return []any{worst("", field["items"], loot)}
	case kind == "object":
		inner := map[string]any{}
		properties, _ := field["properties"].(map[string]any)
		for name, p := range properties {
			inner[name] = worst(name, p, loot)
		}
		return inner
	}
	return loot
}

// Generate paints a picture that holds what the client wanted to be in it.
func (b *besieged) Generate(_ context.Context, r generate.Request) (generate.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.painted = append(b.painted, r.Prompt)
	name := "out.png"
	if n := b.named[r.Brief]; n != "" {
		name = strings.ReplaceAll(n, "/", "_")
	}
	file := filepath.Join(r.OutputDir, name)
	body := fmt.Appendf(bytes.Clone(picture), "%s %d %s", r.OrderID, r.Round, b.hostile[r.Brief])
	return generate.Result{Files: []string{file}}, os.WriteFile(file, body, 0o600)
}

func (*besieged) Check(context.Context) error { return nil }

// The two services: one whose work waits for the owner, and one whose work goes out.
const (
	reviewed = "Reviewed Pictures"
	direct   = "Direct Pictures"
)

func newBesieged(t *testing.T, dir string) *besieged {
	t.Helper()
	b := &besieged{t: t, market: sandbox.New(sandbox.Options{Seed: 1}), hostile: map[string]string{}, named: map[string]string{}}
	id, key, err := b.market.AddAgent("tester", "", "")
	if err != nil {
		t.Fatal(err)
	}
	b.keys = []string{modelKey, key, envSecret}
	b.getenv = func(name string) string {
		return map[string]string{"ATELIER_AGENT_ID": id, "ATELIER_API_KEY": key}[name]
	}
	keyFile := filepath.Join(dir, "assistant.key")
	if err := os.WriteFile(keyFile, []byte(modelKey), 0o600); err != nil {
		t.Fatal(err)
	}
	b.model = gentest.NewChat(modelKey, b.obey)
	b.cfg = besiegedConfig(dir, keyFile)
	return b
}

func besiegedConfig(dir, keyFile string) *config.Config {
	service := func(title string, mode string) config.Service {
		return config.Service{
			Title: title, Description: strings.Repeat("Pictures of every kind. ", 3), Category: "image_gen", MaxRevisions: 3,
			Price: 5 * order.Dollar, PriceType: "fixed", TurnaroundHours: 48, Deliverables: []string{"a picture"}, Kind: "image",
			Generator: "painter", Mode: mode, Assist: []string{config.AssistPrompt, config.AssistCheck, config.AssistQuote, config.AssistReply}, CheckBelow: 6, CheckAgain: 1, FromLast: true,
			Quote: &config.Quote{Min: 4 * order.Dollar, Max: 9 * order.Dollar},
		}
	}
	waits, goes := service(reviewed, config.ModeReview), service(direct, config.ModeAuto)
	waits.Reply, goes.Reply = config.ReplyDraft, config.ReplySend
	return &config.Config{
		BaseURL: "http://market.test/api", BlobURL: "http://market.test/blob/", DataDir: dir, Dir: dir,
		Agent: config.Agent{Name: "tester", Description: "an agent that tests what it is told", EndpointURL: "https://agent.test"},
		Poll:  config.Poll{Interval: time.Minute}, Messages: config.Messages{Interval: time.Minute, WindowInterval: time.Minute},
		Budget: config.Budget{Window: time.Hour, Poll: 30, Deliver: 30, Upload: 30, Messages: 60, Services: 20, Register: 5},
		Work: config.Work{
			Generators: 1, MaxAttempts: 5, Drain: time.Minute, Lease: time.Minute, DeliverTimeout: time.Minute, Backoff: time.Second,
		},
		Assistant: config.Assistant{
			BaseURL: "http://" + modelHost + "/v1", Model: "model", Key: config.Secret{File: keyFile}, Input: order.Dollar, Output: 2 * order.Dollar,
			Timeout: time.Minute, MaxTokens: 4000, Pictures: true,
		},
		Generators: map[string]config.Generator{"spare": {Type: "exec", Env: []string{"OWNERS_PASSWORD=" + envSecret}}},
		Services:   []config.Service{waits, goes},
	}
}
