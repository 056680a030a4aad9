package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// reader collects the problems of one file.
type reader struct {
	lines    map[string]int
	problems []Problem
	warnings []Problem
}

// table is one table of the file. It records which keys were read, so that done
// can report the others as unknown.
type table struct {
	*reader
	path   string
	values map[string]any
	known  []string
	tables []string // those of known that are tables
}

// problem adds a problem of the key at path. It drops the problem if the key or a
// table around it has one already, because it then follows from the first.
func (r *reader) problem(path, format string, args ...any) {
	if !slices.ContainsFunc(r.problems, func(p Problem) bool {
		return p.Key == path || strings.HasPrefix(path, p.Key+".")
	}) {
		r.problems = append(r.problems, Problem{Line: r.line(path), Key: path, Text: fmt.Sprintf(format, args...)})
	}
}

func (r *reader) warn(path, format string, args ...any) {
	r.warnings = append(r.warnings, Problem{Line: r.line(path), Key: path, Text: fmt.Sprintf(format, args...)})
}

// line returns the line of a path, or of the nearest table around it when the key
// is missing.
func (r *reader) line(path string) int {
	for {
		if line, ok := r.lines[path]; ok {
			return line
		}
		path = path[:max(strings.LastIndexByte(path, '.'), 0)]
	}
}

func (t *table) at(key string) string { return join(t.path, key) }

// value returns the value of a key, if it is present and a T. want describes T.
func value[T any](t *table, key, want string) (v T, ok bool) {
	t.known = append(t.known, key)
	raw, there := t.values[key]
	if !there {
		return v, false
	}
	if v, ok = raw.(T); !ok {
		t.problem(t.at(key), "is %s; write %s", typeName(raw), want)
	}
	return v, ok
}

func typeName(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case int64:
		return "an integer"
	case float64:
		return "a decimal number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	default:
		return "a date or time"
	}
}

// has reports whether the key is in the file, with any value.
func (t *table) has(key string) bool {
	_, there := t.values[key]
	return there
}

// text returns a trimmed string, or fallback.
func (t *table) text(key, fallback string) string {
	if s, ok := value[string](t, key, "a string"); ok {
		return strings.TrimSpace(s)
	}
	return fallback
}

// required returns a string that must be present and not blank. want describes it.
func (t *table) required(key, want string) string {
	s := t.text(key, "")
	if !t.has(key) {
		t.problem(t.at(key), "is missing; write %s", want)
	} else if s == "" {
		t.problem(t.at(key), "is empty; write %s", want)
	}
	return s
}

// oneOf returns one of the allowed strings, or fallback. Without a fallback the key
// is required.
func (t *table) oneOf(key, fallback string, allowed ...string) string {
	s, want := fallback, "one of "+strings.Join(allowed, ", ")
	if s == "" {
		s = t.required(key, want)
	} else {
		s = t.text(key, fallback)
	}
	if !slices.Contains(allowed, s) {
		t.problem(t.at(key), "%.40q is not a valid value; write %s", s, want)
	}
	return s
}

func (t *table) number(key string, fallback, least, most int) int {
	n, ok := value[int64](t, key, "an integer")
	if !ok {
		return fallback
	}
	if n < int64(least) || n > int64(most) {
		t.problem(t.at(key), "is %d; write %d to %d", n, least, most)
		return fallback
	}
	return int(n)
}

func (t *table) duration(key string, fallback, least, most time.Duration) time.Duration {
	if n := numeral(t.values[key]); n != "" {
		example, err := time.ParseDuration(n + "s")
		if err != nil || example < least || example > most {
			example = 10 * time.Minute
		}
		t.problem(t.at(key), "is a number without a unit; write text with a unit, like %q", short(example))
	}
	s, ok := value[string](t, key, `a duration like "150s" or "10m"`)
	if !ok {
		return fallback
	}
	d, err := time.ParseDuration(strings.TrimSpace(s))
	switch {
	case err != nil:
		t.problem(t.at(key), `%.40q is not a duration; write one like "150s" or "10m"`, s)
		return fallback
	case d < least || d > most:
		t.problem(t.at(key), "is %s; write %s to %s", short(d), short(least), short(most))
		return fallback
	}
	return d
}

// short formats a duration without the zeros of "1h0m0s".
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// list returns a list of strings.
func (t *table) list(key string) []string {
	raw, _ := value[[]any](t, key, "a list of strings")
	list := make([]string, len(raw))
	for i, v := range raw {
		s, ok := v.(string)
		if !ok {
			t.problem(element(t.at(key), i), "is %s; write a string", typeName(v))
		}
		list[i] = s
	}
	return list
}

// sub returns the table of a key. It is empty when the key is missing.
func (t *table) sub(key string) *table {
	values, _ := value[map[string]any](t, key, "a table")
	t.tables = append(t.tables, key)
	return &table{reader: t.reader, path: t.at(key), values: values}
}

// subs returns the tables of a list of tables.
func (t *table) subs(key string) []*table {
	raw, _ := value[[]any](t, key, fmt.Sprintf("a list of tables, [[%s]]", key))
	t.tables = append(t.tables, key)
	var subs []*table
	for i, v := range raw {
		at := element(t.at(key), i)
		values, ok := v.(map[string]any)
		if !ok {
			t.problem(at, "is %s; write a table", typeName(v))
			continue
		}
		subs = append(subs, &table{reader: t.reader, path: at, values: values})
	}
	return subs
}

// done reports the keys that were not read.
func (t *table) done() {
	for key := range maps.Keys(t.values) {
		if slices.Contains(t.known, key) {
			continue
		}
		near := meant(key, t.known)
		if len(near) > 0 && nearest(key, t.known) == "" {
			// A key that shares a word with a section rarely means the section.
			near = slices.DeleteFunc(near, func(name string) bool { return slices.Contains(t.tables, name) })
		}
		t.problem(t.at(key), "unknown key%s", didYouMean(near, bare))
	}
}
