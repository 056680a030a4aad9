// Package term is what atelierd shows on a terminal: tables, JSON,
// and foreign text made safe to show.
//
// It must not know orders, the store or what a command does.
package term

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"atelierd/internal/words"
)

// Sanitize makes foreign text safe for a terminal, a log or an error. Text that
// is printable stays as it is. Everything else, line ends, terminal controls,
// direction marks and broken UTF-8 among it, is escaped as Go escapes it.
func Sanitize(s string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 || unprintable(r) {
			quoted := strconv.QuoteToASCII(s[:n])
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// Line is Sanitize for a column or a sentence: runs of white space become one
// space, and the text is cut to n characters.
func Line(s string, n int) string {
	return words.Cut(Sanitize(strings.Join(strings.Fields(s), " ")), n)
}

// Text is Sanitize for text of several lines, which keeps its line ends. Tabs
// become spaces.
func Text(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\t", "    ")
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Sanitize(line)
	}
	return strings.Join(lines, "\n")
}

// sanitizeJSON escapes in a JSON text what is not printable. The encoder leaves
// some of it as it is, such as the controls above ASCII. They can only be part of
// a string, where the escaped form means the same.
func sanitizeJSON(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || !unprintable(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
