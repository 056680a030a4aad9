package order

import "strings"

// AnyOrder stands for the order's id in a command of a hint whose writer does not
// know the order. Failure.For puts the id there.
const AnyOrder = "ORDER"

// Command returns a command line of atelierd for a hint, in backquotes:
// Command("orders retry", id) is "`atelierd orders retry ord_1`". The first
// argument is the command with its options, as it is.
//
// The other arguments are foreign text, which the owner pastes into a shell. One
// that is not a plain word, or that looks like an option, is shown as ORDER.
func Command(command string, args ...string) string {
	words := []string{"atelierd", command}
	for _, w := range args {
		if !shellSafe(w) {
			w = AnyOrder
		}
		words = append(words, w)
	}
	return "`" + strings.Join(words, " ") + "`"
}

// CommandFor returns the command line with the title of a service, or without an argument
// if that is empty. A title that cannot be pasted is shown as SERVICE.
func CommandFor(command, service string) string {
	switch {
	case service == "":
		return Command(command)
	case shellSafe(service):
		return Command(command, service)
	case shellSafe(strings.ReplaceAll(service, " ", "")):
		return Command(command + " '" + service + "'")
	}
	return Command(command + " SERVICE")
}

// For returns f for an order: the commands in its hint name the order.
func (f *Failure) For(id string) *Failure {
	if !strings.Contains(f.Hint, " "+AnyOrder) || !shellSafe(id) {
		return f
	}
	own := *f
	own.Hint = strings.ReplaceAll(f.Hint, " "+AnyOrder, " "+id)
	return &own
}

// shellSafe reports whether a shell takes the text as one plain word.
func shellSafe(w string) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
	return w != "" && strings.Trim(w, plain) == "" && w[0] != '-'
}
