package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const localAssistant = "[assistant]\nbase_url = \"http://127.0.0.1:11434/v1/\"\nmodel = \"qwen3-vl\"\n"

func TestAnAssistantIsReadWithItsDefaults(t *testing.T) {
	t.Parallel()
	cfg, err := loadStorage(t, localAssistant+`key_file = "assistant.key"
input_usd_per_million = "0.40"
output_usd_per_million = "1.60"
`, "assist = [\"prompt\"]\n")
	if err != nil {
		t.Fatal(err)
	}
	a, s := cfg.Assistant, cfg.Services[0]
	if a.BaseURL != "http://127.0.0.1:11434/v1" || a.Model != "qwen3-vl" || a.Input != 400_000 || a.Output != 1_600_000 ||
		a.Timeout != 2*time.Minute || a.MaxTokens != 4000 || !a.Pictures || a.Free() || len(cfg.Warnings()) != 0 {
		t.Errorf("%+v, %q", a, cfg.Warnings())
	}
	if !s.Assists(AssistPrompt) || s.Assists(AssistCheck) || s.CheckBelow != 6 || s.CheckAgain != 1 || s.Reply != ReplyDraft {
		t.Errorf("%+v", s)
	}
	if !slices.Contains(cfg.Secrets(), a.Key) || a.Key.File == "" {
		t.Errorf("the secrets are %v", cfg.Secrets())
	}
	if cfg, err = loadStorage(t, localAssistant, ""); err != nil || !cfg.Assistant.Free() || len(cfg.Warnings()) != 1 {
		t.Errorf("%v, %+v, %q", err, cfg.Assistant, cfg.Warnings())
	}
}

func TestAnAssistantProposesAPriceWithinBounds(t *testing.T) {
	t.Parallel()
	cfg, err := loadStorage(t, localAssistant, "assist = [\"quote\"]\nprice_type = \"quote\"\nquote = {min_usd = \"5.00\", max_usd = \"50.00\"}\nassist_instructions = \"No logos.\"\n")
	if err != nil || cfg.Services[0].AssistInstructions != "No logos." {
		t.Fatal(err)
	}
	for bad, want := range map[string]string{
		`quote = {min_usd = "5.00", max_usd = "50.00", price_usd = "9.00"}`:    "quote.price_usd: is set, but the assistant proposes the price",
		`quote = {min_usd = "5.00", max_usd = "50.00", command = ["./price"]}`: "quote.command: is set, but the assistant proposes the price",
		`quote = {max_usd = "50.00"}`:                                          "quote.min_usd: is missing",
		`quote = {min_usd = "5.00"}`:                                           "quote.max_usd: is missing",
		"":                                                                     "quote: is missing",
	} {
		if _, err := loadStorage(t, localAssistant, "assist = [\"quote\"]\nprice_type = \"quote\"\n"+bad+"\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", bad, err, want)
		}
	}
}

func TestWhatAnAssistantCannotDoIsAProblem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ assistant, service, want string }{
		{"", `assist = ["prompt"]`, "assist: is set, but there is no [assistant]"},
		{localAssistant, `assist = ["paint"]`, `"paint" is nothing that the assistant does`},
		{localAssistant, `assist = ["prompt", "prompt"]`, "is there twice"},
		{localAssistant, `assist = ["quote"]`, "is for price_type quote only"},
		{localAssistant, "assist = [\"prompt\"]\ncheck_below = 6", `check_below: is for assist = ["check"] only`},
		{localAssistant, "assist = [\"prompt\"]\ncheck_again = 1", `check_again: is for assist = ["check"] only`},
		{localAssistant, "assist = [\"prompt\"]\nreply = \"send\"", `reply: is for assist = ["reply"] only`},
		{localAssistant, "assist = [\"reply\"]\nreply = \"shout\"", "draft, send"},
		{localAssistant, "assist = [\"prompt\"]\nassist_instructions = \"No logos.\"", `assist_instructions: is for assist = ["quote"] and ["reply"] only`},
		{localAssistant, "assist = [\"check\"]\ncheck_below = 11", "check_below"},
		{localAssistant, "assist = [\"check\"]\nkind = \"text\"", "the assistant sees only pictures and videos"},
		{localAssistant + "pictures = false\n", `assist = ["check"]`, "the model sees nothing of the work"},
		{"[assistant]\nmodel = \"m\"\n", `assist = ["prompt"]`, "assistant.base_url: is missing"},
		{"[assistant]\nbase_url = \"http://127.0.0.1/v1\"\n", `assist = ["prompt"]`, "assistant.model: is missing"},
		{localAssistant + "api_key = \"sk-1\"\n", `assist = ["prompt"]`, "a key must not be in this file"},
		{localAssistant + "temperature = \"hot\"\n", `assist = ["prompt"]`, "temperature"},
		{localAssistant + "[generator.assistant]\ntype = \"canvas\"\n", `assist = ["prompt"]`, "rename the generator"},
	} {
		if _, err := loadStorage(t, c.assistant, c.service+"\n"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s%s: %v, want %q", c.assistant, c.service, err, c.want)
		}
	}
}

func TestAnAssistantWarnsOfWhatTheCapsCannotCount(t *testing.T) {
	t.Parallel()
	remote := "[assistant]\nmodel = \"m\"\nbase_url = \""
	for text, want := range map[string]string{
		remote + "https://api.example.com/v1\"\n":                                             "the caps of [spending] cannot count its calls",
		localAssistant + "key_file = \"proxy.key\"\n":                                         "the caps of [spending] cannot count its calls",
		remote + "http://10.0.0.5/v1\"\ninput_usd_per_million = \"1\"\n":                      "what clients write crosses the network in plain text",
		remote + "http://10.0.0.5/v1\"\ninput_usd_per_million = \"1\"\nkey_env = \"A_KEY\"\n": "the key crosses the network in plain text",
	} {
		cfg, err := loadStorage(t, text, "assist = [\"prompt\"]\n")
		if err != nil || cfg.Assistant.Free() || len(cfg.Warnings()) != 1 || !strings.Contains(cfg.Warnings()[0], want) {
			t.Errorf("%s: %v, %q", text, err, cfg.Warnings())
		}
	}
}
