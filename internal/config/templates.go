package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"atelierd/internal/term"
)

var (
	// place matches the start of an error of text/template: the template's name,
	// the line, and perhaps the column and the action.
	place   = regexp.MustCompile(`(?s)^\w+:(\d+)(?::\d+)?: (?:executing "[^"]*" (at <.*?>: ))?(.*)$`)
	noField = regexp.MustCompile(`can't evaluate field (\S+) in type (\S+)$`)
	noFunc  = regexp.MustCompile(`^function "(\w+)" not defined$`)
)

// template reports that a template of the owner does not work on data, in words
// for a reader who does not know Go.
func (t *table) template(key, text string, data any, err error) {
	said, where := strings.TrimPrefix(err.Error(), "template: "), ""
	m := place.FindStringSubmatch(said)
	if m == nil {
		t.problem(t.at(key), "is not a valid template: %.200s", term.Sanitize(said))
		return
	}
	if strings.Contains(text, "\n") {
		where = "line " + m[1] + ": "
	}
	top := reflect.TypeOf(data)
	if f := noField.FindStringSubmatch(m[3]); f != nil {
		t.problem(t.at(key), "%sthere is no .%.40s%s", where, term.Sanitize(f[1]), instead(top, f[1], f[2]))
	} else if f := noFunc.FindStringSubmatch(m[3]); f != nil && has(top, f[1]) {
		t.problem(t.at(key), "%sthere is no function %s; did you mean .%[2]s?", where, f[1])
	} else {
		t.problem(t.at(key), "is not a valid template: %s%.200s", where, term.Sanitize(m[2]+m[3]))
	}
}

// instead returns what the template can use in place of a field. kind is the name
// of the type of the dot there.
func instead(top reflect.Type, field, kind string) string {
	switch at := structNamed(top, kind); {
	case strings.HasPrefix(kind, "[]"):
		return " in a list; use {{range}} to go through it"
	case at != top && has(top, field):
		return fmt.Sprintf(" inside range or with; write $.%s there", field)
	case at != nil:
		return "; use one of " + fields(at)
	}
	return " in a single value; use one of " + fields(top)
}

// structNamed returns the struct type called name: top, or the element of a list in it.
func structNamed(top reflect.Type, name string) reflect.Type {
	if top.String() == name {
		return top
	}
	for f := range top.Fields() {
		if f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct && f.Type.Elem().String() == name {
			return f.Type.Elem()
		}
	}
	return nil
}

func has(t reflect.Type, field string) bool {
	_, there := t.FieldByName(field)
	return there
}

func fields(t reflect.Type) string {
	var names []string
	for f := range t.Fields() {
		names = append(names, "."+f.Name)
	}
	return strings.Join(names, " ")
}
