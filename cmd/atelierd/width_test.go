package main_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	main "atelierd/cmd/atelierd"
	"atelierd/internal/sandbox"
	"atelierd/internal/term/termtest"

	"golang.org/x/text/width"
)

// ownScreen are the commands that are not run here, and why.
var ownScreen = map[string]string{
	"demo":  "it draws a screen of its own, without automatic line ends",
	"run":   "it shows the log alone, as once does",
	"paint": "the demo runs it",
}

// narrowCommands are the arguments of commands. One that is not here is run without any.
// ORDER, HELD and BOUNTY stand for ids.
// A command may fail: its error has to fit too.
var narrowCommands = map[string][][]string{
	"init":                  {{"--config", "new-and-rather-long-name-of-a-file.toml"}, {}},
	"doctor":                {{}},
	"once":                  {{}},
	"poll":                  {{}},
	"status":                {{}, {"--check"}},
	"orders list":           {{"--all"}, {}, {"--state", "paid"}},
	"orders show":           {{"ORDER"}, {"HELD"}, {"none"}, {"ord_"}},
	"orders approve":        {{"HELD"}, {"ORDER"}},
	"orders retry":          {{"ORDER"}, {"HELD"}},
	"orders redo":           {{"HELD"}},
	"orders resubmit":       {{"ORDER"}},
	"orders assign":         {{"ORDER", "a service that there is not"}},
	"orders cancel":         {{"HELD", "--reason", strings.Repeat("because ", 30)}},
	"pause":                 {{}},
	"resume":                {{}},
	"quote":                 {{"ORDER", "5.00"}},
	"messages":              {{"ORDER"}, {"ORDER", "--send", strings.Repeat("hello ", 30)}},
	"services list":         {{}},
	"services sync":         {{}, {"--yes"}},
	"services retire":       {{"none"}},
	"generators list":       {{}},
	"generators resume":     {{"studio"}, {"none"}},
	"generators try":        {{"studio", "--yes"}, {"none"}},
	"agent show":            {{}},
	"agent sync":            {{}},
	"agent recover":         {{}},
	"bounties list":         {{}},
	"bounties show":         {{"BOUNTY"}, {"none"}},
	"bounties claim":        {{"BOUNTY"}},
	"bounties withdraw":     {{"BOUNTY"}},
	"clients":               {{}, {"--sort", "last"}, {"Client"}, {"none"}},
	"earnings show":         {{}, {"--by", "service"}, {"--by", "order"}, {"--by", "provider"}},
	"earnings retry-payout": {{"ORDER"}},
	"reconcile":             {{}},
	"notify test":           {{}},
	"notify digest":         {{}},
	"token launch":          {{"FOX"}},
	"sandbox":               {{"--listen", "127.0.0.1:99999"}},
	"version":               {{}},
}

// TestEveryCommandFitsANarrowTerminal guards that nothing is wider than the screen or
// breaks in the middle of a word, with and without colours, whatever clients write.
func TestEveryCommandFitsANarrowTerminal(t *testing.T) {
	t.Parallel()
	leaves, err := main.Leaves()
	if err != nil || len(leaves) < 30 {
		t.Fatalf("%d commands, %v", len(leaves), err)
	}
	n := newNarrow(t)
	for _, leaf := range leaves {
		if ownScreen[leaf] != "" {
			continue
		}
		n.check(append(strings.Fields(leaf), "--help"))
		cases, known := narrowCommands[leaf]
		if !known {
			cases = [][]string{{}}
		}
		for _, args := range cases {
			n.check(append(strings.Fields(leaf), args...))
		}
	}
}

// narrow is a data folder full of long and hostile texts.
type narrow struct {
	*testing.T
	dir   string
	env   []string
	names *strings.Replacer
}

const hostile = "Gartenzwerg-Manufakturgesellschaft 界界界界界界界界界界界界界界界界界界界界界界界界界界界界 \x1b[2J " +
	"https://example.test/a/very/long/path/that/goes/on?and=on&and=on #ütterly \U0001f98a\U0001f98a\n\n\tand another line of it"

// longTitle is the title of a service.
var longTitle = strings.TrimSpace(strings.Repeat("Pictures ", 8))

const narrowConfig = `
base_url = "%[1]s/api"
blob_url = "%[1]s/blob/"
data_dir = "a-data-folder-with-a-long-name/and-another-one-in-it"
[agent]
name = "narrow"
description = "an agent whose commands are shown on narrow terminals"
endpoint_url = "https://agent.test/%[2]s"
[budget]
window = "1s"
[work]
backoff = "10ms"
[[service]]
title = "%[3]s"
description = "Pictures that are painted with the greatest care in the world."
category = "image_gen"
price_usd = "5.00"
deliverables = ["one picture"]
generator = "studio"
repeats = true
[[service]]
title = "Reviewed"
description = "Pictures that are looked at with the greatest care in the world."
category = "video_gen"
price_usd = "1234.56"
deliverables = ["one picture"]
generator = "refuses"
[[notify]]
type = "ntfy"
url = "%[1]s/nobody-listens-here"
[generator.studio]
type = "canvas"
[generator.refuses]
type = "exec"
command = ["sh", "-c", "echo '%[4]s' >&2; exit 65"]
`

func newNarrow(t *testing.T) *narrow {
	t.Helper()
	market := sandbox.New(sandbox.Options{Seed: 1, Window: time.Second})
	server := httptest.NewServer(market)
	t.Cleanup(server.Close)
	id, key, err := market.AddAgent("narrow", "", "")
	if err != nil {
		t.Fatal(err)
	}
	n := &narrow{T: t, dir: t.TempDir(), env: []string{"PATH=" + os.Getenv("PATH"), "ATELIER_AGENT_ID=" + id, "ATELIER_API_KEY=" + key, "TERM=xterm"}}
	n.env = append(n.env, "HOME="+n.dir)
	config := fmt.Sprintf(narrowConfig, server.URL, strings.Repeat("x", 100), longTitle, strings.Repeat("I will not paint that. ", 12))
	if err := os.WriteFile(filepath.Join(n.dir, "atelierd.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	n.run("once")
	n.fill(market)
	return n
}

// fill has the market do what makes the commands show as much as they can.
func (n *narrow) fill(market *sandbox.Server) {
	n.Helper()
	orders := map[string]string{}
	for _, title := range []string{longTitle, "Reviewed", "no service of ours"} {
		id, err := market.PlaceOrder(sandbox.NewOrder{ServiceTitle: title, Brief: title + hostile})
		if err != nil {
			n.Fatal(err)
		}
		orders[title] = id
	}
	n.run("once")
	delivered := orders[longTitle]
	for range 3 {
		if err := market.ClientMessage(delivered, hostile); err != nil {
			n.Fatal(err)
		}
	}
	if err := market.Approve(delivered); err != nil {
		n.Fatal(err)
	}
	bounty, err := market.PostBounty(sandbox.NewBounty{Title: strings.Repeat("a poster of the sea ", 5), Brief: hostile, BudgetUSD: "15.00"})
	if err != nil {
		n.Fatal(err)
	}
	n.run("once")
	n.names = strings.NewReplacer("ORDER", delivered, "HELD", orders["Reviewed"], "BOUNTY", bounty)
}

// command returns a command that is ready to run.
func (n *narrow) command(args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(n.Context(), patience)
	n.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = n.dir, n.env
	return cmd
}

func (n *narrow) run(args ...string) {
	n.Helper()
	if out, err := n.command(args...).CombinedOutput(); err != nil {
		n.Fatalf("%q: %v\n%s", args, err, out)
	}
}

// check runs a command on terminals of 80 and 40 columns with and without colours, and
// compares what they show with what a wide one shows, before and after a change.
func (n *narrow) check(args []string) {
	for i, arg := range args {
		args[i] = n.names.Replace(arg)
	}
	// The window of requests opens and ends meanwhile.
	wide := "no window is open the window ends in 0s; all 0 of 0"
	for range 2 {
		wide += " " + n.shown(10_000, true, args)
	}
	words := map[string]int{}
	for _, word := range strings.Fields(wide) {
		words[alike(word)] = max(words[alike(word)], cells(word))
	}
	for _, columns := range []int{80, 40} {
		for _, colour := range []bool{true, false} {
			n.checkOn(columns, colour, args, words)
		}
	}
}

// shown returns what a terminal shows of a command.
func (n *narrow) shown(columns int, colour bool, args []string) string {
	terminal := termtest.Open(n.T, columns)
	cmd := n.command(args...)
	cmd.Stdout, cmd.Stderr = terminal.File, terminal.File
	if !colour {
		cmd.Env = append(slices.Clone(cmd.Env), "NO_COLOR=1")
	}
	_ = cmd.Run() // its failure is shown
	return escapes.ReplaceAllStringFunc(terminal.Close(), func(escape string) string {
		if !colour {
			n.Errorf("atelierd %s shows a colour", strings.Join(args, " "))
		}
		return ""
	})
}

func (n *narrow) checkOn(columns int, colour bool, args []string, words map[string]int) {
	shown := n.shown(columns, colour, args)
	what := fmt.Sprintf("atelierd %s, %d columns, colours %v", strings.Join(args, " "), columns, colour)
	for line := range strings.Lines(shown) {
		if got := cells(strings.TrimRight(line, "\r\n")); got > columns {
			n.Errorf("%s: a line has %d columns: %s", what, got, line)
		}
	}
	for _, word := range strings.Fields(shown) {
		if !whole(alike(word), words, columns) {
			n.Errorf("%s: %q is no whole word\n%s", what, word, shown)
			return
		}
	}
}

var (
	escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")
	digits  = regexp.MustCompile(`[0-9]+`)
	spans   = regexp.MustCompile(`^(\W*)(?:0(?:ms|[smhd]))+(\W*)$`)
)

// alike makes words alike that differ in numbers or in units of time only, because time
// passes: what happened 59s ago happened 1m ago in the next run.
func alike(word string) string {
	return spans.ReplaceAllString(digits.ReplaceAllString(word, "0"), "${1}0s$2")
}

// whole reports whether a word of a narrow terminal is one of the words, or a part of
// one that may be too long for a line. What is cut has an ellipsis.
func whole(word string, words map[string]int, columns int) bool {
	if words[word] > 0 || strings.Contains(word, "…") || word == `\` {
		return true
	}
	for w, cells := range words {
		if cells > columns/3 && strings.Contains(w, word) {
			return true
		}
	}
	return false
}

// cells returns the width of a text on a terminal.
func cells(text string) int {
	n := 0
	for _, r := range text {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			if !bytes.ContainsRune([]byte("\u0301\u200d"), r) {
				n++
			}
		}
	}
	return n
}
