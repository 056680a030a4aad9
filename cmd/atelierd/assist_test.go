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

// A model writes the prompt while the real process dies at a commit around its answer. What
// was committed is used, and what was not is asked for once more.
func TestAKilledDaemonAsksTheAssistantAtMostTwice(t *testing.T) {
	t.Parallel()
	for point, paid := range map[string]int{"before:call.begin": 1, "after:call.begin": 1, "before:prompt": 2, "after:prompt": 1} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			chat := gentest.NewChat("", func(gentest.ChatRequest) string { return `{"prompt": "a fox in ink", "requirements": ["a fox"]}` })
			server := httptest.NewServer(chat)
			t.Cleanup(server.Close)
			s := newFixture(t, sandbox.Options{Seed: 1})
			s.assist(server.URL, `assist = ["prompt"]`)
			s.place(1)
			s.startAndDie(point)
			again := s.start()
			s.await(again)
			s.stop(again)
			s.checkOnce()
			if chat.Paid() != paid {
				t.Errorf("the model was paid %d times, want %d", chat.Paid(), paid)
			}
			if n := s.count("SELECT count(*) FROM prompts WHERE prompt = 'a fox in ink' AND note = ''"); n != 1 {
				t.Errorf("%d prompts", n)
			}
			if n := s.count("SELECT count(*) FROM calls WHERE purpose = 'prompt' AND state = 'done' AND cost_usd_micros = 1200"); n != 1 {
				t.Errorf("%d calls are done at their cost", n)
			}
			if n := s.count("SELECT count(*) FROM calls WHERE state IN ('calling', 'submitted')"); n != 0 {
				t.Errorf("%d calls are open", n)
			}
		})
	}
}

// assist has the service use the model at an address.
func (s *fixture) assist(url, tasks string) {
	s.t.Helper()
	text := string(must(os.ReadFile(filepath.Join(s.dir, "atelierd.toml"))))
	text = strings.Replace(text, "[messages]", tasks+"\n[assistant]\nbase_url = \""+url+
		"/v1\"\nmodel = \"model\"\ninput_usd_per_million = \"1\"\noutput_usd_per_million = \"2\"\n[messages]", 1)
	s.write("atelierd.toml", text, 0o600)
}

// A model looks at the files while the real process dies at a commit around its answer, or
// around the take that follows. The bad take is made again once, and the better one delivered.
func TestAKilledDaemonHasNoTakeLookedAtOrMadeTwice(t *testing.T) {
	t.Parallel()
	for point, paid := range map[string]int{"before:check": 3, "after:check": 2, "before:take": 2, "after:take": 2} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			first := ""
			chat := gentest.NewChat("", func(r gentest.ChatRequest) string {
				if first == "" {
					first = r.Pictures[0]
				}
				if r.Pictures[0] == first {
					return `{"score": 3, "problems": ["There is no fox."]}`
				}
				return `{"score": 8, "problems": []}`
			})
			server := httptest.NewServer(chat)
			t.Cleanup(server.Close)
			s := newFixture(t, sandbox.Options{Seed: 1})
			s.assist(server.URL, `assist = ["check"]`)
			s.write("make-picture", strings.Replace(makePicture, `"$ATELIER_ORDER_ID"`, `"$ATELIER_ORDER_ID $$"`, 1), 0o755)
			s.place(1)
			s.startAndDie(point)
			again := s.start()
			s.await(again)
			s.stop(again)
			s.checkOnce()
			if chat.Paid() != paid {
				t.Errorf("the model was paid %d times, want %d", chat.Paid(), paid)
			}
			for query, want := range map[string]int{
				"SELECT count(*) FROM calls WHERE purpose = 'make'":                                    2,
				"SELECT count(*) FROM calls WHERE purpose = 'check' AND state = 'done'":                2,
				"SELECT count(*) FROM calls WHERE state IN ('calling', 'submitted')":                   0,
				"SELECT count(*) FROM checks":                                                          2,
				"SELECT count(*) FROM checks WHERE take = 2 AND score = 8":                             1,
				"SELECT count(*) FROM takes WHERE by_check = 1":                                        1,
				"SELECT count(*) FROM artifacts WHERE kind = 'delivery' AND url <> '' AND take = 2":    1,
				"SELECT count(*) FROM artifacts WHERE kind = 'delivery' AND (url <> '') <> (take = 2)": 0,
			} {
				if n := s.count(query); n != want {
					t.Errorf("%s: %d, want %d", query, n, want)
				}
			}
		})
	}
}
