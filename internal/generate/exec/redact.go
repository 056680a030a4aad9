package exec

import (
	"cmp"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// leastSecret is the length from which a value counts as a secret. A shorter one
// would match ordinary words.
const leastSecret = 8

// redactor replaces the values of variables that look like secrets by the names of
// the variables. Text must be redacted before it is cut, because the redactor does
// not find half a secret.
type redactor struct {
	// forms holds the ways to write each secret by its first byte, the longest
	// first, since one secret may begin with another.
	forms [256][]form
}

type form struct{ text, name string }

func newRedactor(env []string) *redactor {
	secret := regexp.MustCompile(`(?i)KEY|TOKEN|SECRET|PASS|AUTH|CREDENTIAL`)
	r := &redactor{}
	seen := map[string]bool{}
	for _, entry := range env {
		key, value, _ := strings.Cut(entry, "=")
		if !secret.MatchString(key) {
			continue
		}
		for _, text := range spellings(value) {
			if !seen[text] {
				seen[text] = true
				r.forms[text[0]] = append(r.forms[text[0]], form{text, "[" + key + "]"})
			}
		}
	}
	for _, forms := range r.forms {
		slices.SortStableFunc(forms, func(a, b form) int { return cmp.Compare(len(b.text), len(a.text)) })
	}
	return r
}

// spellings returns the forms in which a program is likely to write a value: as it
// is, line by line, and escaped for JSON, for a quoted text or for a URL. Space
// around a value is left out, because few programs keep it.
func spellings(value string) []string {
	parts := append(strings.FieldsFunc(value, func(r rune) bool { return r == '\n' || r == '\r' }), value)
	var all []string
	for _, part := range parts {
		part = strings.TrimSpace(part)
		if len(part) < leastSecret {
			continue
		}
		// A JSON decoder replaces a byte that is not UTF-8 by U+FFFD.
		for _, text := range []string{part, string([]rune(part))} {
			inJSON, _ := json.Marshal(text) // encoding a string never fails
			for _, quoted := range []string{string(inJSON), strconv.Quote(text), strconv.QuoteToASCII(text)} {
				plain := quoted[1 : len(quoted)-1]
				all = append(all, plain, strings.ReplaceAll(plain, "/", `\/`))
			}
			all = append(all, text, url.QueryEscape(text), url.PathEscape(text), url.UserPassword("", text).String()[1:])
		}
	}
	return all
}

// at returns the secret that s begins with, or nil. When more text is to follow,
// it also returns a secret that begins with s.
func (r *redactor) at(s string, more bool) *form {
	forms := r.forms[s[0]]
	for i := range forms {
		if strings.HasPrefix(s, forms[i].text) || more && strings.HasPrefix(forms[i].text, s) {
			return &forms[i]
		}
	}
	return nil
}

// clean returns s without secrets.
func (r *redactor) clean(s string) string {
	out, _, _ := r.scan(s, 0, false)
	return out
}

// finds reports whether s contains a secret.
func (r *redactor) finds(s string) bool { return r.clean(s) != s }

// scan returns s without secrets. The first blotted bytes of s belong to a secret
// that was replaced already. When more text is to follow, an end of s that may
// begin a secret is returned as the rest instead. Every byte of every secret is
// removed, also where two of them overlap.
func (r *redactor) scan(s string, blotted int, more bool) (out, rest string, restBlotted int) {
	var b strings.Builder
	for i := range len(s) {
		if f := r.at(s[i:], more); f != nil {
			end := i + len(f.text)
			if end > len(s) {
				return b.String(), s[i:], max(blotted-i, 0)
			}
			if i >= blotted {
				b.WriteString(f.name)
			}
			blotted = max(blotted, end)
		}
		if i >= blotted {
			b.WriteByte(s[i])
		}
	}
	return b.String(), "", 0
}

// redactedStream removes secrets from text that comes in pieces. It holds back
// only what may begin a secret.
type redactedStream struct {
	*redactor
	rest    string
	blotted int
}

func (s *redactedStream) next(piece string) string {
	var out string
	out, s.rest, s.blotted = s.scan(s.rest+piece, s.blotted, true)
	return out
}

// end returns what was held back. If that is long enough, the program was killed
// while it wrote a secret, and the part is replaced like the whole.
func (s *redactedStream) end() string {
	rest, blotted := s.rest, s.blotted
	s.rest, s.blotted = "", 0
	if len(rest) >= leastSecret {
		return s.at(rest, true).name
	}
	return rest[blotted:]
}
