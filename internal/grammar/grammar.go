// Package grammar writes what follows from the grammar of the command line: the
// candidates of completion, the scripts that bring them into a shell, and the
// manual page.
//
// It must not know which commands there are, or what they do.
package grammar

import (
	"strings"

	"github.com/alecthomas/kong"
)

// Tree is the grammar of a program.
type Tree struct{ root *kong.Node }

// New returns the grammar of the parser.
func New(k *kong.Kong) Tree { return Tree{k.Model.Node} }

// leaves returns the commands that can be run, in the order of the help.
func (t Tree) leaves() []*kong.Node { return t.root.Leaves(true) }

// takesValue reports whether the flag is followed by a value.
func takesValue(f *kong.Flag) bool { return !f.IsBool() && !f.IsCounter() }

// flagsOf returns the flags that a command takes, its own last. Of a group with a command
// that is meant without its name, those of that command count too.
func flagsOf(node *kong.Node) [][]*kong.Flag {
	if node.DefaultCmd != nil {
		node = node.DefaultCmd
	}
	return node.AllFlags(false)
}

// flagOf returns the flag that a word names, such as --state, --state=held or -n,
// below a command, or nil.
func flagOf(node *kong.Node, word string) *kong.Flag {
	name, _, _ := strings.Cut(word, "=")
	for _, group := range flagsOf(node) {
		for _, f := range group {
			if name == "--"+f.Name || len(name) > 1 && name[0] == '-' && f.Short != 0 && strings.HasPrefix(name[1:], string(f.Short)) {
				return f
			}
		}
	}
	return nil
}

// childOf returns the command of that name below another, or nil.
func childOf(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}
