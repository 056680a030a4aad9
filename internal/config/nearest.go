package config

import "strings"

// nearest gives the word that a misspelt one most likely means, or "".
func nearest(word string, words []string) string {
	best, least := "", 3
	if len(word) > 40 {
		return ""
	}
	plain := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
	for _, w := range words {
		// Two slips in a word of four letters make it another word.
		if d := distance(plain(word), w); d < least && d <= len(w)/3 {
			best, least = w, d
		}
	}
	return best
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
