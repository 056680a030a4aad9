package cli

import (
	"fmt"
	"time"

	"atelierd/internal/backup"
	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// backupView is the last backup by the section [backup].
type backupView struct {
	To string `json:"to"` // empty when they are off
	// Last is when the last one into To was made; zero if there is none. Next is when
	// another is due.
	Last  time.Time `json:"last,omitzero"`
	Next  time.Time `json:"next,omitzero"`
	Files int       `json:"files"`
	Bytes int64     `json:"bytes"`
	// Left is how many files it lacks, or has otherwise than the database.
	Left int `json:"left"`
	// Failed is why the newest one failed; empty if it did not.
	Failed string `json:"failed,omitempty"`
}

func viewBackup(cfg config.Backup, facts []store.Fact) backupView {
	v := backupView{To: cfg.To}
	for _, f := range facts {
		switch f.Name {
		case backup.FactLast:
			if l, ok := backup.ReadLast(f.Value); ok && l.To == cfg.To {
				v.Last, v.Next, v.Files, v.Bytes, v.Left = l.At, l.At.Add(cfg.Every), l.Files, l.Bytes, l.Left
			}
		case string(order.AlertBackup.Code()):
			v.Failed = f.Value
		}
	}
	return v
}

func (v backupView) line(now time.Time) labelled {
	l := labelled{label: "backup", text: "none was made yet into " + term.Sanitize(v.To), style: term.Yellow}
	if !v.Last.IsZero() {
		l.text = fmt.Sprintf("made %s into %s, %d files of orders (%s)", term.Relative(now, v.Last), term.Sanitize(v.To), v.Files, term.Size(v.Bytes))
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
