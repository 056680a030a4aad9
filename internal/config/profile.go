package config

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// The marketplace's limits for lists of names.
const (
	mostModels    = 10
	longestModel  = 30
	mostQuestions = 20
)

// models returns the names of the AI models that clients filter by.
func (t *table) models(key string) []string {
	list := t.list(key)
	if len(list) > mostModels {
		t.problem(t.at(key), "has %d names; write up to %d", len(list), mostModels)
	}
	for i, name := range list {
		list[i] = strings.TrimSpace(name)
		switch n := utf8.RuneCountInString(list[i]); {
		case n == 0 || n > longestModel:
			t.problem(element(t.at(key), i), "has %d characters; write 1 to %d", n, longestModel)
		case slices.Contains(list[:i], list[i]):
			t.problem(element(t.at(key), i), "%.40q is there twice; remove one", list[i])
		}
	}
	return list
}

// questions reads what clients answer when they order. An entry is a text, or a table
// with label, type, required and options.
func (t *table) questions(key string) []Question {
	raw, _ := value[[]any](t, key, "a list of questions")
	if len(raw) > mostQuestions {
		t.problem(t.at(key), "has %d questions; write up to %d", len(raw), mostQuestions)
	}
	var list []Question
	for i, v := range raw {
		at := element(t.at(key), i)
		switch v := v.(type) {
		case string:
			if strings.TrimSpace(v) == "" {
				t.problem(at, "is empty; write a question, or remove it")
			}
			list = append(list, Question{Label: strings.TrimSpace(v), Type: "text"})
		case map[string]any:
			list = append(list, (&table{reader: t.reader, path: at, values: v}).question())
		default:
			t.problem(at, "is %s; write a question, or a table with label, type, required and options", typeName(v))
		}
	}
	return list
}

func (t *table) question() Question {
	defer t.done()
	q := Question{Label: t.required("label", "a question"), Type: t.oneOf("type", "text", "text", "textarea", "select"), Options: t.list("options")}
	q.Required, _ = value[bool](t, "required", "a boolean")
	switch {
	case q.Type == "select" && len(q.Options) < 2:
		t.problem(t.at("options"), "has %d entries; a select needs two or more", len(q.Options))
	case q.Type != "select" && t.has("options"):
		t.problem(t.at("options"), "is for type select only; remove it")
	}
	return q
}
