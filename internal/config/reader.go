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

// table is one table of the file. It remembers which keys were asked for, so
// that the others can be called unknown.
type table struct {
	*reader
	path   string
	values map[string]any
	known  []string
	tables []string // those of known that are tables
}

// problem adds a problem of the key at path. It is dropped when the key or a
// table around it has one already: what a value of the wrong type leads to is no
// problem of its own.
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

// line gives the line of a path, or of the nearest table around it when the key
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

// value gives the value of a key, if it is there and a T. want names T.
func value[T any](t *table, key, want string) (v T, ok bool) {
	t.known = append(t.known, key)
	raw, there := t.values[key]
	if !there {
		return v, false
	}
	if v, ok = raw.(T); !ok {
		t.problem(t.at(key), "must be %s, is %s", want, typeName(raw))
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

// has says whether the key is in the file, with whatever value.
func (t *table) has(key string) bool {
	_, there := t.values[key]
	return there
}

// text gives a trimmed string, or fallback.
func (t *table) text(key, fallback string) string {
	if s, ok := value[string](t, key, "a string"); ok {
		return strings.TrimSpace(s)
	}
	return fallback
}

// required gives a string that has to be there and must not be blank.
func (t *table) required(key string) string {
	s := t.text(key, "")
	if !t.has(key) {
		t.problem(t.at(key), "is missing")
	} else if s == "" {
		t.problem(t.at(key), "must not be empty")
	}
	return s
}

// oneOf gives a string out of a few, or fallback; without one it is required.
func (t *table) oneOf(key, fallback string, allowed ...string) string {
	s := fallback
	if s == "" {
		s = t.required(key)
	} else {
		s = t.text(key, fallback)
	}
	if !slices.Contains(allowed, s) {
		t.problem(t.at(key), "must be one of %s, is %.40q", strings.Join(allowed, ", "), s)
	}
	return s
}

func (t *table) number(key string, fallback, least, most int) int {
	n, ok := value[int64](t, key, "an integer")
	if !ok {
		return fallback
	}
	if n < int64(least) || n > int64(most) {
		t.problem(t.at(key), "must be %d to %d, is %d", least, most, n)
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
		t.problem(t.at(key), "write it as text with its unit, such as %q", short(example))
	}
	s, ok := value[string](t, key, `a duration such as "150s" or "10m"`)
	if !ok {
		return fallback
	}
	d, err := time.ParseDuration(strings.TrimSpace(s))
	switch {
	case err != nil:
		t.problem(t.at(key), `must be a duration such as "150s" or "10m", is %.40q`, s)
		return fallback
	case d < least || d > most:
		t.problem(t.at(key), "must be %s to %s, is %s", short(least), short(most), short(d))
		return fallback
	}
	return d
}

// short writes a duration without the zeros of "1h0m0s".
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

// list gives a list of strings.
func (t *table) list(key string) []string {
	raw, _ := value[[]any](t, key, "a list of strings")
	list := make([]string, len(raw))
	for i, v := range raw {
		s, ok := v.(string)
		if !ok {
			t.problem(element(t.at(key), i), "must be a string, is %s", typeName(v))
		}
		list[i] = s
	}
	return list
}

// sub gives the table of a key; it is empty when it is not there.
func (t *table) sub(key string) *table {
	values, _ := value[map[string]any](t, key, "a table")
	t.tables = append(t.tables, key)
	return &table{reader: t.reader, path: t.at(key), values: values}
}

// subs gives the tables of a list of tables.
func (t *table) subs(key string) []*table {
	raw, _ := value[[]any](t, key, fmt.Sprintf("a list of tables, [[%s]]", key))
	t.tables = append(t.tables, key)
	var subs []*table
	for i, v := range raw {
		at := element(t.at(key), i)
		values, ok := v.(map[string]any)
		if !ok {
			t.problem(at, "must be a table, is %s", typeName(v))
			continue
		}
		subs = append(subs, &table{reader: t.reader, path: at, values: values})
	}
	return subs
}

// done reports the keys that nobody asked for.
func (t *table) done() {
	for key := range maps.Keys(t.values) {
		if slices.Contains(t.known, key) {
			continue
		}
		near := meant(key, t.known)
		if len(near) > 0 && nearest(key, t.known) == "" {
			// That a name has a section's among its words says little.
			near = slices.DeleteFunc(near, func(name string) bool { return slices.Contains(t.tables, name) })
		}
		t.problem(t.at(key), "unknown key%s", didYouMean(near, bare))
	}
}
