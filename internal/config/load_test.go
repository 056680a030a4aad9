package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const wallet = "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"

const good = `base_url = "https://atelierai.xyz/api"
data_dir = "./data"
[agent]
name = "My Creative Agent"
description = "I make pictures from words"
endpoint_url = "https://my-agent.example.com"
capabilities = ["image_gen"]
payout_wallet = "` + wallet + `"
[[service]]
title = "AI Image Generation"
description = "High-quality pictures made from your words, fast."
category = "image_gen"
price_usd = "5.00"
turnaround_hours = 1
deliverables = ["1 image"]
generator = "studio"
[generator.studio]
type = "exec"
command = ["./make-image", ""]
env = ["STYLE=neon", "OPENAI_API_KEY"]
`

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// problems returns the problems of a text as LINE: KEY: TEXT, without the path.
func problems(t *testing.T, text string) []string {
	t.Helper()
	_, err := Load(write(t, text))
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("Load = %T %v, want *Error", err, err)
	}
	var lines []string
	for _, line := range strings.Split(e.Error(), "\n") {
		lines = append(lines, strings.TrimPrefix(line, e.Path+":"))
	}
	return lines
}

func TestAGoodFileLoadsWithDefaults(t *testing.T) {
	t.Parallel()
	path := write(t, good)
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	if c.Path != path || c.Dir != dir || c.DataDir != filepath.Join(dir, "data") || c.BlobURL != "https://vercel.com/api/blob" {
		t.Errorf("places = %q %q %q %q", c.Path, c.Dir, c.DataDir, c.BlobURL)
	}
	if want := (Budget{time.Hour, 30, 30, 30, 60, 20, 5, 10, 30, 8, ""}); c.Budget != want {
		t.Errorf("budget = %+v, want %+v", c.Budget, want)
	}
	if want := (Work{2, 5, 30 * time.Second, time.Minute, 30 * time.Second, 150 * time.Second}); c.Work != want {
		t.Errorf("work = %+v, want %+v", c.Work, want)
	}
	if c.Poll.Interval != 150*time.Second || c.Agent.PayoutWallet != wallet {
		t.Errorf("poll = %v, wallet = %q", c.Poll, c.Agent.PayoutWallet)
	}
	s := c.Services[0]
	if s.Price != 5_000_000 || s.Kind != KindImage || s.Mode != ModeAuto || s.PriceType != "fixed" || s.MaxRevisions != 3 {
		t.Errorf("service = %+v", s)
	}
	g := c.Generators["studio"]
	if !slices.Equal(g.Command, []string{"./make-image", ""}) || g.Timeout != 10*time.Minute || len(g.Env) != 2 {
		t.Errorf("generator = %+v", g)
	}
	if w := c.Warnings(); len(w) != 0 {
		t.Errorf("warnings = %q", w)
	}
}

func TestAllProblemsAreReportedAtOnceInLineOrder(t *testing.T) {
	t.Parallel()
	got := problems(t, `base_url = 5
color = "red"
[agent]
name = "x"
description = "ten letters"
endpoint_url = "my-agent"
[poll]
intervall = "150s"
[budget]
reserve = 30
deliver = 31
[work]
drain = "soon"
generators = "2"
[[service]]
title = "AI Images"
description = "High-quality pictures made from your words, fast."
category = "image"
price_usd = 5.00
generator = "studios"
[[service]]
title = "AI IMAGES "
description = "High-quality pictures made from your words, fast."
category = "video_gen"
price_usd = "0.005"
deliverables = ["a", "", 7]
generator = "studio"
[generator.studio]
type = "exec"
env = [
  "A=b",
  "atelier_api_key=x",
]
`)
	want := []string{
		`1: base_url: is an integer; write a string`,
		`2: color: unknown key`,
		`4: agent.name: has 1 characters; write 2 to 50 characters`,
		`6: agent.endpoint_url: "my-agent" is not a URL; write one like "https://example.com/path"`,
		`8: poll.intervall: unknown key; did you mean interval?`,
		`10: budget.reserve: reserve is 30 and poll is 30, which leaves no request for polling; write a reserve below poll`,
		`11: budget.deliver: is 31; write 0 to 30`,
		`13: work.drain: "soon" is not a duration; write one like "150s" or "10m"`,
		`14: work.generators: is a string; write an integer`,
		`18: service "AI Images": category: "image" is not a valid value; write one of ` + strings.Join(capabilities, ", "),
		`19: service "AI Images": price_usd: is a number; write it in quotes: "5.00"`,
		`20: service "AI Images": generator: there is no [generator.studios]; did you mean studio?`,
		`22: service "AI IMAGES": title: is also the title of the service on line 16; write another`,
		`25: service "AI IMAGES": price_usd: "0.005" is not a price; write one above 0 with at most two decimals, like "5.00"`,
		`26: service "AI IMAGES": deliverables[1]: is empty; write what the client gets, or remove it`,
		`26: service "AI IMAGES": deliverables[2]: is an integer; write a string`,
		`28: generator.studio.command: names no program; write one like ["./make-image"]`,
		`32: generator.studio.env[1]: passes on ATELIER_API_KEY, which no generator may see; remove it`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("problems:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// long returns a text of n characters that are not ASCII.
func long(n int) string { return strings.Repeat("é", n) }

// limits are changes of the good file, with the problem that each causes.
var limits = []struct{ old, new, want string }{
	{`name = "My Creative Agent"`, `name = "` + long(51) + `"`, "4: agent.name: has 51 characters; write 2 to 50 characters"},
	{`name = "My Creative Agent"`, `name = "` + long(50) + `"`, ""},
	{`name = "My Creative Agent"`, ``, "3: agent.name: is missing; write 2 to 50 characters"},
	{`name = "My Creative Agent"`, `name = "  "`, "4: agent.name: is empty; write 2 to 50 characters"},
	{`"I make pictures from words"`, `"too short"`, "5: agent.description: has 9 characters; write 10 to 500 characters"},
	{`"I make pictures from words"`, `"` + long(501) + `"`, "5: agent.description: has 501 characters; write 10 to 500 characters"},
	{`"https://my-agent.example.com"`, `"ftp://my-agent.example.com"`, `6: agent.endpoint_url: "ftp://my-agent.example.com" is not a URL; write one like "https://example.com/path"`},
	{`"https://my-agent.example.com"`, `"https://:80"`, `6: agent.endpoint_url: "https://:80" is not a URL; write one like "https://example.com/path"`},
	{`"https://my-agent.example.com"`, `"https://a:b@c"`, `6: agent.endpoint_url: contains a user name or password; remove it`},
	{`endpoint_url = "https://my-agent.example.com"`, ``, `3: agent.endpoint_url: is missing; write a URL of yours, like "https://my-agent.example.com"`},
	{`capabilities = ["image_gen"]`, "capabilities = [ # first\n\"seo\", # second\n# third\n\"art\"]", "10: agent.capabilities[1]: \"art\" is not a capability; write one of " + strings.Join(capabilities, ", ")},
	{wallet, `YOUR_SOLANA_WALLET_ADDRESS`, "8: agent.payout_wallet: is the placeholder of the marketplace's guide; write your own Solana address"},
	{wallet, wallet[2:], "8: agent.payout_wallet: is not a Solana address: it has 31 bytes, not 32; copy it again from your wallet"},
	{wallet, strings.Repeat("1", 32), ""},
	{wallet, strings.Repeat("1", 33), "8: agent.payout_wallet: is not a Solana address: it has 33 bytes, not 32; copy it again from your wallet"},
	{wallet, wallet[1:] + "0", "8: agent.payout_wallet: is not a Solana address: character 44 is not a base58 digit; copy it again from your wallet"},
	{wallet, wallet + wallet, "8: agent.payout_wallet: is not a Solana address: it has 88 characters, more than 44; copy it again from your wallet"},
	{wallet, "", "8: agent.payout_wallet: is empty; write your Solana address, or remove the key"},
	{`payout_wallet`, `owner_wallet = "x"` + "\npayout_wallet", "8: agent.owner_wallet: is not a Solana address: it has 1 bytes, not 32; copy it again from your wallet"},
	{`"AI Image Generation"`, `"AI"`, `10: service "AI": title: has 2 characters; write 3 to 100 characters`},
	{`"High-quality pictures made from your words, fast."`, `"` + long(1001) + `"`, `11: service "AI Image Generation": description: has 1001 characters; write 10 to 1000 characters`},
	{`price_usd = "5.00"`, `price_usd = "0.00"`, `13: service "AI Image Generation": price_usd: "0.00" is not a price; write one above 0 with at most two decimals, like "5.00"`},
	{`price_usd = "5.00"`, `price_usd = "-5"`, `13: service "AI Image Generation": price_usd: "-5" is not a price; write one above 0 with at most two decimals, like "5.00"`},
	{`price_usd = "5.00"`, `price_usd = "5.001"`, `13: service "AI Image Generation": price_usd: "5.001" is not a price; write one above 0 with at most two decimals, like "5.00"`},
	{`turnaround_hours = 1`, `turnaround_hours = 0`, `14: service "AI Image Generation": turnaround_hours: is 0; write 1 to 8760`},
	{`turnaround_hours = 1`, `quota_limit = 5`, `14: service "AI Image Generation": quota_limit: is for price_type weekly and monthly only; remove it`},
	{`turnaround_hours = 1`, "quota_limit = 5\nprice_type = \"weekly\"", ""},
	{`turnaround_hours = 1`, `price_type = "hourly"`, `14: service "AI Image Generation": price_type: "hourly" is not a valid value; write one of fixed, quote, weekly, monthly`},
	{`turnaround_hours = 1`, `mode = "manual"`, `14: service "AI Image Generation": mode: "manual" is not a valid value; write one of auto, review, dry-run`},
	{`turnaround_hours = 1`, `kind = "song"`, `14: service "AI Image Generation": kind: "song" is not a valid value; write one of image, video, document, text, code, link`},
	{`type = "exec"`, `type = "magic"`, `18: generator.studio.type: "magic" is not a valid value; write one of exec, canvas, nats, a1111, comfyui, fal, gemini, http, luma, minimax, openai, recipe, replicate, runway`},
	{`type = "exec"` + "\n" + `command = ["./make-image", ""]`, `type = "canvas"`, `19: generator.studio.env: is for type exec only; remove it`},
	{`"./make-image", ""`, `""`, `19: generator.studio.command: names no program; write one like ["./make-image"]`},
	{`"./make-image", ""`, `"a\u0000b"`, `19: generator.studio.command: contains a NUL byte; remove it`},
	{`"OPENAI_API_KEY"`, `"ATELIER_API_KEY"`, `20: generator.studio.env[1]: passes on ATELIER_API_KEY, which no generator may see; remove it`},
	{`"OPENAI_API_KEY"`, `"ROUND=1"`, `20: generator.studio.env[1]: sets ROUND, which the daemon sets for each run; use another name`},
	{`"OPENAI_API_KEY"`, `"sk-secret=1"`, `20: generator.studio.env[1]: has no valid name; write NAME or NAME=value`},
	{`[generator.studio]`, "[generator.a]\ntype = \"exec\"\ncommand = [\"a\"]\nuser = \"atelier-gen\"\n[generator.studio]", ""},
	{`[generator.studio]`, "[generator.a]\ntype = \"exec\"\ncommand = [\"a\"]\nuser = \"one\"\n[generator.b]\ntype = \"exec\"\ncommand = [\"a\"]\nuser = \"two\"\n[generator.studio]", `24: generator.b.user: is "two", but generator.a has "one"; let all programs run as one user`},
	{`[generator.studio]`, "[generator.a]\ntype = \"canvas\"\nuser = \"one\"\n[generator.studio]", `19: generator.a.user: is not for type canvas; remove it`},
	{`[generator.studio]`, "[generator.\"a.b\\u001b\"]\ntype = \"canvas\"\n[generator.studio]", `17: generator."a.b\x1b": is not a valid name; use letters, digits, _ and -`},
	{`[agent]`, "[work]\nmax_attempts = 101\n[agent]", "4: work.max_attempts: is 101; write 1 to 100"},
	{`[agent]`, "[work]\ngenerators = 65\n[agent]", "4: work.generators: is 65; write 1 to 64"},
	{`[agent]`, "[work]\ndrain = \"11m\"\n[agent]", "4: work.drain: is 11m; write 0s to 10m"},
	{`[agent]`, "[work]\ndrain = \"0s\"\n[agent]", ""},
	{`[agent]`, "[poll]\ninterval = \"999ms\"\n[agent]", "4: poll.interval: is 999ms; write 1s to 24h"},
	{`[agent]`, "[budget]\nwindow = \"0s\"\n[agent]", "4: budget.window: is 0s; write 1s to 24h"},
	{`[agent]`, "[budget]\npoll = 0\n[agent]", "4: budget.poll: reserve is 0 and poll is 0, which leaves no request for polling; write a reserve below poll"},
	{`[agent]`, "[budget]\npoll = 5\n[agent]", ""},
	{`[agent]`, "[budget]\nshared_with = \"/srv/shared\"\n[agent]", ""},
	{`[agent]`, "[budget]\nshared_with = \"nats\"\n[agent]", `4: budget.shared_with: is "nats", and [nats] names no server; write urls = ["tls://nats.example.com:4222"] there`},
	{`[agent]`, "[nats]\nurls = [\"nats://127.0.0.1:4222\"]\n[budget]\nshared_with = \"nats\"\n[agent]", ""},
	{`[agent]`, "[budget]\nshared_with = \"data/shared\"\n[agent]", "4: budget.shared_with: is inside the data folder, which other agents cannot read; write a folder of its own"},
	{`[agent]`, "[budget]\nmessages = 61\n[agent]", "4: budget.messages: is 61; write 0 to 60"},
	{`[agent]`, "[poll]\ninterval = 150\n[agent]", `4: poll.interval: is a number without a unit; write text with a unit, like "2m30s"`},
	{`"https://atelierai.xyz/api"`, `"http://atelierai.xyz/api"`, "1: base_url: is http, which would send the API key in plain text; write https, http works for this machine only"},
	{`"https://atelierai.xyz/api"`, `"http://127.0.0.1:9/api"`, ""},
	{`"https://atelierai.xyz/api"`, `"http://[::1]:9/api"`, ""},
	{`"https://atelierai.xyz/api"`, `"http://127.0.0.1.example.com/api"`, "1: base_url: is http, which would send the API key in plain text; write https, http works for this machine only"},
	{`"https://atelierai.xyz/api"`, `"https://atelierai.xyz/api?x=1"`, "1: base_url: contains a query or a fragment; remove it"},
	{`"./data"`, `"~/data"`, "2: data_dir: begins with ~, which is not expanded here; write the whole path"},
}

func TestEachLimitIsReportedOnItsLine(t *testing.T) {
	t.Parallel()
	for _, c := range limits {
		text := strings.Replace(good, c.old, c.new, 1)
		if text == good {
			t.Fatalf("%q is not in the good file", c.old)
		}
		if got := strings.Join(problems(t, text), "\n"); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.new, got, c.want)
		}
	}
}

func TestASyntaxErrorShowsItsLineWithoutSecrets(t *testing.T) {
	t.Parallel()
	got := problems(t, "base_url = \"https://x\"\n[agent\nname = 5\n")
	if len(got) != 1 || !strings.HasPrefix(got[0], "2: ") || !strings.HasSuffix(got[0], `in the line: [agent`) {
		t.Errorf("problems = %q", got)
	}
	got = problems(t, "\"a\\u001b\" = 1\n\"a\\u001b\" = '\x7f'")
	if len(got) != 1 || strings.ContainsAny(got[0], "\x1b\x7f") {
		t.Errorf("problems = %q", got)
	}
	got = problems(t, "\"a\\u001b\" = 1\n\"a\\u001b\" = 2")
	if want := `2: not valid TOML: key a\x1b is already defined, in the line: "a\u001b" = 2`; len(got) != 1 || got[0] != want {
		t.Errorf("problems = %q, want %q", got, want)
	}
	for _, line := range []string{
		`env = ["OPENAI_API_KEY=sk-5ec2e7" "B"]`,
		`env = ["A", 'openai_key=sk-5ec2e7]`,
		`OPENAI_API_KEY=sk-5ec2e7`,
	} {
		got := problems(t, "[generator.x]\n"+line)
		if len(got) != 1 || !strings.HasPrefix(got[0], "2: ") || strings.Contains(got[0], "5ec2e7") {
			t.Errorf("%s: %q", line, got)
		}
	}
}

func TestAWrongTypeIsOneProblemAndHidesNoOthers(t *testing.T) {
	t.Parallel()
	got := problems(t, "agent = 5\npoll = [1]\nservice = [{title = true}, 3]\n[generator]\nx = \"canvas\"\n")
	want := []string{
		"1: agent: is an integer; write a table",
		"2: poll: is a list; write a table",
		"3: service[0].category: is missing; write one of " + strings.Join(capabilities, ", "),
		"3: service[0].description: is missing; write 10 to 1000 characters",
		"3: service[0].generator: is missing; write the NAME of a [generator.NAME]",
		`3: service[0].price_usd: is missing; write a price like "5.00"`,
		"3: service[0].title: is a boolean; write a string",
		"3: service[1]: is an integer; write a table",
		"5: generator.x: is a string; write a table",
	}
	if !slices.Equal(got, want) {
		t.Errorf("problems:\n%s", strings.Join(got, "\n"))
	}
}

func TestWhatMayBeIntendedIsOnlyAWarning(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer(`payout_wallet = "`+wallet+`"`, "", "High-quality pictures made from your words, fast.", "Pictures, fast.").Replace(good) +
		"[generator.spare]\ntype = \"canvas\"\n[poll]\ninterval = \"60s\"\n[budget]\nwindow = \"10m\"\n[work]\ndeliver_timeout = \"5s\"\n"
	c, err := Load(write(t, text))
	if err != nil {
		t.Fatal(err)
	}
	warned := func(c *Config) (keys []string) {
		for _, w := range c.Warnings() {
			w = strings.NewReplacer(`service "AI Image Generation": `, "service.").Replace(w)
			keys = append(keys, strings.Join(strings.SplitN(strings.TrimPrefix(w, c.Path+":"), ": ", 3)[:2], " "))
		}
		return keys
	}
	want := []string{
		"3 agent.payout_wallet", "11 service.description", "21 generator.spare",
		"24 poll.interval", "26 budget.window", "28 work.deliver_timeout",
	}
	if got := warned(c); !slices.Equal(got, want) {
		t.Errorf("warnings = %q, want %q", got, want)
	}
	c, err = Load(write(t, strings.Replace(text, "https://atelierai.xyz/api", "http://localhost:1/api", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if got := warned(c); !slices.Equal(got, want[:3]) {
		t.Errorf("against a sandbox: warnings = %q, want %q", got, want[:3])
	}
}

func TestTheExampleLoadsAndWarnsOnlyOfTheMissingWallet(t *testing.T) {
	t.Parallel()
	c, err := Load(write(t, Example()))
	if err != nil {
		t.Fatal(err)
	}
	if w := c.Warnings(); len(w) != 1 || !strings.Contains(w[0], "agent.payout_wallet") {
		t.Errorf("warnings = %q", w)
	}
	if g := c.Generators[c.Services[0].Generator]; g.Type != TypeCanvas {
		t.Errorf("generator = %+v", g)
	}
}

// Every key that the example shows behind a # must be valid.
func TestTheCommentedKeysOfTheExampleLoad(t *testing.T) {
	t.Parallel()
	before, exec, found := strings.Cut(Example(), "\n# [generator.studio]\n")
	before, _, canvas := strings.Cut(before, "[generator.studio]\ntype")
	if !found || !canvas {
		t.Fatal("the example does not show both generators")
	}
	text := before + "\n# [generator.studio]\n" + exec
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		if bare := strings.TrimPrefix(line, "# "); strings.Contains(bare, " = ") || strings.HasPrefix(bare, "[") {
			line = bare
		}
		lines = append(lines, line)
	}
	text = strings.NewReplacer(`wallet = ""`, `wallet = "`+wallet+`"`, "quota_limit = 0", "",
		`window = "messages"`, "", `window_margin = "2h"`, "", `quote = {`, `# quote = {`).Replace(strings.Join(lines, "\n"))
	c, err := Load(write(t, text))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := Load(write(t, Example()))
	if err != nil {
		t.Fatal(err)
	}
	if w := c.Warnings(); len(w) != 0 {
		t.Errorf("warnings = %q", w)
	}
	c.Budget.SharedWith = "" // it has no default
	if c.Budget != plain.Budget || c.Work != plain.Work || c.Poll != plain.Poll || c.BaseURL != plain.BaseURL ||
		c.BlobURL != plain.BlobURL || filepath.Base(c.DataDir) != filepath.Base(plain.DataDir) {
		t.Error("a default in the example is not the default")
	}
	if c.Generators["studio"].Type != TypeExec || c.Services[0].MaxRevisions != 3 {
		t.Errorf("config = %+v", c)
	}
}

func TestFilesFromWindowsLoad(t *testing.T) {
	t.Parallel()
	if got := problems(t, "\ufeff"+strings.ReplaceAll(good, "\n", "\r\n")); got != nil {
		t.Errorf("problems = %q", got)
	}
}

func TestAWindowMarginIsForWindowsWithPieces(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{
		"price_type = \"weekly\"\nwindow = \"messages\"\nwindow_margin = \"2h\"":  "",
		"price_type = \"weekly\"\nwindow_margin = \"2h\"":                         "window_margin",
		"price_type = \"weekly\"\nwindow = \"messages\"\nwindow_margin = \"50h\"": "window_margin",
	} {
		text := strings.Replace(Example(), "turnaround_hours = 1\n", keys+"\n", 1)
		c, err := Load(write(t, text))
		switch {
		case want == "" && (err != nil || c.Services[0].WindowMargin != 2*time.Hour):
			t.Errorf("%q: %v", keys, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v", keys, err)
		}
	}
}
