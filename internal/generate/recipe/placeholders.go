package recipe

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"atelierd/internal/tomlpath"
)

// MaxReferences is the highest number of a reference in a placeholder.
const MaxReferences = 9

var placeholder = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// singleBraces match what was most likely meant as a placeholder.
var singleBraces = regexp.MustCompile(`\{\s*([a-z0-9_.]+)\s*\}`)

// placeholderNames are the placeholders of one kind of text.
type placeholderNames struct {
	names      []string
	references bool
}

var (
	plainNames  = placeholderNames{names: []string{"model", "uuid", "params."}}
	callNames   = placeholderNames{names: []string{"model", "uuid", "params.", "call"}}
	jobNames    = placeholderNames{names: []string{"model", "uuid", "params.", "job"}}
	headerNames = placeholderNames{names: []string{"model", "uuid", "params.", "key", "call"}}
	bodyNames   = placeholderNames{names: []string{"prompt", "model", "seed", "call", "uuid", "order_id", "params."}, references: true}
)

// placeholders records the placeholders in v, and reports those that are not known
// there, and values that JSON cannot hold.
func (p *parser) placeholders(at string, v any, known placeholderNames) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			p.placeholders(tomlpath.Join(at, name), v[name], known)
		}
	case []any:
		for i, inner := range v {
			p.placeholders(tomlpath.Element(at, i), inner, known)
		}
	case string:
		for _, m := range placeholder.FindAllStringSubmatch(v, -1) {
			if name := m[1]; known.has(name) {
				p.uses[name] = true
			} else {
				p.problem(at, "unknown placeholder {{%.60s}}; known here are %s", name, known)
			}
		}
		for _, m := range singleBraces.FindAllStringSubmatch(placeholder.ReplaceAllString(v, ""), -1) {
			if known.has(m[1]) {
				p.problem(at, "holds {%s}, which stays as it is; write {{%s}}", m[1], m[1])
			}
		}
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			p.problem(at, "is not a finite number")
		}
	case int64, bool, nil:
	default:
		p.problem(at, "is a date or time; write it as a text")
	}
}

func (n placeholderNames) String() string {
	list := slices.Clone(n.names)
	for i, name := range list {
		if name == "params." {
			list[i] = "params.NAME"
		}
	}
	if n.references {
		list = append(list, fmt.Sprintf("reference_1 to reference_%d and reference, each with .url, .data_uri, .base64 or .mime", MaxReferences))
	}
	return strings.Join(list, ", ")
}

func (n placeholderNames) has(name string) bool {
	if slices.Contains(n.names, name) {
		return !strings.HasSuffix(name, ".")
	}
	if param, ok := strings.CutPrefix(name, "params."); ok {
		return param != "" && slices.Contains(n.names, "params.")
	}
	which, form, _ := strings.Cut(name, ".")
	return n.references && (which == "reference" || referenceNumber(which) > 0) && slices.Contains([]string{"url", "data_uri", "base64", "mime"}, form)
}

// usesReference reports whether the recipe passes pictures.
func (p *parser) usesReference() bool {
	for name := range p.uses {
		if strings.HasPrefix(name, "reference") {
			return true
		}
	}
	return false
}

// referenceNumber returns the N of reference_N, or 0.
func referenceNumber(name string) int {
	for n := 1; n <= MaxReferences; n++ {
		if name == fmt.Sprintf("reference_%d", n) {
			return n
		}
	}
	return 0
}
