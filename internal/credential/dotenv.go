package credential

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	// ours matches every line about one of our two names, also one that is not well
	// formed.
	ours = regexp.MustCompile(`^(?:export\s+)?(` + EnvAgentID + `|` + EnvAPIKey + `)(?:\s*(=)\s*(.*)|[^A-Za-z0-9_].*)?$`)
	// other matches an assignment to another name.
	other = regexp.MustCompile(`^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$`)
	// mention finds one of our names as a whole word, in any case.
	mention = regexp.MustCompile(`(?i)(?:^|[^a-z0-9_])atelier[-_]?(?:agent[-_]?(id)|api[-_]?key)(?:$|[^a-z0-9_])`)
	// assigned finds one of our names before an equals sign or a colon.
	assigned = regexp.MustCompile(`(?i)(?:^|[^a-z0-9_])atelier[-_]?(?:agent[-_]?id|api[-_]?key)["']?\s*[=:]`)
)

// lineBreaks are characters that an editor may show as the end of a line. Here they
// are part of one.
const lineBreaks = "\r\v\f\u0085\u2028\u2029"

// dotEnv reads NAME=value lines, with or without export, quotes and comments.
// It ignores other names. As in a shell the last value counts, because the
// marketplace's guide appends to the file.
//
// A line that mentions one of our names and is not understood is an error.
// Ignoring it could end in a second registration.
func dotEnv(path string, data []byte) (Found, bool, error) {
	if !utf8.Valid(data) || strings.ContainsRune(string(data), 0) {
		return Found{}, true, failf("write "+path+" again as NAME=value lines, or move it away", "%s is not a text file", path)
	}
	values := map[string]string{}
	for i, line := range strings.Split(strings.TrimPrefix(string(data), "\ufeff"), "\n") {
		line = strings.TrimSpace(line)
		name, before := mentioned(line)
		if name == "" {
			continue
		}
		at, odd := i+1+strings.Count(before, "\r"), strings.ContainsAny(line, lineBreaks)
		if m := ours.FindStringSubmatch(line); m != nil && !odd {
			value, ok := unquote(m[3])
			if !ok || m[2] != "=" {
				return Found{}, true, badLine(path, m[1], at)
			}
			values[m[1]] = value
		} else if odd || !aboutOther(line) {
			return Found{}, true, badLine(path, name, at)
		}
	}
	id, key := values[EnvAgentID], values[EnvAPIKey]
	if id == "" && key == "" {
		return Found{}, false, nil
	}
	f, err := newFound(path, id, key, "")
	return f, true, err
}

func badLine(path, name string, line int) error {
	return failf("write the line again as "+name+"=value, in plain characters and with a line feed at its end; "+
		"put # before it if it is not used", "cannot read %s in %s, line %d", name, path, line)
}

// mentioned returns the one of our names that the line contains, and the text
// before it. It finds names that have invisible characters before, after or in
// them.
func mentioned(line string) (name, before string) {
	for _, instead := range []rune{-1, ' '} {
		shown := strings.Map(func(r rune) rune {
			if invisible(r) {
				return instead
			}
			return r
		}, line)
		if m := mention.FindStringSubmatchIndex(shown); m != nil {
			if name = EnvAPIKey; m[2] >= 0 {
				name = EnvAgentID
			}
			// The name's first letter is not part of before, its separator is.
			return name, shown[:min(m[0]+1, len(shown))]
		}
	}
	return "", ""
}

// invisible reports whether most editors show nothing for r.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Mn, unicode.Other_Default_Ignorable_Code_Point) ||
		unicode.IsControl(r) && !strings.ContainsRune("\t"+lineBreaks, r)
}

// aboutOther reports whether a line that mentions our names is understood and does
// not set them: a comment, or an assignment to another name whose value contains
// no assignment.
func aboutOther(line string) bool {
	if strings.HasPrefix(line, "#") {
		return true
	}
	m := other.FindStringSubmatch(line)
	if m == nil || mention.MatchString(m[1]) {
		return false
	}
	value, ok := unquote(m[2])
	return ok && !assigned.MatchString(value)
}

// unquote returns the value after the "=": in quotes, or up to the first space. A
// comment may follow.
func unquote(s string) (value string, ok bool) {
	rest := ""
	switch {
	case s == "" || s[0] == '#':
		return "", true
	case s[0] == '"' || s[0] == '\'':
		if value, rest, ok = strings.Cut(s[1:], s[:1]); !ok {
			return "", false
		}
	default:
		end := strings.IndexAny(s+" ", " \t")
		value, rest = s[:end], s[end:]
	}
	rest = strings.TrimSpace(rest)
	return value, rest == "" || rest[0] == '#'
}
