package secret

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// leastSecret is the length from which a value counts as a secret. A shorter one
// would match ordinary words.
const leastSecret = 8

// Named is a secret and what it is called where its value may not be shown.
type Named struct {
	Name string
	Text Text
}

// Redactor replaces secrets in text by their names. Text must be redacted before it is
// cut, because the redactor does not find half a secret. It does not change, so it is
// safe for concurrent use.
type Redactor struct {
	// forms holds the ways to write each secret by its first byte, the longest
	// first, since one secret may begin with another.
	forms   [256][]form
	longest int // the length of the longest of them
}

type form struct{ text, name string }

// NewRedactor returns a redactor of the secrets. Those that are too short are left out:
// they would match ordinary words.
func NewRedactor(list []Named) *Redactor {
	r := &Redactor{}
	seen := map[string]bool{}
	for _, each := range list {
		for _, text := range spellings(each.Text.Reveal()) {
			if !seen[text] {
				seen[text] = true
				r.forms[text[0]] = append(r.forms[text[0]], form{text, each.Name})
				r.longest = max(r.longest, len(text))
			}
		}
	}
	for _, forms := range r.forms {
		slices.SortStableFunc(forms, func(a, b form) int { return cmp.Compare(len(b.text), len(a.text)) })
	}
	return r
}

// spellings returns the forms in which a program is likely to write a value: as it
// is, line by line, escaped for JSON, for a quoted text or for a URL, in hexadecimal and
// in base64. Space around a value is left out, because few programs keep it, and so are
// the first and last line of a PEM file, which are not secret.
func spellings(value string) []string {
	parts := append(strings.FieldsFunc(value, func(r rune) bool { return r == '\n' || r == '\r' }), value)
	var all []string
	for _, part := range parts {
		part = strings.TrimSpace(part)
		if len(part) < leastSecret || strings.HasPrefix(part, "-----") && len(parts) > 2 && part != strings.TrimSpace(value) {
			continue
		}
		all = append(all, encodings(part)...)
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

// encodings returns how a value looks inside text that was encoded as a whole. In base64
// that depends on where the value begins.
func encodings(value string) []string {
	in := hex.EncodeToString([]byte(value))
	all := []string{in, strings.ToUpper(in)}
	for skip := range 3 {
		// The characters that a neighbour shares are left out.
		bits := base64.RawStdEncoding.EncodeToString(append(make([]byte, skip), value...))
		whole := bits[(skip*8+5)/6 : (skip+len(value))*8/6]
		if len(whole) >= leastSecret {
			all = append(all, whole, strings.NewReplacer("+", "-", "/", "_").Replace(whole))
		}
	}
	return all
}

// at returns the secret that s begins with, or nil. When more text is to follow,
// it also returns a secret that begins with s.
func (r *Redactor) at(s string, more bool) *form {
	forms := r.forms[s[0]]
	for i := range forms {
		if strings.HasPrefix(s, forms[i].text) || more && strings.HasPrefix(forms[i].text, s) {
			return &forms[i]
		}
	}
	return nil
}

// Clean returns s without secrets.
func (r *Redactor) Clean(s string) string {
	out, _, _ := r.scan(s, 0, false)
	return out
}

// Finds reports whether s contains a secret.
func (r *Redactor) Finds(s string) bool { return r.Clean(s) != s }

// FindIn reads to the end and returns the name of a secret that the text contains, or
// "" for none. It keeps only a part of the text in memory.
func (r *Redactor) FindIn(in io.Reader) (name string, err error) {
	buf, kept := make([]byte, 64<<10+r.longest), 0
	for {
		n, err := io.ReadFull(in, buf[kept:])
		if name := r.first(buf[:kept+n]); name != "" {
			return name, nil
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return "", nil
		case err != nil:
			return "", err
		}
		// The end may hold the beginning of a secret.
		kept = copy(buf, buf[max(0, len(buf)-r.longest):])
	}
}

// FindInLink returns the name of a secret that a link contains, as it is written or
// behind escapes, or "" for none.
func (r *Redactor) FindInLink(link string) string {
	return cmp.Or(r.first([]byte(link)), r.first([]byte(unescaped(link))))
}

var percent = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// unescaped returns a link without its escapes. Unlike net/url it continues after a bad
// escape, because a good one may follow.
func unescaped(link string) string {
	return percent.ReplaceAllStringFunc(link, func(s string) string {
		b, _ := strconv.ParseUint(s[1:], 16, 8) // two hex digits are always a byte
		return string([]byte{byte(b)})
	})
}

// first returns the name of the first secret in b, or "".
func (r *Redactor) first(b []byte) string {
	for i, c := range b {
		for _, f := range r.forms[c] {
			if len(b)-i >= len(f.text) && string(b[i:i+len(f.text)]) == f.text {
				return f.name
			}
		}
	}
	return ""
}

// scan returns s without secrets. The first blotted bytes of s belong to a secret
// that was replaced already. When more text is to follow, an end of s that may
// begin a secret is returned as the rest instead. Every byte of every secret is
// removed, also where two of them overlap.
func (r *Redactor) scan(s string, blotted int, more bool) (out, rest string, restBlotted int) {
	var b strings.Builder
	for i := range len(s) {
		if f := r.at(s[i:], more); f != nil {
			end := i + len(f.text)
			if end > len(s) {
				return b.String(), s[i:], max(blotted-i, 0)
			}
			if i >= blotted {
				b.WriteString("[" + f.name + "]")
			}
			blotted = max(blotted, end)
		}
		if i >= blotted {
			b.WriteByte(s[i])
		}
	}
	return b.String(), "", 0
}

// Stream removes secrets from text that comes in pieces. It holds back only what may
// begin a secret.
type Stream struct {
	*Redactor
	rest    string
	blotted int
}

// Next returns what can be shown of the text so far.
func (s *Stream) Next(piece string) string {
	var out string
	out, s.rest, s.blotted = s.scan(s.rest+piece, s.blotted, true)
	return out
}

// End returns what was held back. If that is long enough, the program was killed
// while it wrote a secret, and the part is replaced like the whole.
func (s *Stream) End() string {
	rest, blotted := s.rest, s.blotted
	s.rest, s.blotted = "", 0
	if len(rest) >= leastSecret {
		return "[" + s.at(rest, true).name + "]"
	}
	return rest[blotted:]
}
