package cli

import (
	"io"
	"os"
	"regexp"
	"strings"

	"atelierd/internal/term"
)

// twoColumns matches a line of help with a name and what it means.
var twoColumns = regexp.MustCompile(`^( {2,8}\S(?:.*?\S)?) {2,}(\S.*)$`)

// continued matches the end of a line of a command that continues on the next, and
// shellWord a word of one.
var (
	continued = regexp.MustCompile(` \\\n +`)
	shellWord = regexp.MustCompile(`'[^']*'|\S+`)
)

// helpColumns is the width for which help is written.
const helpColumns = 80

// PrintHelp prints the help of a command. On a narrower terminal than it is written for,
// the meaning of a name stands below it, and paragraphs are filled again.
func PrintHelp(w io.Writer, text string) error {
	g := term.NewPage(w, os.Getenv)
	if g.Width == 0 || g.Width >= helpColumns {
		_, err := io.WriteString(w, text)
		return err
	}
	var name, meaning string
	flush := func() {
		if name != "" {
			g.Note("  ", name)
		}
		if meaning != "" {
			g.Note(strings.Repeat("    ", min(len(name), 1)), meaning)
		}
		name, meaning = "", ""
	}
	for line := range strings.SplitSeq(continued.ReplaceAllString(strings.TrimRight(text, "\n"), " "), "\n") {
		words := strings.TrimLeft(line, " ")
		indent := len(line) - len(words)
		m := twoColumns.FindStringSubmatch(line)
		switch {
		case words == "":
			flush()
			g.Linef("")
		case name != "" && indent > 8, meaning != "" && name == "" && indent == 0:
			meaning += " " + words
		case m != nil:
			flush()
			name, meaning = strings.TrimSpace(m[1]), m[2]
		case indent == 0:
			flush()
			meaning = words
		default:
			flush()
			g.Command(line[:indent], shellWord.FindAllString(words, -1)...)
		}
	}
	flush()
	return g.Print(w)
}
