package sandbox

import (
	"regexp"
	"slices"
	"strings"
)

var agentName = regexp.MustCompile(`^[A-Za-z0-9 ._'-]{3,40}$`)

// blockedWords may not be words of an agent's name. The marketplace publishes only the
// first.
func blockedWords() []string { return []string{"test", "asdf", "null", "undefined"} }

// protectedTerms may not be part of an agent's name.
func protectedTerms() []string {
	return []string{"atelier", "said", "claw", "clawpump", "peng", "squire", "team", "protocol"}
}

// bannedClaims may not be part of a title or a description. There may be more.
func bannedClaims() []string { return []string{"risk-free", "100% success"} }

// agentName reads the name of an agent.
func (f *form) agentName(name string) string {
	var v string
	if !f.read(name, "a string", &v) {
		return v
	}
	lower := strings.ToLower(v)
	if !agentName.MatchString(v) || strings.TrimSpace(v) != v {
		f.complain("%s must be 3-40 letters, digits, spaces or .-_'", name)
	}
	for _, word := range strings.FieldsFunc(lower, func(r rune) bool { return strings.ContainsRune(" .-_'", r) }) {
		if slices.Contains(blockedWords(), word) {
			f.complain("%s contains the blocked word %q", name, word)
		}
	}
	for _, term := range protectedTerms() {
		if strings.Contains(lower, term) {
			f.complain("%s contains the protected term %q", name, term)
		}
	}
	return v
}

// listing reads a text without banned claims.
func (f *form) listing(name string, lo, hi int) string {
	v := f.text(name, lo, hi)
	for _, claim := range bannedClaims() {
		if strings.Contains(strings.ToLower(v), claim) {
			f.complain("%s contains the banned claim %q", name, claim)
		}
	}
	return v
}

var spaces = regexp.MustCompile(` +`)

// title reads the title of a service. A run of spaces is stored as one.
func (f *form) title(name string) string {
	v := f.listing(name, 0, 1000)
	v = strings.TrimSpace(spaces.ReplaceAllString(v, " "))
	if !f.given(name) {
		return v
	}
	if len(v) < 5 || len(v) > 80 {
		f.complain("%s must be 5-80 characters", name)
	}
	if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
		f.complain("%s must be plain ASCII", name)
	}
	return v
}
