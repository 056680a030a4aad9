package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

var (
	// place is how text/template begins an error: its name for the text, the line,
	// and perhaps the byte of it and what is carried out there.
	place   = regexp.MustCompile(`(?s)^\w+:(\d+)(?::\d+)?: (?:executing "[^"]*" (at <.*?>: ))?(.*)$`)
	noField = regexp.MustCompile(`can't evaluate field (\S+) in type (\S+)$`)
	noFunc  = regexp.MustCompile(`^function "(\w+)" not defined$`)
)

// template adds the problem of a template of the owner's that does not work on
// data, in words for one who does not know Go.
func (t *table) template(key, text string, data any, err error) {
	said, where := strings.TrimPrefix(err.Error(), "template: "), ""
	m := place.FindStringSubmatch(said)
	if m == nil {
		t.problem(t.at(key), "is no usable template: %.200s", strings.Map(printable, said))
		return
	}
	if strings.Contains(text, "\n") {
		where = "in its line " + m[1] + ": "
	}
	top := reflect.TypeOf(data)
	if f := noField.FindStringSubmatch(m[3]); f != nil {
		t.problem(t.at(key), "%sthere is no .%.40s%s", where, strings.Map(printable, f[1]), instead(top, f[1], f[2]))
	} else if f := noFunc.FindStringSubmatch(m[3]); f != nil && has(top, f[1]) {
		t.problem(t.at(key), "%sthere is no function %s, did you mean .%[2]s?", where, f[1])
	} else {
		t.problem(t.at(key), "is no usable template: %s%.200s", where, strings.Map(printable, m[2]+m[3]))
	}
}

// instead says what there is in place of a field, where the dot is of the type
// called kind.
func instead(top reflect.Type, field, kind string) string {
	switch at := find(top, kind); {
	case strings.HasPrefix(kind, "[]"):
		return " of a list; go through it with {{range}}"
	case at != top && has(top, field):
		return fmt.Sprintf(" inside range or with, write $.%s there", field)
	case at != nil:
		return "; there are " + fields(at)
	}
	return " of a single value; there are " + fields(top)
}

// find gives the struct called name: top, or one that a list in it holds.
func find(top reflect.Type, name string) reflect.Type {
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
