package app

import (
	"context"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/notify"
	"atelierd/internal/ping"
	"atelierd/internal/secret"
)

// pingURL returns a function that reads the address of pings, or nil without one.
func pingURL(p config.Ping) func() (secret.Text, error) {
	if p.URL != "" {
		return func() (secret.Text, error) { return secret.New(p.URL), nil }
	}
	return textIn(p.Secret)
}

// CheckPing returns an error if the address of pings cannot be read or is none. It does
// not call it.
func CheckPing(cfg *config.Config) error {
	address := pingURL(cfg.Ping)
	if address == nil {
		return nil
	}
	return notify.NewAddress(address).Check()
}

func newPinger(b base) *ping.Pinger {
	return ping.New(ping.Options{Get: pingGet(b.Config.Ping), Loops: &b.App.activity.loops, Log: b.Log})
}

// pingGet returns what calls the address of pings, or nil without one.
func pingGet(p config.Ping) func(context.Context, string) error {
	if url := pingURL(p); url != nil {
		return notify.NewAddress(url).Get
	}
	return nil
}

// failWithin is how long the call that reports the end of the process may take.
const failWithin = 10 * time.Second

// pingFailure notifies the monitor that the process ends by an internal error.
func pingFailure(p *ping.Pinger) {
	ctx, cancel := context.WithTimeout(context.Background(), failWithin)
	defer cancel()
	p.Fail(ctx)
}
