package grammar_test

import (
	"strings"
	"testing"

	"atelierd/internal/grammar"

	"github.com/alecthomas/kong"
)

// line is a command line with all that completion has to tell apart.
type line struct {
	File    string   `short:"c" placeholder:"FILE"`
	Verbose bool     `short:"v"`
	Tag     []string `placeholder:"TAG"`
	Secret  string   `hidden:""`
	Shop    struct {
		List struct {
			Sort string `enum:"name,price" default:"name"`
			Most int    `short:"n" default:"5"`
		} `cmd:"" default:"withargs" help:"List\nall."`
		Buy struct {
			Good  string   `arg:""`
			Maker string   `arg:"" complete:"person"`
			More  []string `arg:"" optional:""`
			Dir   string   `placeholder:"DIR"`
		} `cmd:"" help:"Buy one."`
	} `cmd:"" help:"Shop."`
	Help struct {
		Command []string `arg:"" optional:""`
	} `cmd:"" help:"Show help."`
	Ghost struct{} `cmd:"" hidden:""`
}

func tree(t *testing.T) grammar.Tree {
	t.Helper()
	k, err := kong.New(&line{}, kong.Name("prog"))
	if err != nil {
		t.Fatal(err)
	}
	return grammar.New(k)
}

// TestComplete looks at what completes the last word of a command line.
func TestComplete(t *testing.T) {
	t.Parallel()
	flags := "--help --file --verbose --tag"
	for _, test := range []struct{ words, want string }{
		{"", "shop help"},
		{"|s", "shop"},
		{"|g", ""},
		{"|shop|", "list buy"},
		{"|--verbose|shop|b", "buy"},
		{"|-c|shop|sh", "shop"},
		{"|-", flags},
		{"|--verbose|-", strings.Replace(flags, " --verbose", "", 1)},
		{"|--tag|a|--t", "--tag"},
		{"|--secret|x|s", "shop"},
		{"|shop|--s", "--sort"},
		{"|shop|--sort|", "name price"},
		{"|shop|--sort|=|p", "price"},
		{"|shop|--sort|=", "name price"},
		{"|shop|--sort=p", "--sort=price"},
		{"|shop|-n5|b", "buy"},
		{"|--nothing|s", "shop"},
		{"|--file|", "files"},
		{"|-c|x", "files"},
		{"|--file=x", "files"},
		{"|--tag|", "<tag>"},
		{"|shop|buy|", "<good>"},
		{"|shop|buy|x|", "<person>"},
		{"|shop|buy|x|y|", "<more>"},
		{"|shop|buy|x|y|z|z|", "<more>"},
		{"|shop|buy|--dir|", "dirs"},
		{"|shop|buy|--|--v", "<good>"},
		{"|shop|list|", "--sort --most " + flags},
		{"|help|shop|", "list buy"},
		{"|help|-", ""},
	} {
		t.Run(test.words, func(t *testing.T) {
			t.Parallel()
			c := tree(t).Complete(strings.Split(strings.TrimPrefix(test.words, "|"), "|"))
			var got []string
			for _, candidate := range c.Words() {
				got = append(got, candidate.Value)
			}
			switch {
			case c.Files:
				got = append(got, "files")
			case c.Dirs:
				got = append(got, "dirs")
			case c.Kind != "":
				got = append(got, "<"+c.Kind+">")
			}
			if text := strings.Join(got, " "); text != test.want {
				t.Errorf("%q is completed by %q, want %q", test.words, text, test.want)
			}
		})
	}
}

// TestCompleteKeepsWhatFits adds values of the program's own, with the flag that says
// where they come from.
func TestCompleteKeepsWhatFits(t *testing.T) {
	t.Parallel()
	c := tree(t).Complete([]string{"-c", "my file", "shop", "buy", "a"})
	if c.Flags["file"] != "my file" {
		t.Errorf("the flag before is %q", c.Flags["file"])
	}
	c.Add(grammar.Candidate{Value: "apple", Help: "red\n and\tround"}, grammar.Candidate{Value: "pear"})
	var b strings.Builder
	c.Print(&b)
	if want := "words\napple\tred and round\n"; b.String() != want {
		t.Errorf("printed %q, want %q", b.String(), want)
	}
}

// TestManEscapes writes a page from text that means something else in roff.
func TestManEscapes(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	err := tree(t).Man(&b, grammar.Manual{
		Version: "v1", Date: "2026-11-26", Summary: "sell things",
		About: strings.Repeat("word ", 15) + "..\n.so\\n --x\n\n  'kept\n  .lines\n\nend",
		Then:  []grammar.Section{{Title: "Files", Terms: []grammar.Candidate{{Value: ".file", Help: "'quoted'"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		".TH PROG 1 \"2026-11-26\" \"prog v1\" \"User Commands\"\n", "\n\\&.so\\en \\-\\-x\n", ".nf\n  'kept\n  .lines\n.fi\n",
		".TP\n\\fB\\&.file\\fR\n\\&'quoted'\n", ".SS \\fBshop\\fR [\\fBlist\\fR]\n", "\\fBshop buy\\fR \\fIgood\\fR",
		"[\\fImore\\fR ...]", "\\fB\\-c\\fR, \\fB\\-\\-file\\fR=\\fIFILE\\fR\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, b.String())
		}
	}
	for _, hidden := range []string{"ghost", "secret"} {
		if strings.Contains(b.String(), hidden) {
			t.Errorf("the page shows %s", hidden)
		}
	}
}
