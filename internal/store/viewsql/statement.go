package viewsql

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// checkStatement refuses what is not one statement of text. What the statement does is
// decided by the guard.
func checkStatement(statement string) error {
	switch {
	case len(statement) > MaxStatement:
		return &Refused{fmt.Sprintf("the statement has more than %d bytes", MaxStatement)}
	case !utf8.ValidString(statement) || strings.ContainsRune(statement, 0):
		return &Refused{"the statement is not text in UTF-8"}
	}
	one, rest := split(statement)
	if one == "" {
		return &Refused{"there is no statement"}
	}
	if other, _ := split(rest); other != "" {
		return &Refused{"only one statement is allowed"}
	}
	return nil
}

// split returns the first statement of a text without comments, and what follows it.
func split(text string) (one, rest string) {
	var words strings.Builder
	for i := 0; i < len(text); {
		n := token(text[i:])
		switch part := text[i : i+n]; {
		case part == ";":
			if one = strings.TrimSpace(words.String()); one != "" {
				return one, text[i+n:]
			}
			words.Reset()
		case strings.HasPrefix(part, "--"), strings.HasPrefix(part, "/*"):
			words.WriteByte(' ')
		default:
			words.WriteString(part)
		}
		i += n
	}
	return strings.TrimSpace(words.String()), ""
}

// token returns the length of the comment, the quoted text or the byte that a text
// begins with, as SQLite reads it.
func token(text string) int {
	from, end := 1, ""
	switch {
	case strings.HasPrefix(text, "--"):
		from, end = 2, "\n"
	case strings.HasPrefix(text, "/*"):
		from, end = 2, "*/"
	case text[0] == '[':
		end = "]"
	case text[0] == '\'' || text[0] == '"' || text[0] == '`':
		end = text[:1] // a doubled one begins the next quoted text
	default:
		return 1
	}
	if at := strings.Index(text[from:], end); at >= 0 {
		return from + at + len(end)
	}
	return len(text)
}
