package recipe

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// paths are places in an answer, of which the first that is there counts.
type paths []path

// path is a place in an answer.
type path struct {
	status bool   // @status
	header string // @header.NAME
	steps  []step
}

type stepKind int

const (
	field   stepKind = iota // .name
	every                   // [] or .*
	index                   // [2]
	filter                  // [name=value]
	descend                 // .**
)

type step struct {
	kind stepKind
	name string
	want string
	n    int
}

var stepPattern = regexp.MustCompile(`^([^\[\]]*)((?:\[[^\[\]]*\])*)$`)

// parsePath reads a path such as data.outputs[type=video].url.
func parsePath(text string) (p path, err error) {
	if text == "@status" {
		return path{status: true}, nil
	}
	if name, ok := strings.CutPrefix(text, "@header."); ok && name != "" {
		return path{header: name}, nil
	}
	if text == "" || strings.HasPrefix(text, "@") {
		return p, fmt.Errorf("%.60q is not a path; write one like data.outputs[].url, @status or @header.NAME", text)
	}
	for part := range strings.SplitSeq(text, ".") {
		m := stepPattern.FindStringSubmatch(part)
		switch {
		case m == nil || m[1] == "" && len(p.steps) > 0:
			return p, fmt.Errorf("%.60q is not a path: %.40q is not a field", text, part)
		case m[1] == "*":
			p.steps = append(p.steps, step{kind: every})
		case m[1] == "**":
			p.steps = append(p.steps, step{kind: descend})
		case m[1] != "":
			p.steps = append(p.steps, step{kind: field, name: m[1]})
		}
		for _, bracket := range strings.FieldsFunc(m[2], func(c rune) bool { return c == '[' }) {
			s, err := parseBracket(strings.TrimSuffix(bracket, "]"))
			if err != nil {
				return p, fmt.Errorf("%.60q is not a path: %w", text, err)
			}
			p.steps = append(p.steps, s)
		}
	}
	return p, nil
}

func parseBracket(inside string) (step, error) {
	if inside == "" {
		return step{kind: every}, nil
	}
	if name, want, ok := strings.Cut(inside, "="); ok && name != "" {
		return step{kind: filter, name: name, want: want}, nil
	}
	n, err := strconv.Atoi(inside)
	if err != nil || n < 0 {
		return step{}, fmt.Errorf("[%.40s] must be empty, a number, or name=value", inside)
	}
	return step{kind: index, n: n}, nil
}

// find returns the values at the path that are not null.
func (p path) find(a Answer) []any {
	switch {
	case p.status:
		return []any{json.Number(strconv.Itoa(a.Status))}
	case p.header != "":
		if v := a.Header.Get(p.header); v != "" {
			return []any{v}
		}
		return nil
	case len(p.steps) == 0:
		return nil
	}
	found := []any{a.json}
	for _, s := range p.steps {
		var next []any
		for _, v := range found {
			next = append(next, s.of(v)...)
		}
		found = next
	}
	return slices.DeleteFunc(found, func(v any) bool { return v == nil })
}

// of returns what the step finds in v.
func (s step) of(v any) (found []any) {
	table, _ := v.(map[string]any)
	list, _ := v.([]any)
	switch s.kind {
	case field:
		if inner, there := table[s.name]; there {
			return []any{inner}
		}
	case every:
		if list == nil {
			list = sorted(table)
		}
		return list
	case index:
		if s.n < len(list) {
			return list[s.n : s.n+1]
		}
	case filter:
		for _, inner := range list {
			entry, _ := inner.(map[string]any)
			if matches(s.want, entry[s.name]) {
				found = append(found, inner)
			}
		}
	case descend:
		return linksIn(v)
	}
	return found
}

func sorted(table map[string]any) (list []any) {
	for _, name := range slices.Sorted(maps.Keys(table)) {
		list = append(list, table[name])
	}
	return list
}

// linksIn returns the links and data: addresses in v, at any depth.
func linksIn(v any) (links []any) {
	switch v := v.(type) {
	case string:
		if s := strings.TrimSpace(v); isLink(s) {
			return []any{s}
		}
	case []any:
		for _, inner := range v {
			links = append(links, linksIn(inner)...)
		}
	case map[string]any:
		return linksIn(sorted(v))
	}
	return links
}

func isLink(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "data:")
}

// find returns the values of the first path that is there.
func (list paths) find(a Answer) []any {
	for _, p := range list {
		if found := p.find(a); len(found) > 0 {
			return found
		}
	}
	return nil
}

// texts returns the values of the first path with texts, numbers or booleans that are
// not empty, as texts.
func (list paths) texts(a Answer) []string {
	for _, p := range list {
		var texts []string
		for _, v := range p.find(a) {
			if t := text(v); t != "" {
				texts = append(texts, t)
			}
		}
		if len(texts) > 0 {
			return texts
		}
	}
	return nil
}

// text returns a text, number or boolean as text, and "" for anything else.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}
