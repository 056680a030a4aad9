package atelier

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"atelierd/internal/order"
)

// Each type below reads one JSON value in every shape that the deployed marketplace
// uses for it. Types that the work depends on fail for an unknown shape. Lenient types
// treat it as not set, because an odd fee is no reason to refuse an order.

// text is a string that the work depends on.
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	s, ok := readText(raw)
	if !ok {
		return mismatch(raw, "text")
	}
	*t = text(s)
	return nil
}

// label is a lenient text.
type label string

func (l *label) UnmarshalJSON(raw []byte) error {
	s, _ := readText(raw)
	*l = label(s)
	return nil
}

// readText accepts a string, a number, which keeps its spelling, or null, which is "".
func readText(raw []byte) (string, bool) {
	switch kind(raw) {
	case "string":
		if plain(raw) {
			return string(raw[1 : len(raw)-1]), true
		}
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return "", false
		}
		return clean(s), true
	case "number":
		return string(raw), true
	}
	return "", kind(raw) == "null"
}

// plain reports whether a JSON string is ASCII without escapes, as most are. Its value
// is then the text between the quotes.
func plain(raw []byte) bool {
	return !slices.ContainsFunc(raw, func(b byte) bool { return b == '\\' || b >= utf8.RuneSelf })
}

// clean replaces NUL characters, which cannot be stored or passed on as text.
// encoding/json has already replaced invalid UTF-8.
func clean(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

// list is a list of texts. It can be an array, null, an array inside a JSON string, or
// one bare string.
type list []string

func (l *list) UnmarshalJSON(raw []byte) error {
	items, ok := readList(raw, true)
	if !ok {
		return mismatch(raw, "a list of texts")
	}
	*l = items
	return nil
}

// links is a lenient list of addresses.
type links []string

func (l *links) UnmarshalJSON(raw []byte) error {
	*l, _ = readList(raw, true)
	return nil
}

// readList reads a list of texts or of objects with an address. It returns the elements
// that it can read even if ok is false. unwrap accepts an array inside a JSON string.
func readList(raw []byte, unwrap bool) (items []string, ok bool) {
	switch kind(raw) {
	case "null":
		return nil, true
	case "string":
		s, _ := readText(raw)
		inner := bytes.TrimSpace([]byte(s))
		if unwrap && (kind(inner) == "array" || kind(inner) == "string" || string(inner) == "null") && json.Valid(inner) {
			return readList(inner, false)
		}
		if s = strings.TrimSpace(s); s != "" {
			items = []string{s}
		}
		return items, true
	case "array":
		if len(raw) == len("[]") {
			return nil, true
		}
		var elements []json.RawMessage
		if json.Unmarshal(raw, &elements) != nil {
			return nil, false
		}
		ok = true
		for _, e := range elements {
			s, readable := readElement(e)
			ok = ok && readable
			if s != "" {
				items = append(items, s)
			}
		}
		return items, ok
	}
	return nil, false
}

func readElement(raw []byte) (string, bool) {
	if kind(raw) != "object" {
		return readText(raw)
	}
	var o struct {
		Deliverable label `json:"deliverable_url"`
		URL         label `json:"url"`
	}
	if json.Unmarshal(raw, &o) != nil {
		return "", false
	}
	s := string(o.Deliverable)
	if s == "" {
		s = string(o.URL)
	}
	return s, s != ""
}

// answers is requirement_answers: a JSON array or object, or nil.
type answers json.RawMessage

func (a *answers) UnmarshalJSON(raw []byte) error {
	value := bytes.Clone(raw)
	if kind(raw) == "string" {
		s, _ := readText(raw)
		inner := bytes.TrimSpace([]byte(s))
		switch {
		case len(inner) == 0:
			value = []byte("null")
		case json.Valid(inner) && (kind(inner) == "array" || kind(inner) == "object" || kind(inner) == "null"):
			value = inner
		}
	}
	switch kind(value) {
	case "null":
		*a = nil
		return nil
	case "string", "number", "boolean":
		value = append(append([]byte("["), value...), ']')
	}
	if depth(value) > maxDepth {
		return mismatch(raw, "a list of answers (it is nested too deeply)")
	}
	*a = answers(withoutNUL(value))
	return nil
}

// spec is a lenient JSON array or object, which may be encoded as a JSON string.
type spec json.RawMessage

func (s *spec) UnmarshalJSON(raw []byte) error {
	*s = nil
	value := bytes.Clone(raw)
	if kind(raw) == "string" {
		inner, _ := readText(raw)
		value = bytes.TrimSpace([]byte(inner))
	}
	if k := kind(value); (k == "array" || k == "object") && json.Valid(value) && depth(value) <= maxDepth {
		*s = spec(withoutNUL(value))
	}
	return nil
}

// withoutNUL replaces each \u0000 in a JSON text.
func withoutNUL(raw []byte) []byte {
	for i := 0; i < len(raw)-1; i++ {
		if raw[i] != '\\' {
			continue
		}
		if i++; bytes.HasPrefix(raw[i:], []byte("u0000")) {
			copy(raw[i:], "ufffd")
		}
	}
	return raw
}

func validUTF8(raw []byte) []byte { return bytes.ToValidUTF8(raw, []byte("\uFFFD")) }

// stamp is a lenient time: RFC 3339, or "2006-01-02 15:04:05" in UTC. The deployed
// marketplace uses both. A time after latest is latest, so that a duration can be added
// to it.
type stamp struct{ time.Time }

var latest = time.Date(2199, 12, 31, 23, 59, 59, 0, time.UTC)

func (t *stamp) UnmarshalJSON(raw []byte) error {
	s, _ := readText(raw)
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02T15:04:05"} {
		at, err := time.Parse(layout, strings.TrimSpace(s))
		if at = at.UTC(); err == nil && at.Year() >= 1970 {
			t.Time = at
			if at.After(latest) {
				t.Time = latest
			}
			return nil
		}
	}
	t.Time = time.Time{}
	return nil
}

// money is a lenient amount in dollars: a string or a number.
type money struct{ usd *order.USD }

func (m *money) UnmarshalJSON(raw []byte) error {
	m.usd = nil
	s, _ := readText(raw)
	s = strings.TrimSpace(s)
	usd, err := order.ParseUSD(s)
	if err != nil {
		f, ferr := strconv.ParseFloat(s, 64) // more decimals than order.USD holds, or an exponent
		if ferr != nil || !(f >= 0 && f < 1e9) {
			return nil
		}
		usd = order.USD(math.Round(f * float64(order.Dollar)))
	}
	m.usd = &usd
	return nil
}

// count is a lenient whole number that is not negative: a number or a string.
type count struct{ n *int }

func (c *count) UnmarshalJSON(raw []byte) error {
	c.n = nil
	s, _ := readText(raw)
	if f, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil && f == math.Trunc(f) && f >= 0 && f < 1<<31 {
		c.n = new(int(f))
	}
	return nil
}

// flag is a lenient boolean: true, 1, "true", "1" and their opposites.
type flag struct{ on *bool }

func (f *flag) UnmarshalJSON(raw []byte) error {
	f.on = nil
	switch strings.ToLower(strings.Trim(string(raw), `"`)) {
	case "true", "1":
		f.on = new(true)
	case "false", "0":
		f.on = new(false)
	}
	return nil
}

func (f flag) is(want bool) bool { return f.on != nil && *f.on == want }

// kind returns the kind of a JSON value, by its first byte.
func kind(raw []byte) string {
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '"':
		return "string"
	case '[':
		return "array"
	case '{':
		return "object"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

// mismatch returns an error to which encoding/json adds the name of the field.
func mismatch(raw []byte, want string) error {
	return &json.UnmarshalTypeError{Value: kind(raw) + ", not " + want, Type: reflect.TypeFor[string]()}
}

// maxDepth is the deepest nesting of an accepted order. It is far more than any order
// needs, and far less than the limits of JSON parsers.
const maxDepth = 100

// depth returns the depth of nesting of valid JSON.
func depth(raw []byte) int {
	level, deepest, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			level++
			deepest = max(deepest, level)
		case c == ']' || c == '}':
			level--
		}
	}
	return deepest
}
