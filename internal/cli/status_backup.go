package cli

import (
	"fmt"
	"time"

	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

func backupLine(v view.Backup, now time.Time) labelled {
	l := labelled{label: "backup", text: "none was made yet into " + term.Sanitize(v.To), style: term.Yellow}
	if !v.Last.IsZero() {
		l.text = fmt.Sprintf("made %s into %s, %d files of orders (%s)", words.Relative(now, v.Last), term.Sanitize(v.To), v.Files, words.Size(v.Bytes))
		l.style = term.None
	}
	if v.Left > 0 {
		l.text, l.style = l.text+fmt.Sprintf("; %d files are missing or changed", v.Left), term.Yellow
	}
	if v.Failed != "" {
		l.text, l.style = l.text+"; the last try failed", term.Red
	}
	return l
}
