package config

import (
	"path/filepath"
	"strings"
	"time"
)

// Backup configures the backups that the daemon makes by itself. They are off when To is
// empty.
type Backup struct {
	To    string // a folder, absolute
	Every time.Duration
	// Keep is how many stay.
	Keep int
	// Credentials: they have what is secret.
	Credentials bool
}

// On reports whether the daemon makes backups.
func (b Backup) On() bool { return b.To != "" }

func (t *table) backup(dir, dataDir string) Backup {
	defer t.done()
	b := Backup{
		To:    t.text("to", ""),
		Every: t.duration("every", 24*time.Hour, time.Minute, 30*24*time.Hour),
		Keep:  t.number("keep", 7, 1, 10_000), Credentials: true,
	}
	if on, set := value[bool](t, "credentials", "a boolean"); set {
		b.Credentials = on
	}
	switch {
	case b.To == "":
		return b
	case strings.HasPrefix(b.To, "~"):
		t.problem(t.at("to"), "begins with ~, which is not expanded here; write the whole path")
	case strings.HasSuffix(b.To, ".tar"):
		t.problem(t.at("to"), "is a tar file; write a folder, where the backups share their files")
	}
	b.To = within(dir, b.To)
	if rel, err := filepath.Rel(dataDir, b.To); err == nil && filepath.IsLocal(rel) {
		t.problem(t.at("to"), "is inside the data folder; write a folder on another disk")
	}
	return b
}
