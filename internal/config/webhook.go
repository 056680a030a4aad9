package config

import (
	"path/filepath"
	"time"
)

// Webhook configures how the marketplace's webhooks are received. They are off
// when Listen is empty.
type Webhook struct {
	Listen string // host:port
	// SecretFile and SecretEnv name the file or the variable that holds the secret.
	// At most one is set. Without either the secret comes from the marketplace.
	SecretFile string // absolute
	SecretEnv  string
	// PollInterval is the time between polls while webhooks arrive. They count as
	// arriving until Trust has passed since the last one. Debounce is the minimum
	// time between two polls that webhooks ask for.
	PollInterval time.Duration
	Trust        time.Duration
	Debounce     time.Duration
}

// On reports whether webhooks are received.
func (w Webhook) On() bool { return w.Listen != "" }

func (t *table) webhook(dir string) Webhook {
	defer t.done()
	w := Webhook{
		Listen:       t.listen("127.0.0.1:8377"),
		SecretFile:   t.text("secret_file", ""),
		SecretEnv:    t.text("secret_env", ""),
		PollInterval: t.duration("poll_interval", 15*time.Minute, time.Second, 24*time.Hour),
		Trust:        t.duration("trust", time.Hour, time.Minute, 24*time.Hour),
		Debounce:     t.duration("debounce", 5*time.Second, 10*time.Millisecond, time.Hour),
	}
	if w.SecretFile != "" && w.SecretEnv != "" {
		t.problem(t.at("secret_env"), "is set next to secret_file; remove one of them")
	}
	if w.SecretEnv != "" && !variable.MatchString(w.SecretEnv) {
		t.problem(t.at("secret_env"), "is not the name of an environment variable; write its name, never the secret itself")
	}
	if w.SecretFile != "" && !filepath.IsAbs(w.SecretFile) {
		w.SecretFile = filepath.Join(dir, w.SecretFile)
	}
	return w
}
