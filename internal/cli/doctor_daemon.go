package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
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
	cfg, err := d.read()
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
	leads := fmt.Sprintf("; endpoint_url %s must lead there", term.Sanitize(d.cfg.Agent.EndpointURL))
	d.listener("webhooks", d.cfg.Webhook.Listen, leads, app.OpenPort)
}

// metrics checks whether the daemon can serve metrics.
func (d *doctor) metrics() { d.listener("metrics", d.cfg.Metrics.Listen, "", app.OpenMetricsPort) }

// ping checks whether the address of pings can be read. It calls nothing, because a call
// says that the daemon works.
func (d *doctor) ping() {
	if !d.cfg.Ping.On() {
		return
	}
	if err := app.CheckPing(d.cfg); err != nil {
		d.fail("ping", "correct [ping] in the configuration", "the address cannot be used: %v", err)
		return
	}
	d.ok("ping", "the address is there; it is called after each answered poll")
}

// listener checks whether the daemon can listen on an address; "" is one that is off.
func (d *doctor) listener(name, address, more string, open func(app.Options) (net.Listener, error)) {
	if address == "" {
		return
	}
	if store.Holder(d.cfg.DataDir) != 0 {
		d.ok(name, "the daemon listens on %s%s", address, more)
		return
	}
	port, err := open(app.Options{Config: d.cfg, Getenv: d.Getenv})
	if err != nil {
		d.failErr(name, err)
		return
	}
	_ = port.Close() // it was only a test
	d.ok(name, "%s is free%s", address, more)
}

// requests checks whether a poll and a delivery can still be sent.
func (d *doctor) requests(ctx context.Context, r *store.Store) {
	now := time.Now()
	v, err := reader(d.cfg, r).Status(ctx)
	switch {
	case err != nil:
		d.failErr("requests", err)
	case !v.Requests.Suffice():
		d.warn("requests", "nothing to do; work resumes by itself", "%s", v.Requests.Summary(now))
	default:
		d.ok("requests", "%s", v.Requests.Summary(now))
	}
}
