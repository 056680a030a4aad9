package atelier

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// errorTextLimit is the most of a foreign text that an error repeats, in bytes.
const errorTextLimit = 300

// refusal is what the marketplace said when it refused. As an error it stands
// for a {"success":false} in an answer of status 200.
type refusal struct {
	text    string // as it came: tidy it before it is shown
	word    string
	agentID string
	foreign bool // the body is not of the marketplace's form
}

func (*refusal) Error() string { return "refused" }

// parseRefusal reads the body of a refusal: {"success":false,"error":text} by
// the marketplace's guide, anything at all from a proxy before it.
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

// collect looks at one object, and at those it may hold: {"error":{"message",
// "code"}} and {"data":{"agent_id"}} are in use beside the plain form.
func (no *refusal) collect(fields map[string]json.RawMessage, depth int) {
	for _, key := range []string{"code", "error_code", "reason", "error"} {
		if s := jsonString(fields[key]); no.word == "" && isWord(s) {
			no.word = s
		}
	}
	for _, key := range []string{"message", "error"} {
		if s := jsonString(fields[key]); s != "" {
			no.text = s
		}
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

// isWord says whether s is a machine word like name_taken, not a sentence.
func isWord(s string) bool {
	return len(s) >= 3 && len(s) <= 60 && strings.Contains(s, "_") &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

func isAgentID(s string) bool {
	return s != "" && len(s) <= maxID && strings.IndexFunc(s, func(c rune) bool {
		return c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}) < 0
}

// pageTitle says which HTML page it was that came in place of an answer.
func pageTitle(page string) string {
	_, rest, ok := strings.Cut(page, "<title>")
	title, _, closed := strings.Cut(rest, "</title>")
	if !ok || !closed || strings.TrimSpace(title) == "" {
		return "an HTML page"
	}
	return "an HTML page: " + shorten(strings.TrimSpace(title), 100)
}

// tidy makes foreign text fit for an error: one line, unprintable characters
// escaped (a terminal obeys some of them), the key taken out, 300 bytes at
// most. The key goes last but for the cut, because escaping makes new text.
func tidy(s, key string) string {
	var b strings.Builder
	for i, field := range strings.Fields(s) {
		if i > 0 {
			b.WriteByte(' ')
		}
		for len(field) > 0 {
			r, size := utf8.DecodeRuneInString(field)
			switch {
			case r == utf8.RuneError && size == 1:
				fmt.Fprintf(&b, `\x%02x`, field[0])
			case strconv.IsPrint(r):
				b.WriteString(field[:size])
			default:
				fmt.Fprintf(&b, `\u%04x`, r)
			}
			field = field[size:]
		}
	}
	text := b.String()
	if len(key) >= 8 { // a shorter one is no key, and would tear up every text
		text = strings.ReplaceAll(text, key, "[secret]")
	}
	return shorten(text, errorTextLimit)
}

// shorten cuts s to at most limit bytes, between two characters.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
