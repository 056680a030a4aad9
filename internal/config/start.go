package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Start are the answers of a new owner. An empty one keeps the value of Example.
type Start struct {
	Name         string
	EndpointURL  string
	PayoutWallet string
	Generator    string   // one of StartGenerators
	Command      []string // of StartProgram
	PriceUSD     string
}

// StartGenerator is a generator to start with.
type StartGenerator struct {
	Name, Text string
	KeyEnv     string // the variable that has its key; empty without one
	block      string
	title      string
	about      string
}

// StartProgram is the name of the generator that is the owner's own program.
const StartProgram = "program"

// StartGenerators returns the generators to start with, the safest first. The docs have
// a block for each other one.
func StartGenerators() []StartGenerator {
	const picture = "One picture, made from your words. Say what it shows, in which colours and which mood."
	of := func(name, text, keyEnv, block string) StartGenerator {
		return StartGenerator{Name: name, Text: text, KeyEnv: keyEnv, block: block, title: "Picture From Your Words", about: picture}
	}
	return []StartGenerator{
		{Name: "canvas", Text: "built in; paints patterns, to begin with", block: "type = \"canvas\"\n"},
		of(StartProgram, "a program of your own", "", "type = \"exec\"\ncommand = [\"./make-image\"]\n"),
		of("openai", "OpenAI", "OPENAI_API_KEY", `type = "openai"
base_url = "https://api.openai.com/v1"
model = "gpt-image-2"  # listed on 2026-11-25
key_env = "OPENAI_API_KEY"
cost_usd = "0.07"
params = {size = "1024x1024", quality = "medium"}
`),
		of("gemini", "Google Gemini", "GEMINI_API_KEY", `type = "gemini"
base_url = "https://generativelanguage.googleapis.com"
model = "gemini-3.1-flash-image"  # listed on 2026-11-25
key_env = "GEMINI_API_KEY"
cost_usd = "0.04"
params = {aspectRatio = "1:1"}
`),
	}
}

// Text returns the file, with every key explained.
func (s Start) Text() string {
	text := s.generator(example)
	text = set(text, "[agent]", "name", quoted(s.Name))
	text = set(text, "[agent]", "endpoint_url", quoted(s.EndpointURL))
	text = set(text, "[agent]", "payout_wallet", quoted(s.PayoutWallet))
	return set(text, "[[service]]", "price_usd", quoted(s.PriceUSD))
}

// generator sets the generator, and what the service and the agent say of its work.
func (s Start) generator(text string) string {
	list := StartGenerators()
	at := slices.IndexFunc(list, func(g StartGenerator) bool { return g.Name == s.Generator })
	if at < 1 {
		return text // the first one is in the example
	}
	g := list[at]
	text = strings.Replace(text, list[0].block, g.block, 1)
	text = strings.Replace(text, `# The built-in canvas only paints patterns. Connect a real generator, and describe
# what it makes, before you sell.
`, "# What makes the work.\n", 1)
	text = set(text, "[[service]]", "title", quoted(g.title))
	text = set(text, "[[service]]", "description", quoted(g.about))
	if len(s.Command) > 0 {
		words := make([]string, len(s.Command))
		for i, w := range s.Command {
			words[i] = quoted(w)
		}
		text = set(text, "[generator.studio]", "command", "["+strings.Join(words, ", ")+"]")
	}
	if g.KeyEnv != "" {
		text = set(text, "[spending]", "day_usd", `"10.00"`)
	}
	return text
}

// set gives a key of a section another value. The remark behind it stays. An empty
// value changes nothing.
func set(text, section, key, value string) string {
	before, after, found := strings.Cut(text, "\n"+section)
	if value == "" || !found {
		return text
	}
	line := regexp.MustCompile(`(?m)^(?:# )?` + key + ` = (?:"[^"\n]*"|\[[^\]\n]*\])`)
	if at := line.FindStringIndex(after); at != nil {
		after = after[:at[0]] + key + " = " + value + after[at[1]:]
	}
	return before + "\n" + section + after
}

// quoted returns a text as TOML has it, and "" for an empty one.
func quoted(text string) string {
	if text == "" {
		return ""
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	return `"` + b.String() + `"`
}

// Check returns what is wrong with the text of a configuration in the folder dir, and
// the configuration as far as it can be read. It is nil if the text is not valid TOML.
func Check(text, dir string) (*Config, []Problem) { return parse([]byte(text), dir) }
