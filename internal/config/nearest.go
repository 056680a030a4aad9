package config

import (
	"slices"
	"strings"
)

// meant returns the names that a wrong one most likely means: the one it
// misspells, or else one or two with more or fewer words.
func meant(name string, names []string) []string {
	if near := nearest(name, names); near != "" {
		return []string{near}
	}
	return akin(name, names)
}

// nearest returns the word that a misspelt one most likely means, or "".
func nearest(word string, words []string) string {
	best, least := "", 3
	if len(word) > 100 {
		return ""
	}
	for _, w := range words {
		// A word of four letters with two changes is another word.
		if d := distance(plain(word), plain(w)); d < least && d <= len(w)/3 {
			best, least = w, d
		}
	}
	return best
}

// akin returns the names whose words are all in name, or that have all words of
// name: per_day_usd means day_usd, and width means min_width. With more than two
// matches it returns none. The credential of a secret is left to its file and variable.
func akin(name string, names []string) []string {
	var list []string
	mine := parts(name)
	for _, other := range names {
		its := parts(other)
		if strings.HasSuffix(other, "_credential") && !slices.Contains(mine, "credential") {
			continue
		}
		if !slices.Contains(list, other) && (covers(its, mine) || covers(mine, its)) {
			list = append(list, other)
		}
	}
	if len(list) > 2 {
		return nil
	}
	return list
}

func plain(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }

// parts returns the words of a key or a title.
func parts(name string) []string {
	return strings.FieldsFunc(plain(name), func(r rune) bool { return r == '_' || r == ' ' })
}

// covers reports whether there are words and all contains each of them.
func covers(all, words []string) bool {
	return len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(all, w) })
}

// distance returns the number of bytes to insert, delete or change to turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
