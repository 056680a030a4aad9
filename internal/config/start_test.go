package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheFileOfEachStartLoadsWithoutWarnings(t *testing.T) {
	t.Parallel()
	docs := strings.Join(pages(t), "\n")
	for _, g := range StartGenerators() {
		start := Start{Name: `The "Fox" \ Co`, EndpointURL: "https://fox.test", PayoutWallet: "So11111111111111111111111111111111111111112", PriceUSD: "7.50", Generator: g.Name}
		if g.Name == StartProgram {
			start.Command = []string{"python3", `my "best".py`}
		}
		c, err := Load(write(t, start.Text()))
		if err != nil {
			t.Errorf("%s: %v", g.Name, err)
			continue
		}
		if w := c.Warnings(); len(w) > 0 {
			t.Errorf("%s: warnings %q", g.Name, w)
		}
		a, s := c.Agent, c.Services[0]
		if a.Name != start.Name || a.EndpointURL != start.EndpointURL || a.PayoutWallet != start.PayoutWallet || s.Price.String() != "7.50" {
			t.Errorf("%s: the file has %+v and the price %s", g.Name, a, s.Price)
		}
		made := c.Generators["studio"]
		if g.KeyEnv != made.Key.Env || g.KeyEnv != "" && c.Spending.Day == 0 {
			t.Errorf("%s: the key is in %q, and a day may cost %s", g.Name, made.Key.Env, c.Spending.Day)
		}
		if !slices.Equal(made.Command, start.Command) {
			t.Errorf("%s: the command is %q, want %q", g.Name, made.Command, start.Command)
		}
		if g.Name != "canvas" && !strings.Contains(docs, strings.TrimRight(g.block, "\n")) {
			t.Errorf("the docs do not have the block of %s", g.Name)
		}
	}
}

func TestAnEmptyStartIsTheExample(t *testing.T) {
	t.Parallel()
	if got := (Start{}).Text(); got != Example() {
		t.Errorf("got\n%s", got)
	}
}

func TestTheConfigurationForASandboxLoadsWithoutWarnings(t *testing.T) {
	t.Parallel()
	c, err := Load(write(t, Sandbox("127.0.0.1:9", 5*time.Second)))
	if err != nil {
		t.Fatal(err)
	}
	if w := c.Warnings(); len(w) > 0 || c.BaseURL != "http://127.0.0.1:9/api" || c.BlobURL != "http://127.0.0.1:9/blob" || !c.Webhook.On() {
		t.Errorf("warnings %q; %s and %s", w, c.BaseURL, c.BlobURL)
	}
}
