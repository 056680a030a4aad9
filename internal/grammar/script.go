package grammar

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
)

var (
	//go:embed scripts/bash.sh
	bash string
	//go:embed scripts/zsh.sh
	zsh string
	//go:embed scripts/fish.fish
	fish string
)

// Script returns the script that brings completion into a shell: bash, zsh or fish. It
// runs the hidden command complete with the words of the command line.
func Script(shell string) string {
	return map[string]string{"bash": bash, "zsh": zsh, "fish": fish}[shell]
}

// Print writes a completion for the scripts: who completes, then a candidate a line, with
// its help after a tab.
func (c Completion) Print(w io.Writer) {
	switch {
	case c.Files:
		fmt.Fprintln(w, "files")
	case c.Dirs:
		fmt.Fprintln(w, "dirs")
	default:
		fmt.Fprintln(w, "words")
	}
	for _, candidate := range c.Words() {
		fmt.Fprintf(w, "%s\t%s\n", candidate.Value, strings.Join(strings.Fields(candidate.Help), " "))
	}
}
