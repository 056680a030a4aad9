// Package tomlpath finds the line of each key of a TOML file, and names keys by their
// paths, so that a mistake can be reported with both.
//
// The package must not know what the file is about.
package tomlpath

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// lineIndex finds the line on which each key path of a valid TOML file first
// appears. Elements of arrays have paths too: service[0].title, env[2].
type lineIndex struct {
	parser   unstable.Parser
	newlines []int          // offsets
	lines    map[string]int // by key path
	tables   map[string]int // by path: the number of [[path]] so far
}

// Lines returns the line, from 1, of each key path of a valid file.
func Lines(data []byte) map[string]int {
	x := lineIndex{lines: map[string]int{"": 1}, tables: map[string]int{}}
	for i, c := range data {
		if c == '\n' {
			x.newlines = append(x.newlines, i)
		}
	}
	x.parser.Reset(data)
	table := ""
	for x.parser.NextExpression() {
		switch e := x.parser.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = x.header(e)
		case unstable.KeyValue:
			x.keyValue(table, e)
		}
	}
	return x.lines
}

// header returns the path of the table that a header opens.
func (x *lineIndex) header(e *unstable.Node) string {
	path := ""
	for it := e.Key(); it.Next(); {
		path = Join(path, string(it.Node().Data))
		line := x.note(path, it.Node(), 1)
		if e.Kind == unstable.ArrayTable && it.IsLast() {
			x.tables[path]++
		}
		if n := x.tables[path]; n > 0 {
			path = Element(path, n-1)
			x.note(path, it.Node(), line)
		}
	}
	return path
}

func (x *lineIndex) keyValue(path string, e *unstable.Node) {
	line := x.lines[path]
	for it := e.Key(); it.Next(); {
		path = Join(path, string(it.Node().Data))
		line = x.note(path, it.Node(), line)
	}
	x.value(path, e.Value(), line)
}

func (x *lineIndex) value(path string, v *unstable.Node, line int) {
	switch v.Kind {
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			x.keyValue(path, it.Node())
		}
	case unstable.Array:
		i := 0
		for it := v.Children(); it.Next(); {
			at := Element(path, i)
			x.value(at, it.Node(), x.note(at, it.Node(), line))
			i++
		}
	}
}

// note records the line of path, unless it is known, and returns the line of the
// node. A node for which the parser kept no line has that of its parent.
func (x *lineIndex) note(path string, n *unstable.Node, line int) int {
	if n.Raw.Length > 0 {
		before, _ := slices.BinarySearch(x.newlines, int(n.Raw.Offset))
		line = before + 1
	}
	if _, known := x.lines[path]; !known {
		x.lines[path] = line
	}
	return line
}

// Bare matches the keys that TOML does not quote.
var Bare = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// Join adds a key to a path. It quotes a key that TOML would quote, so that the key
// cannot be mistaken for a path and is safe on a terminal.
func Join(path, key string) string {
	if !Bare.MatchString(key) {
		key = fmt.Sprintf("%+q", key)
	}
	return strings.TrimPrefix(path+"."+key, ".")
}

// Element returns the path of an entry of a list.
func Element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
