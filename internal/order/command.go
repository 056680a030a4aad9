package order

import "strings"

// Command returns a command line of atelierd for a hint, in backquotes:
// Command("orders", "retry", id) is "`atelierd orders retry ord_1`".
//
// An id is a stranger's text and the owner pastes the command into a shell. An
// argument that a shell could take for more than a word is shown as ORDER.
func Command(args ...string) string {
	words := append([]string{"atelierd"}, args...)
	for i, w := range words {
		if !shellSafe(w) {
			words[i] = "ORDER"
		}
	}
	return "`" + strings.Join(words, " ") + "`"
}

// shellSafe reports whether a shell takes the text as one plain word. Words in
// capitals stand for what the owner puts there; options begin with two dashes.
func shellSafe(w string) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
	return w != "" && strings.Trim(w, plain) == "" && (w[0] != '-' || strings.HasPrefix(w, "--"))
}
