package cli

import "testing"

func TestYIsEnoughWhereYesIsAskedFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line, word string
		want       bool
	}{
		{"yes\n", "yes", true},
		{" y \n", "yes", true},
		{"Y\n", "yes", true},
		{"YES\n", "yes", true},
		{"n\n", "yes", false},
		{"\n", "yes", false},
		{"y\n", "retire", false}, // what cannot be undone wants its own word
		{"retire\n", "retire", true},
		{"Retire\n", "retire", false},
	} {
		if got := confirms(c.line, c.word); got != c.want {
			t.Errorf("%q for %s: %v, want %v", c.line, c.word, got, c.want)
		}
	}
}
