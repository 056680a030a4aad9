package provider

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"atelierd/internal/lenient"
)

// This file finds what was paid for: the id of a job, and links in an answer of any
// shape.

// jobEnvelopes are the fields that some gateways put an answer into.
var jobEnvelopes = []string{"data", "result", "output", "task", "prediction", "job"}

// id returns the job's id from the first field of one of the names that holds a text
// or a number. Other fields, even a cut at the end of the answer, do not matter.
func (a answer) id(names ...string) string {
	fields := lenient.Fields(a.body)
	if id := idIn(fields, names); id != "" {
		return id
	}
	for _, envelope := range jobEnvelopes {
		if id := idIn(lenient.Fields(fields[envelope]), names); id != "" {
			return id
		}
	}
	return ""
}

func idIn(fields map[string]json.RawMessage, names []string) string {
	for _, name := range names {
		if id := idOf(fields[name]); id != "" {
			return id
		}
	}
	return ""
}

// idOf returns an id that may be a number or a text, or "" if there is none.
func idOf(raw json.RawMessage) string {
	var id lenient.Text
	_ = id.UnmarshalJSON(raw) // it never fails
	if id == "0" || id == "true" || id == "false" {
		return ""
	}
	return string(id)
}

// link returns the address that a text is, or "".
func link(text string) string {
	text = strings.TrimSpace(text)
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok {
		return ""
	}
	switch scheme = strings.ToLower(scheme); {
	case scheme == "data" && strings.Contains(rest, ","):
		return "data:" + rest
	case (scheme == "https" || scheme == "http") && strings.HasPrefix(rest, "//") && !strings.ContainsAny(text, " \t\r\n"):
		return text
	}
	return ""
}

// notResults are fields whose links are not what was made.
var notResults = []string{
	"prompt", "negative_prompt", "input", "inputs", "arguments", "request", "logs", "error", "message", "description",
	"status_url", "response_url", "cancel_url", "webhook", "webhook_url", "thumbnail", "thumbnail_url",
}

// linksIn returns the addresses in an output of any shape: one address, or lists and
// tables of them. What a table calls temporary counts only if there is nothing else.
func linksIn(v any) []string {
	var found links
	found.add(v, false)
	if len(found.saved) > 0 {
		return found.saved
	}
	return found.previews
}

// links are the addresses in an output.
type links struct{ saved, previews []string }

func (l *links) add(v any, preview bool) {
	switch v := v.(type) {
	case string:
		switch at := link(v); {
		case at == "":
		case preview:
			l.previews = append(l.previews, at)
		default:
			l.saved = append(l.saved, at)
		}
	case []any:
		for _, inner := range v {
			l.add(inner, preview)
		}
	case map[string]any:
		for _, name := range slices.SortedFunc(maps.Keys(v), byNumber) {
			if !slices.Contains(notResults, strings.ToLower(name)) {
				l.add(v[name], preview || v["type"] == "temp")
			}
		}
	}
}

// anyOf returns a part of an answer as a value of any type.
func anyOf(raw json.RawMessage) (v any) {
	_ = lenient.Unmarshal(raw, &v) // what is not JSON is nil
	return v
}

// blank reports whether v is nothing, or a list or a table of nothing.
func blank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(v) == ""
	case []any:
		return !slices.ContainsFunc(v, func(inner any) bool { return !blank(inner) })
	case map[string]any:
		for _, inner := range v {
			if !blank(inner) {
				return false
			}
		}
		return true
	}
	return false
}
