package credential

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// ours matches every line about one of our two names, also one that is not well
// formed. Skipping such a line could end in a second registration.
var ours = regexp.MustCompile(`^(?:export\s+)?(` + EnvAgentID + `|` + EnvAPIKey + `)(?:\s*(=)\s*(.*)|[^A-Za-z0-9_].*)?$`)

// dotEnv reads NAME=value lines, with or without export, quotes and comments.
// It ignores other names. As in a shell the last value counts, because the
// marketplace's guide appends to the file.
func dotEnv(path string, data []byte) (Found, bool, error) {
	if !utf8.Valid(data) || strings.ContainsRune(string(data), 0) {
		return Found{}, true, failf("write "+path+" again as NAME=value lines, or move it away", "%s is not a text file", path)
	}
	values := map[string]string{}
	for i, line := range strings.Split(strings.TrimPrefix(string(data), "\ufeff"), "\n") {
		m := ours.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		value, ok := unquote(m[3])
		if !ok || m[2] != "=" {
			return Found{}, true, failf("write the line as "+m[1]+"=value", "cannot read %s in %s, line %d", m[1], path, i+1)
		}
		values[m[1]] = value
	}
	id, key := values[EnvAgentID], values[EnvAPIKey]
	if id == "" && key == "" {
		return Found{}, false, nil
	}
	f, err := newFound(path, id, key, "")
	return f, true, err
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
