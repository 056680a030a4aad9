package grammar

import (
	"cmp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Candidate is a word that completion offers.
type Candidate struct {
	Value string
	Help  string // one line, or empty
}

// Completion is what may stand at the place of the last word.
type Completion struct {
	Candidates []Candidate
	// Files and Dirs ask the shell for names of files or folders.
	Files, Dirs bool
	// Kind names the values that only the program knows, such as "order".
	Kind string
	// Flags are the values of flags that stand before, such as those of "config".
	Flags map[string]string

	prefix string // what the last word has before the value: --flag=
	word   string // what there is of the value
}

// position is where the last word stands.
type position struct {
	node   *kong.Node
	args   int          // arguments of the command before it
	value  *kong.Flag   // the flag whose value it is
	noFlag bool         // behind --
	help   bool         // behind the command help, which names others
	seen   []*kong.Flag // flags before it
	flags  map[string]string
}

// Complete returns what completes the last of the words that follow the name of the
// program. bash splits a word at "="; both forms are understood.
func (t Tree) Complete(words []string) Completion {
	if len(words) == 0 {
		words = []string{""}
	}
	at := position{node: t.root, flags: map[string]string{}}
	last := len(words) - 1
	for _, w := range words[:last] {
		at.read(w)
	}
	c := Completion{Flags: at.flags, word: words[last]}
	if at.value != nil {
		c.word = strings.TrimPrefix(c.word, "=")
		c.values(at.value.Value, at.value.PlaceHolder)
		return c.matching()
	}
	if strings.HasPrefix(c.word, "-") && !at.noFlag {
		if f := flagOf(at.node, c.word); f != nil && takesValue(f) && strings.Contains(c.word, "=") {
			name, value, _ := strings.Cut(c.word, "=")
			c.prefix, c.word = name+"=", value
			c.values(f.Value, f.PlaceHolder)
			return c.matching()
		}
		c.flags(at)
		return c.matching()
	}
	c.commands(at)
	if arg := at.argument(); arg != nil {
		c.values(arg, arg.Name)
	}
	if c.word == "" && len(c.Candidates) == 0 && at.argument() == nil {
		c.flags(at)
	}
	return c.matching()
}

// read goes past a word.
func (at *position) read(word string) {
	switch {
	case at.value != nil && word == "=":
	case at.value != nil:
		at.flags[at.value.Name] = word
		at.value = nil
	case word == "--" && !at.noFlag:
		at.noFlag = true
	case strings.HasPrefix(word, "-") && len(word) > 1 && !at.noFlag:
		f := flagOf(at.node, word)
		if f == nil {
			return
		}
		at.seen = append(at.seen, f)
		_, value, given := strings.Cut(word, "=")
		attached := !strings.HasPrefix(word, "--") && len(word) > 2 // -n50
		if given {
			at.flags[f.Name] = value
		} else if takesValue(f) && !attached {
			at.value = f
		}
	case at.args == 0 && childOf(at.node, word) != nil:
		at.node = childOf(at.node, word)
		if at.node.Name == "help" && at.node.Parent.Parent == nil {
			at.node, at.help = at.node.Parent, true
		}
	default:
		if at.node.DefaultCmd != nil {
			at.node = at.node.DefaultCmd
		}
		at.args++
	}
}

// argument returns the argument of the command that the last word is, or nil.
func (at *position) argument() *kong.Value {
	node := at.node
	if node.DefaultCmd != nil {
		node = node.DefaultCmd
	}
	if at.help || len(node.Positional) == 0 {
		return nil
	}
	if end := node.Positional[len(node.Positional)-1]; at.args >= len(node.Positional) {
		if end.IsCumulative() {
			return end
		}
		return nil
	}
	return node.Positional[at.args]
}

// commands adds the commands that may stand here.
func (c *Completion) commands(at position) {
	if at.args > 0 {
		return
	}
	for _, child := range at.node.Children {
		if !child.Hidden {
			c.Candidates = append(c.Candidates, Candidate{child.Name, child.Help})
		}
	}
}

// flags adds the flags that may stand here and do not yet.
func (c *Completion) flags(at position) {
	if at.help {
		return
	}
	groups := flagsOf(at.node)
	slices.Reverse(groups) // the command's own first
	for _, group := range groups {
		for _, f := range group {
			if !f.Hidden && (f.IsCumulative() || !slices.Contains(at.seen, f)) {
				c.Candidates = append(c.Candidates, Candidate{"--" + f.Name, f.Help})
			}
		}
	}
}

// values adds what a flag or an argument may be. What the placeholder or the name calls
// a file or a folder is completed by the shell. A tag complete:"KIND" says what the values
// are; else the name does.
func (c *Completion) values(v *kong.Value, name string) {
	if v.Enum != "" {
		for _, word := range v.EnumSlice() {
			if word != "" {
				c.Candidates = append(c.Candidates, Candidate{Value: word})
			}
		}
		return
	}
	kind := strings.ToLower(cmp.Or(v.Tag.Get("complete"), name))
	switch {
	case slices.Contains([]string{"dir", "folder"}, kind), v.Tag.Type == "existingdir":
		c.Dirs = true
	case slices.Contains([]string{"file", "path", "command"}, kind), v.Tag.Type == "path", v.Tag.Type == "existingfile":
		c.Files = true
	default:
		c.Kind = kind
	}
}

// Add adds values of Kind that fit what there is of the word.
func (c *Completion) Add(values ...Candidate) {
	c.Candidates = append(c.Candidates, values...)
	*c = c.matching()
}

// Words are the candidates as they replace the last word.
func (c Completion) Words() []Candidate {
	list := slices.Clone(c.Candidates)
	for i := range list {
		list[i].Value = c.prefix + list[i].Value
	}
	return list
}

// matching leaves the candidates that begin with what there is of the word.
func (c Completion) matching() Completion {
	c.Candidates = slices.DeleteFunc(c.Candidates, func(candidate Candidate) bool { return !strings.HasPrefix(candidate.Value, c.word) })
	return c
}
