package config

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestWhatTheDeployedMarketplaceTakes(t *testing.T) {
	t.Parallel()
	const address = `payout_address_base = "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB"`
	for lines, want := range map[string]string{
		address + "\n" + `payout_chain = "base"`:                             "",
		`payout_chain = "solana"`:                                            "",
		`payout_chain = "base"`:                                              "payout_address_base",
		`payout_chain = "tron"`:                                              "payout_chain",
		`payout_address_base = "dbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB"`:   "not an address on Base",
		`payout_address_base = "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6F"`:  "not an address on Base",
		`payout_address_base = "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6fb"`: "mistake",
		`payout_address_base = "0x0000000000000000000000000000000000000000"`: "zero address",
		`payout_address_base = ""`:                                           "not an address on Base",
		`ai_models = ["flux", "flux"]`:                                       "twice",
		`ai_models = ["` + strings.Repeat("x", 31) + `"]`:                    "31 characters",
		`ai_models = [` + strings.Repeat(`"m", `, 11) + `]`:                  "11 names",
		`ai_models = [" "]`:                                                  "0 characters",
	} {
		got := problems(t, strings.Replace(good, "[agent]\n", "[agent]\n"+lines+"\n", 1))
		if want == "" && len(got) != 0 || want != "" && !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s: %q, want %q", lines, got, want)
		}
	}
}

func TestQuestionsToClients(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`["Which size?", {label = "Which style?", type = "select", required = true, options = ["ink", "oil"]}]`: "",
		`[""]`:                             "is empty",
		`[7]`:                              "is an integer",
		`[{type = "text"}]`:                "label",
		`[{label = "a", type = "number"}]`: "type",
		`[{label = "a", options = ["b"]}]`: "for type select only",
		`[{label = "a", type = "select"}]`: "two or more",
		`[{label = "a", colour = 1}]`:      "unknown key",
		`"Which size?"`:                    "a list of questions",
	} {
		got := problems(t, strings.Replace(good, "[[service]]\n", "[[service]]\nrequirement_fields = "+line+"\n", 1))
		if want == "" && len(got) != 0 || want != "" && !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestRevisionsAreThoseOfTheMarketplace(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]bool{0: true, 3: true, 10: true, 11: false, -1: false} {
		got := problems(t, strings.Replace(good, "[[service]]\n", fmt.Sprintf("[[service]]\nmax_revisions = %d\n", n), 1))
		if (len(got) == 0) != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}

// The marketplace stores a run of spaces as one.
func TestTitlesThatDifferInSpacesAreTheSame(t *testing.T) {
	t.Parallel()
	_, block, _ := strings.Cut(good, "[[service]]\n")
	block, _, _ = strings.Cut(block, "\n[")
	title := regexp.MustCompile(`title = "[^"]*"`)
	one, two := title.ReplaceAllString(block, `title = "Red Foxes"`), title.ReplaceAllString(block, `title = "red  foxes"`)
	got := problems(t, strings.Replace(good, block, one+"\n[[service]]\n"+two, 1))
	if len(got) != 1 || !strings.Contains(got[0], "is also the title") {
		t.Errorf("%q", got)
	}
}
