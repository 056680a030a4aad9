package recipe

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"atelierd/internal/tomlpath"
)

// Problem is one mistake in a recipe. Line counts from 1; 0 is unknown.
type Problem struct {
	Line  int
	Field string
	Text  string
}

// Error is every mistake of a recipe, in the order of their lines.
type Error struct {
	File     string
	Problems []Problem
}

// Error returns one line for each mistake: FILE:LINE: FIELD: TEXT.
func (e *Error) Error() string {
	var lines []string
	for _, p := range e.Problems {
		var parts []string
		switch {
		case e.File != "" && p.Line > 0:
			parts = append(parts, fmt.Sprintf("%s:%d", e.File, p.Line))
		case e.File != "":
			parts = append(parts, e.File)
		}
		if p.Field != "" {
			parts = append(parts, p.Field)
		}
		lines = append(lines, strings.Join(append(parts, p.Text), ": "))
	}
	return strings.Join(lines, "\n")
}

// parser collects the mistakes of one recipe.
type parser struct {
	lines    map[string]int
	problems []Problem
	uses     map[string]bool // placeholders
}

// Parse reads a recipe. file is what an error calls it. The error is an *Error.
func Parse(file string, data []byte) (*Recipe, error) {
	data = []byte(strings.TrimPrefix(string(data), "\ufeff"))
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		line := 0
		if e, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, _ = e.Position()
		}
		return nil, &Error{file, []Problem{{line, fieldOn(data, line), strings.TrimPrefix(err.Error(), "toml: ")}}}
	}
	p := &parser{lines: tomlpath.Lines(data), uses: map[string]bool{}}
	r := p.recipe(&table{parser: p, values: tree})
	r.Name = nameOf(file)
	if err := p.err(file); err != nil {
		return nil, err
	}
	return r, nil
}

var (
	headerLine = regexp.MustCompile(`^\s*\[+\s*([\w.-]+)\s*\]+`)
	fieldLine  = regexp.MustCompile(`^\s*([\w.-]+)\s*=`)
)

// fieldOn returns the field on a line of a text that is no TOML, or the table around it.
func fieldOn(data []byte, line int) (field string) {
	section := ""
	for i, text := range strings.Split(string(data), "\n") {
		if m := headerLine.FindStringSubmatch(text); m != nil {
			section, field = m[1], ""
		}
		if m := fieldLine.FindStringSubmatch(text); m != nil {
			field = m[1]
		}
		if i+1 == line {
			break
		}
	}
	if field == "" || section == "" {
		return section + field
	}
	return section + "." + field
}

// nameOf returns the name of a file without its folder and ending.
func nameOf(file string) string {
	file = file[strings.LastIndexAny(file, `/\`)+1:]
	return strings.TrimSuffix(file, ".toml")
}

func (p *parser) err(file string) error {
	if len(p.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(p.problems, func(a, b Problem) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Field, b.Field)) })
	return &Error{file, p.problems}
}

func (p *parser) problem(at, format string, args ...any) {
	p.problems = append(p.problems, Problem{p.line(at), at, fmt.Sprintf(format, args...)})
}

// line returns the line of a field, or that of the nearest table around it.
func (p *parser) line(at string) int {
	for {
		if line, ok := p.lines[at]; ok || at == "" {
			return line
		}
		at = at[:max(strings.LastIndexByte(at, '.'), 0)]
	}
}

// table is one table of the file. It records the keys that were read, so that done
// reports the others.
type table struct {
	*parser
	path   string
	values map[string]any
	known  []string
}

func (t *table) at(key string) string { return tomlpath.Join(t.path, key) }

func (t *table) has(key string) bool {
	_, there := t.values[key]
	return there
}

// value returns the value of a key if it is there and a T. want describes a T.
func value[T any](t *table, key, want string) (v T, ok bool) {
	t.known = append(t.known, key)
	raw, there := t.values[key]
	if !there {
		return v, false
	}
	if v, ok = raw.(T); !ok {
		t.problem(t.at(key), "must be %s", want)
	}
	return v, ok
}

// sub returns the table of a key, which is empty if the key is missing.
func (t *table) sub(key string) *table {
	values, _ := value[map[string]any](t, key, "a table")
	return &table{parser: t.parser, path: t.at(key), values: values}
}

func (t *table) text(key string) string {
	s, _ := value[string](t, key, "a text")
	return strings.TrimSpace(s)
}

func (t *table) boolean(key string, otherwise bool) bool {
	if v, ok := value[bool](t, key, "true or false"); ok {
		return v
	}
	return otherwise
}

func (t *table) count(key string, most int64) int {
	n, ok := value[int64](t, key, "a number")
	if ok && (n < 0 || n > most) {
		t.problem(t.at(key), "is %d; write 0 to %d", n, most)
	}
	return int(n)
}

// list returns the entries of a key, which holds a list or one entry.
func (t *table) list(key string) []any {
	t.known = append(t.known, key)
	switch v := t.values[key].(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

func (t *table) texts(key string) (list []string) {
	for i, v := range t.list(key) {
		s, ok := v.(string)
		if !ok || s == "" {
			t.problem(tomlpath.Element(t.at(key), i), "must be a text")
		}
		list = append(list, s)
	}
	return list
}

// paths returns the paths of a key.
func (t *table) paths(key string) (list paths) {
	for _, s := range t.texts(key) {
		p, err := parsePath(s)
		if err != nil {
			t.problem(t.at(key), "%s", err)
		}
		list = append(list, p)
	}
	return list
}

// words returns the words of a key: texts, numbers, booleans, or tables of at and is.
func (t *table) words(key string) (list words) {
	for i, v := range t.list(key) {
		at := tomlpath.Element(t.at(key), i)
		values, isTable := v.(map[string]any)
		if !isTable {
			list = append(list, word{patterns: []string{t.pattern(at, v)}})
			continue
		}
		entry := &table{parser: t.parser, path: at, values: values}
		p, err := parsePath(entry.text("at"))
		if err != nil {
			t.problem(at, "at: %s", err)
		}
		w := word{at: &p}
		for _, is := range entry.list("is") {
			w.patterns = append(w.patterns, t.pattern(at, is))
		}
		if len(w.patterns) == 0 {
			t.pattern(at, nil) // is missing
		}
		list = append(list, w)
		entry.done()
	}
	return list
}

func (t *table) pattern(at string, v any) string {
	switch v.(type) {
	case string, int64, bool:
		if s := strings.TrimSpace(fmt.Sprint(v)); s != "" {
			return s
		}
	}
	t.problem(at, "must be a word, a number, a boolean, or a table like { at = \"error.code\", is = \"blocked*\" }")
	return ""
}

// done reports the keys that were not read.
func (t *table) done() {
	for _, key := range slices.Sorted(maps.Keys(t.values)) {
		if !slices.Contains(t.known, key) {
			t.problem(t.at(key), "unknown field; known are %s", strings.Join(slices.Sorted(slices.Values(t.known)), ", "))
		}
	}
}
