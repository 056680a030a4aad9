package config

import "time"

// Webhook configures how the marketplace's webhooks are received. They are off
// when Listen is empty.
type Webhook struct {
	Listen string // host:port
	// Secret is where the secret is. Without one it comes from the marketplace.
	Secret Secret
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
		Secret:       t.secret("secret", dir),
		PollInterval: t.duration("poll_interval", 15*time.Minute, time.Second, 24*time.Hour),
		Trust:        t.duration("trust", time.Hour, time.Minute, 24*time.Hour),
		Debounce:     t.duration("debounce", 5*time.Second, 10*time.Millisecond, time.Hour),
	}
	return w
}

// unreachedAfter is the least time without an answered poll after which the marketplace
// counts as not reached.
const unreachedAfter = 10 * time.Minute

// PollWithin is how old the last answered poll may be while the marketplace counts as
// reached.
func (c *Config) PollWithin() time.Duration {
	interval := c.Poll.Interval
	if c.Webhook.On() {
		interval = max(interval, c.Webhook.PollInterval)
	}
	within := max(unreachedAfter, 2*interval+5*time.Minute)
	if c.Budget.SharedWith != "" {
		// The others may use up a window, and then no agent polls before the next.
		within = max(within, c.Budget.Window+unreachedAfter)
	}
	return within
}
