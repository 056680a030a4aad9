package config

import (
	"net"
	"path/filepath"
	"time"
)

// Webhook says where the marketplace's webhooks are taken. Without Listen none
// are.
type Webhook struct {
	Listen string // host:port
	// SecretFile and SecretEnv name where the secret is, at most one of them;
	// without either it comes from the marketplace.
	SecretFile string // absolute
	SecretEnv  string
	// PollInterval is the time between polls while webhooks are alive: for Trust
	// after the last one. Debounce is the least time between two looks that they
	// ask for.
	PollInterval time.Duration
	Trust        time.Duration
	Debounce     time.Duration
}

// On says whether webhooks are taken.
func (w Webhook) On() bool { return w.Listen != "" }

func (t *table) webhook(dir string) Webhook {
	defer t.done()
	w := Webhook{
		Listen:       t.text("listen", ""),
		SecretFile:   t.text("secret_file", ""),
		SecretEnv:    t.text("secret_env", ""),
		PollInterval: t.duration("poll_interval", 15*time.Minute, time.Second, 24*time.Hour),
		Trust:        t.duration("trust", time.Hour, time.Minute, 24*time.Hour),
		Debounce:     t.duration("debounce", 5*time.Second, 10*time.Millisecond, time.Hour),
	}
	if _, _, err := net.SplitHostPort(w.Listen); w.Listen != "" && err != nil {
		t.problem(t.at("listen"), `must be a host and a port, such as "127.0.0.1:8377"`)
	}
	if w.SecretFile != "" && w.SecretEnv != "" {
		t.problem(t.at("secret_env"), "cannot be set together with secret_file")
	}
	if w.SecretEnv != "" && !variable.MatchString(w.SecretEnv) {
		t.problem(t.at("secret_env"), "must be the name of a variable, not the secret itself")
	}
	if w.SecretFile != "" && !filepath.IsAbs(w.SecretFile) {
		w.SecretFile = filepath.Join(dir, w.SecretFile)
	}
	return w
}
