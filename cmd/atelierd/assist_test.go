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
			file := filepath.Join(s.dir, "atelierd.toml")
			text := string(must(os.ReadFile(file)))
			text = strings.Replace(text, "[messages]", "assist = [\"prompt\"]\n[assistant]\nbase_url = \""+server.URL+
				"/v1\"\nmodel = \"model\"\ninput_usd_per_million = \"1\"\noutput_usd_per_million = \"2\"\n[messages]", 1)
			s.write("atelierd.toml", text, 0o600)
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
