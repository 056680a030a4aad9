package grammar

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// Manual is what a manual page has besides the grammar.
type Manual struct {
	Version string
	Date    string // as 2006-01-02
	Summary string // a few words
	About   string // paragraphs
	Then    []Section
}

// Section is a section behind those of the grammar: terms with their meaning, and text.
type Section struct {
	Title string
	Text  string
	Terms []Candidate
}

// Man writes the manual page of the program, in the macros of man(7).
func (t Tree) Man(w io.Writer, m Manual) error {
	var b strings.Builder
	name := t.root.Name
	fmt.Fprintf(&b, ".TH %s 1 %q %q %q\n", strings.ToUpper(name), m.Date, name+" "+m.Version, "User Commands")
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", name, roff(m.Summary))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n.I command\n.RI [ flags ]\n", name)
	b.WriteString(".SH DESCRIPTION\n")
	paragraphs(&b, m.About)
	b.WriteString(".SH COMMANDS\n")
	for _, leaf := range t.leaves() {
		command(&b, leaf)
	}
	b.WriteString(".SH FLAGS\nEvery command takes these.\n")
	flags(&b, t.root.Flags)
	for _, s := range m.Then {
		fmt.Fprintf(&b, ".SH %s\n", strings.ToUpper(s.Title))
		paragraphs(&b, s.Text)
		for _, term := range s.Terms {
			tagged(&b, "\\fB"+roff(term.Value)+"\\fR", term.Help)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// command writes what a command is for, its arguments and its own flags.
func command(b *strings.Builder, node *kong.Node) {
	var usage strings.Builder
	if node.Parent.DefaultCmd == node {
		usage.WriteString("\\fB" + roff(node.Parent.Path()) + "\\fR [\\fB" + roff(node.Name) + "\\fR]")
	} else {
		usage.WriteString("\\fB" + roff(node.Path()) + "\\fR")
	}
	for _, arg := range node.Positional {
		text := "\\fI" + roff(arg.Name) + "\\fR"
		if arg.IsCumulative() {
			text += " ..."
		}
		if !arg.Required {
			text = "[" + text + "]"
		}
		usage.WriteString(" " + text)
	}
	fmt.Fprintf(b, ".SS %s\n", usage.String())
	paragraphs(b, node.Help+"\n\n"+node.Detail)
	for _, arg := range node.Positional {
		tagged(b, "\\fI"+roff(arg.Name)+"\\fR", arg.Help)
	}
	flags(b, node.Flags)
}

// flags writes flags with their meaning.
func flags(b *strings.Builder, list []*kong.Flag) {
	for _, f := range list {
		if f.Hidden {
			continue
		}
		name := "\\fB" + roff("--"+f.Name) + "\\fR"
		if f.Short != 0 {
			name = "\\fB" + roff("-"+string(f.Short)) + "\\fR, " + name
		}
		if takesValue(f) {
			name += "=\\fI" + roff(f.FormatPlaceHolder()) + "\\fR"
		}
		tagged(b, name, f.Help)
	}
}

// tagged writes a term and what it means.
func tagged(b *strings.Builder, term, meaning string) {
	fmt.Fprintf(b, ".TP\n%s\n", term)
	fill(b, meaning)
}

// paragraphs writes text with empty lines between its paragraphs. Those that are indented
// keep their lines.
func paragraphs(b *strings.Builder, text string) {
	first := true
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		paragraph = strings.Trim(paragraph, "\n")
		if paragraph == "" {
			continue
		}
		if !first {
			b.WriteString(".PP\n")
		}
		first = false
		if !strings.HasPrefix(paragraph, " ") && !strings.HasPrefix(paragraph, "\t") {
			fill(b, paragraph)
			continue
		}
		b.WriteString(".nf\n")
		for line := range strings.SplitSeq(paragraph, "\n") {
			fmt.Fprintln(b, roff(line))
		}
		b.WriteString(".fi\n")
	}
}

// manColumns is the length of a line of the page's source.
const manColumns = 78

// fill writes a paragraph in lines of manColumns.
func fill(b *strings.Builder, text string) {
	line := ""
	for _, word := range strings.Fields(roff(text)) {
		if line != "" && len(line)+1+len(word) > manColumns {
			fmt.Fprintln(b, guard(line))
			line = ""
		}
		line = strings.TrimLeft(line+" "+word, " ")
	}
	fmt.Fprintln(b, guard(line))
}

// roff returns text as roff prints it.
func roff(text string) string {
	return guard(strings.NewReplacer(`\`, `\e`, "-", `\-`, "\t", "    ", "…", "...").Replace(text))
}

// guard keeps a line of text from being a request, as one that begins with a dot would be.
func guard(line string) string {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}
