package order

import "strings"

// Command returns a command line of atelierd for a hint, in backquotes:
// Command("orders retry", id) is "`atelierd orders retry ord_1`". The first
// argument is the command with its options, as it is.
//
// The other arguments are a stranger's text, which the owner pastes into a
// shell: one that is not a plain word, or that looks like an option, is shown as
// ORDER.
func Command(command string, args ...string) string {
	words := []string{"atelierd", command}
	for _, w := range args {
		if !shellSafe(w) {
			w = "ORDER"
		}
		words = append(words, w)
	}
	return "`" + strings.Join(words, " ") + "`"
}

// shellSafe reports whether a shell takes the text as one plain word.
func shellSafe(w string) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
	return w != "" && strings.Trim(w, plain) == "" && w[0] != '-'
}
