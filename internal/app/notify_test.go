package app

import (
	"log/slog"
	"testing"

	"atelierd/internal/config"
)

func TestNotificationsHoldOnlyWhatIsPrintable(t *testing.T) {
	t.Parallel()
	o, err := Announcements(&config.Config{}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"two\nlines, gr\u00fcn \U0001f98a": "two\nlines, gr\u00fcn \U0001f98a",
		"a\x1b[31mb\x00\a":                 `a\x1b[31mb\x00\a`,
		"file\u202egpj.exe":                `file\u202egpj.exe`,
		"zero\u200bwidth\u2066":            `zero\u200bwidth\u2066`,
		"broken \xff\xc3":                  `broken \xff\xc3`,
	} {
		if got := o.Clean(text); got != want {
			t.Errorf("%q is sent as %q, want %q", text, got, want)
		}
	}
}
