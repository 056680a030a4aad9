package atelier

import (
	"bytes"
	"encoding/json"
	"strings"

	"atelierd/internal/secret"
	"atelierd/internal/term"
	"atelierd/internal/words"
)

// errorTextLimit is the most characters of a foreign text in an error.
const errorTextLimit = 300

// refusal is the content of a refusal by the marketplace. As an error it stands for a
// {"success":false} in an answer with status 200.
type refusal struct {
	text    string // unsafe to show; see tidy
	word    string
	recover string // what the marketplace advises to do; as it came
	agentID string
	foreign bool // the body does not have the marketplace's form
}

func (*refusal) Error() string { return "refused" }

// parseRefusal reads the body of a refusal. By the marketplace's guide it is
// {"success":false,"error":text}; from a proxy in front of it, it can be anything.
func parseRefusal(contentType string, body []byte) *refusal {
	trimmed := bytes.TrimSpace(body)
	var fields map[string]json.RawMessage
	switch {
	case json.Unmarshal(trimmed, &fields) == nil && fields != nil:
		return refusalOf(fields)
	case strings.Contains(contentType, "html"), bytes.HasPrefix(trimmed, []byte("<")):
		return &refusal{text: pageTitle(string(trimmed)), foreign: true}
	}
	return &refusal{text: string(trimmed), foreign: true}
}

func refusalOf(fields map[string]json.RawMessage) *refusal {
	_, known := fields["error"]
	no := &refusal{foreign: !known}
	no.collect(fields, 0)
	return no
}

// collect reads one object and the objects in it. Besides the plain form,
// {"error":{"message","code"}} and {"data":{"agent_id"}} are in use.
func (no *refusal) collect(fields map[string]json.RawMessage, depth int) {
	for _, key := range []string{"code", "error_code", "reason", "error"} {
		if s := jsonString(fields[key]); no.word == "" && isWord(s) {
			no.word = s
		}
	}
	// A conflict has its sentence in message, next to a short word in error.
	for _, key := range []string{"error", "message"} {
		if s := jsonString(fields[key]); s != "" {
			no.text = s
		}
	}
	if s := jsonString(fields["recovery"]); no.recover == "" {
		no.recover = s
	}
	for _, key := range []string{"existing_agent_id", "agent_id"} {
		if s := jsonString(fields[key]); no.agentID == "" && isAgentID(s) {
			no.agentID = s
		}
	}
	if depth == 2 {
		return
	}
	for _, key := range []string{"error", "data", "details", "existing_agent"} {
		var inner map[string]json.RawMessage
		if json.Unmarshal(fields[key], &inner) != nil || inner == nil {
			continue
		}
		if key == "existing_agent" && inner["agent_id"] == nil {
			inner["agent_id"] = inner["id"]
		}
		no.collect(inner, depth+1)
	}
}

func jsonString(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// isWord reports whether s is a machine word like name_taken, and not a sentence.
func isWord(s string) bool {
	return len(s) >= 3 && len(s) <= 60 && strings.Contains(s, "_") &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

func isAgentID(s string) bool {
	return s != "" && len(s) <= maxID && strings.IndexFunc(s, func(c rune) bool {
		return c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}) < 0
}

// pageTitle describes the HTML page that came instead of an answer.
func pageTitle(page string) string {
	_, rest, ok := strings.Cut(page, "<title>")
	title, _, closed := strings.Cut(rest, "</title>")
	if !ok || !closed || strings.TrimSpace(title) == "" {
		return "an HTML page"
	}
	return "an HTML page: " + term.Line(title, 100)
}

// tidy makes a text fit for an error: one printable line of at most errorTextLimit
// characters.
func tidy(s string) string { return words.Cut(printable(s), errorTextLimit) }

func printable(s string) string { return term.Sanitize(strings.Join(strings.Fields(s), " ")) }

// tidy makes foreign text fit for an error, without the key of the request and the
// daemon's other secrets. They are replaced after the text is escaped, because escaping
// makes new text, and before it is cut.
func (r *request) tidy(s string, key secret.Text) string {
	return words.Cut(r.hide(printable(s), key), errorTextLimit)
}

// hide returns s without the key and the daemon's other secrets.
func (r *request) hide(s string, key secret.Text) string {
	if k := key.Reveal(); len(k) >= 8 { // a shorter one is no key, and could be part of any word
		s = strings.ReplaceAll(s, k, secret.Redacted)
	}
	if r.clean != nil {
		s = r.clean(s)
	}
	return s
}
