package main_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/generate/gentest"
	"atelierd/internal/sandbox"
)

// withAssistant gives the fixture's configuration an assistant at an address, and puts other
// text in the place of the service's quote.
func (s *fixture) withAssistant(url, quote string) {
	s.t.Helper()
	file := filepath.Join(s.dir, "atelierd.toml")
	text := string(must(os.ReadFile(file)))
	text = strings.Replace(text, `quote = {price_usd = "5.00"}`, quote, 1)
	text = strings.Replace(text, "[messages]", "[assistant]\nbase_url = \""+url+
		"/v1\"\nmodel = \"model\"\ninput_usd_per_million = \"1\"\noutput_usd_per_million = \"2\"\n[messages]", 1)
	s.write("atelierd.toml", text, 0o600)
}

// A model proposes the price while the real process dies at a commit around its answer. The
// client is quoted once, at the price of the answer that was committed.
func TestAKilledDaemonHasAPriceProposedAtMostTwice(t *testing.T) {
	t.Parallel()
	for point, paid := range map[string]int{"before:call.begin": 1, "after:call.begin": 1, "before:finish.price": 2, "after:finish.price": 1, "after:quote.intent": 1} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			chat := gentest.NewChat("", func(gentest.ChatRequest) string { return `{"price_usd": 7.5, "reason": "It is small."}` })
			server := httptest.NewServer(chat)
			t.Cleanup(server.Close)
			s := newFixture(t, sandbox.Options{Seed: 1})
			s.withAssistant(server.URL, "quote = {min_usd = \"5.00\", max_usd = \"50.00\"}\nassist = [\"quote\"]")
			s.place(1)
			s.startAndDie(point)
			again := s.start()
			s.await(again)
			s.stop(again)
			s.checkOnce()
			if chat.Paid() != paid {
				t.Errorf("the model was paid %d times, want %d", chat.Paid(), paid)
			}
			if o := s.market.Orders()[0]; o.PriceUSD != "7.50" || len(o.Quotes) != 1 {
				t.Errorf("%s, %d quotes", o.PriceUSD, len(o.Quotes))
			}
			if n := s.count("SELECT count(*) FROM calls WHERE purpose = 'quote' AND state = 'done' AND cost_usd_micros = 1200"); n != 1 {
				t.Errorf("%d calls are done at their cost", n)
			}
			if n := s.count("SELECT count(*) FROM calls WHERE state IN ('calling', 'submitted')"); n != 0 {
				t.Errorf("%d calls are open", n)
			}
		})
	}
}

// A model answers a client while the real process dies at a commit around its answer, or
// around the send. The client gets the reply once.
func TestAKilledDaemonAnswersAClientOnce(t *testing.T) {
	t.Parallel()
	for point, paid := range map[string]int{
		"before:call.begin": 1, "after:call.begin": 1, "before:finish.write": 2, "after:finish.write": 1,
		"before:message.intent": 1, "after:message.intent": 1, "before:finish.send": 1,
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			chat := gentest.NewChat("", func(gentest.ChatRequest) string { return `{"needs_reply": true, "text": "Yes, it is red."}` })
			server := httptest.NewServer(chat)
			t.Cleanup(server.Close)
			s := newFixture(t, sandbox.Options{Seed: 1})
			s.withAssistant(server.URL, "quote = {price_usd = \"5.00\"}\nassist = [\"reply\"]\nreply = \"send\"")
			file := filepath.Join(s.dir, "atelierd.toml")
			s.write("atelierd.toml", strings.Replace(string(must(os.ReadFile(file))), "[messages]", "[messages]\ninterval = \"1s\"", 1), 0o600)
			s.place(1)
			c := s.start()
			s.await(c)
			s.stop(c)
			id := s.market.Orders()[0].ID
			if err := s.market.ClientMessage(id, "Is it red?"); err != nil {
				t.Fatal(err)
			}
			s.startAndDie(point)
			again := s.start()
			got := func() (n int) {
				for _, m := range s.market.Orders()[0].Messages {
					if m.Content == "Yes, it is red." {
						n++
					}
				}
				return n
			}
			s.until("the client got no reply", func() bool {
				return got() > 0 && s.count("SELECT count(*) FROM outbox WHERE state = 'sent' AND reason LIKE 'reply-%'") == 1
			})
			s.stop(again)
			if got() != 1 || chat.Paid() != paid {
				t.Errorf("the client got %d replies, the model was paid %d times, want %d", got(), chat.Paid(), paid)
			}
			if n := s.count("SELECT count(*) FROM calls WHERE state IN ('calling', 'submitted')"); n != 0 {
				t.Errorf("%d calls are open", n)
			}
		})
	}
}
