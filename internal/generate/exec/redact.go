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

// leastSecret is how long a value has to be to count as a secret: a shorter one
// would match ordinary words.
const leastSecret = 8

// redactor replaces the values of variables that look like secrets by their
// names. Text goes through it before anything is cut off: a secret that a cut
// goes through is no longer known, and a part of it would stay.
type redactor struct {
	// forms are the ways to write the secrets, by their first byte, the longest
	// first: a secret may begin with another one.
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
		for _, text := range writings(value) {
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

// writings are the forms in which a program is likely to write a value: as it
// is, line by line, and escaped for JSON, for a quoted text or for a URL. The
// space around a value is not part of it, because few programs keep it.
func writings(value string) []string {
	parts := append(strings.FieldsFunc(value, func(r rune) bool { return r == '\n' || r == '\r' }), value)
	var all []string
	for _, part := range parts {
		part = strings.TrimSpace(part)
		if len(part) < leastSecret {
			continue
		}
		// A JSON decoder puts U+FFFD in the place of a byte that is not UTF-8.
		for _, text := range []string{part, string([]rune(part))} {
			inJSON, _ := json.Marshal(text) // a string can always be written
			for _, quoted := range []string{string(inJSON), strconv.Quote(text), strconv.QuoteToASCII(text)} {
				plain := quoted[1 : len(quoted)-1]
				all = append(all, plain, strings.ReplaceAll(plain, "/", `\/`))
			}
			all = append(all, text, url.QueryEscape(text), url.PathEscape(text), url.UserPassword("", text).String()[1:])
		}
	}
	return all
}

// at gives the secret that s begins with, or else nil. When more is to follow,
// it also gives one that s is only the beginning of.
func (r *redactor) at(s string, more bool) *form {
	forms := r.forms[s[0]]
	for i := range forms {
		if strings.HasPrefix(s, forms[i].text) || more && strings.HasPrefix(forms[i].text, s) {
			return &forms[i]
		}
	}
	return nil
}

// clean gives s without secrets.
func (r *redactor) clean(s string) string {
	out, _, _ := r.scan(s, 0, false)
	return out
}

// finds says whether there is a secret in s.
func (r *redactor) finds(s string) bool { return r.clean(s) != s }

// scan gives s without secrets; its first blotted bytes are part of one that has
// been replaced already. When more is to follow, the end of s that may be the
// beginning of a secret is not given out but left as the rest. Every byte of
// every secret goes, also where two of them overlap.
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

// redactedStream takes the secrets out of text that comes in pieces, and holds
// back no more than what may be the beginning of one.
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

// end gives what was held back. What is long enough there is the beginning of a
// secret that the program was killed in the middle of, and is no more to be
// shown than the whole.
func (s *redactedStream) end() string {
	rest, blotted := s.rest, s.blotted
	s.rest, s.blotted = "", 0
	if len(rest) >= leastSecret {
		return s.at(rest, true).name
	}
	return rest[blotted:]
}
