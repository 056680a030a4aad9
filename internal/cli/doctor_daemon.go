package cli

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// This file checks what the daemon needs on this machine, besides the data folder
// and the generators.

// configuration reports whether there is a configuration to check against.
func (d *doctor) configuration() bool {
	cfg, err := d.load()
	if err != nil {
		d.failErr("config", err)
		d.unread = true
		return false
	}
	d.cfg = cfg
	d.ok("config", "%s", cfg.Path)
	for _, w := range cfg.Warnings() {
		d.warn("config", "", "%s", w)
	}
	return true
}

// database returns the open database, or nil if there is none to read.
func (d *doctor) database() *store.Store {
	st, err := store.OpenReader(d.cfg.DataDir)
	switch {
	case err == nil:
		if err := st.Check(context.Background()); err != nil {
			d.failErr("database", err)
			return st
		}
		d.ok("database", "%s", filepath.Join(d.cfg.DataDir, store.FileName))
		return st
	case errors.Is(err, store.ErrNoDatabase):
		d.ok("database", "none yet; %s creates it", order.Command("run"))
	default:
		d.failErr("database", err)
	}
	return nil
}

// lock shows whether a daemon holds the data folder.
func (d *doctor) lock() {
	if pid := store.Holder(d.cfg.DataDir); pid != 0 {
		d.ok("lock", "a daemon is running (pid %d)", pid)
		return
	}
	d.ok("lock", "free; no daemon is running")
}

// webhooks checks whether the daemon can listen for webhooks.
func (d *doctor) webhooks() {
	address := d.cfg.Webhook.Listen
	if address == "" {
		return
	}
	if store.Holder(d.cfg.DataDir) != 0 {
		d.ok("webhooks", "the daemon listens on %s; endpoint_url %s must lead there", address, term.Sanitize(d.cfg.Agent.EndpointURL))
		return
	}
	port, err := app.OpenPort(app.Options{Config: d.cfg, Getenv: d.Getenv})
	if err != nil {
		d.failErr("webhooks", err)
		return
	}
	_ = port.Close() // it was only a test
	d.ok("webhooks", "%s is free; endpoint_url %s must lead there", address, term.Sanitize(d.cfg.Agent.EndpointURL))
}

// requests checks whether a poll and a delivery can still be sent.
func (d *doctor) requests(ctx context.Context, r *store.Store) {
	now := time.Now()
	v, err := readStatus(ctx, d.cfg, r, now)
	switch {
	case err != nil:
		d.failErr("requests", err)
	case !v.Requests.left():
		d.warn("requests", "nothing to do; work resumes by itself", "%s", v.Requests.summary(now))
	default:
		d.ok("requests", "%s", v.Requests.summary(now))
	}
}
