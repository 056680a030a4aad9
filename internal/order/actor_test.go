package order

import (
	"strings"
	"testing"
)

func TestAnActorIsOneShortWord(t *testing.T) {
	t.Parallel()
	for user, want := range map[string]Actor{
		"jo": "cli:jo", `OFFICE\jo`: `cli:OFFICE\jo`, "": "cli:unknown", "\x1b[31m jo\n": "cli:[31mjo",
		strings.Repeat("é", 40): Actor("cli:" + strings.Repeat("é", 32)),
	} {
		if got := CLI(user); got != want {
			t.Errorf("CLI(%q) = %q, want %q", user, got, want)
		}
	}
}
