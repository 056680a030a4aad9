package recipe

import (
	"slices"
	"strings"
)

// words are the words of one meaning.
type words []word

// word is a list of patterns for the values at a path, or one for a section's own word.
type word struct {
	at       *path
	patterns []string
}

// in reports whether one of the words is what the answer says. own are the values of the
// section's own path.
func (list words) in(a Answer, own []string) bool {
	for _, w := range list {
		if w.at == nil {
			for _, o := range own {
				if like(w.patterns[0], o) {
					return true
				}
			}
			continue
		}
		found := w.at.find(a)
		all := len(found) > 0
		for _, v := range found {
			all = all && slices.ContainsFunc(w.patterns, func(pattern string) bool { return matches(pattern, v) })
		}
		if all {
			return true
		}
	}
	return false
}

// plain returns the words for the section's own path.
func (list words) plain() (plain words) {
	for _, w := range list {
		if w.at == nil {
			plain = append(plain, w)
		}
	}
	return plain
}

// numeric reports whether a word for the section's own path is a number.
func (list words) numeric() bool {
	return slices.ContainsFunc(list.plain(), func(w word) bool { return isNumber(w.patterns[0]) })
}

// matches compares a value with a pattern. A list or a table matches "*" alone, and only
// if it is not empty.
func matches(pattern string, v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case []any:
		return pattern == "*" && len(v) > 0
	case map[string]any:
		return pattern == "*" && len(v) > 0
	}
	return like(pattern, text(v))
}

// like compares a text with a pattern, in which * stands for any text. Case does not
// count. Without a text nothing matches.
func like(pattern, s string) bool {
	pattern, s = strings.ToLower(pattern), strings.ToLower(s)
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 || s == "" {
		return pattern == s && s != ""
	}
	rest, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789.-+") == "" }
