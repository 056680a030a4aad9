package config

import (
	"slices"
	"time"

	"atelierd/internal/order"
)

// History is how long what is kept of orders that have ended stays. Zero keeps it for ever.
type History struct {
	// Files is for the files and references, Work for what generators wrote.
	Files, Work time.Duration
	// Requests is for the record of requests to the marketplace, of any order.
	Requests time.Duration
	// Attempts is for attempts and calls, Texts for raw, the texts of messages, events and
	// messages to the owner.
	Attempts, Texts time.Duration
	// MaxBytes is the size of the data folder from which on the oldest files of orders that
	// have ended are removed sooner. Zero is no limit.
	MaxBytes int64
}

func (t *table) history() History {
	defer t.done()
	return History{
		Files:    t.days("files_days", 90),
		Work:     t.days("work_days", 7),
		Requests: t.days("requests_days", 30),
		Attempts: t.days("attempts_days", 365),
		Texts:    t.days("texts_days", 365),
		MaxBytes: int64(t.number("max_gb", 0, 0, 1_000_000)) * 1e9,
	}
}

// days returns a number of days, 0 for no end.
func (t *table) days(key string, fallback int) time.Duration {
	return time.Duration(t.number(key, fallback, 0, 36_500)) * 24 * time.Hour
}

// Zone returns the owner's time zone: that of the first target that gets the summary of a
// day, else of this machine.
func (c *Config) Zone() *time.Location {
	for _, n := range c.Notify {
		if slices.Contains(n.News, order.NewsDigest) {
			return n.Zone
		}
	}
	return time.Local
}
