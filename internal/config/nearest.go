package config

import (
	"slices"
	"strings"
)

// meant gives the names that a wrong one most likely means: the one that it
// misspells, else one or two that it has too many or too few words for.
func meant(name string, names []string) []string {
	if near := nearest(name, names); near != "" {
		return []string{near}
	}
	return akin(name, names)
}

// nearest gives the word that a misspelt one most likely means, or "".
func nearest(word string, words []string) string {
	best, least := "", 3
	if len(word) > 100 {
		return ""
	}
	for _, w := range words {
		// Two slips in a word of four letters make it another word.
		if d := distance(plain(word), plain(w)); d < least && d <= len(w)/3 {
			best, least = w, d
		}
	}
	return best
}

// akin gives the names all of whose words are in name, or that have all of its
// words: per_day_usd means day_usd, and width means min_width. More than two
// would be a guess.
func akin(name string, names []string) []string {
	var list []string
	mine := parts(name)
	for _, other := range names {
		its := parts(other)
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

// parts are the words of a key or a title.
func parts(name string) []string {
	return strings.FieldsFunc(plain(name), func(r rune) bool { return r == '_' || r == ' ' })
}

// covers says whether there are words, and all of them are among all.
func covers(all, words []string) bool {
	return len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(all, w) })
}

// distance counts the bytes to insert, delete or change to get from a to b.
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
