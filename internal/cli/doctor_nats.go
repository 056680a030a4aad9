package cli

import (
	"context"
	"log/slog"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/natsq"
	"atelierd/internal/order"
	"atelierd/internal/words"
)

// This file checks the servers that carry calls to workers.

// mostSkew is how far the clock of a server may be off.
const mostSkew = 5 * time.Second

// nats checks the servers of NATS, if any are configured.
func (d *doctor) nats(ctx context.Context) {
	const what = "NATS"
	n := d.cfg.NATS
	if !n.On() {
		return
	}
	q, err := natsq.Open(app.NATSOptions(n, agentSide, slog.New(slog.DiscardHandler)))
	if err != nil {
		d.fail(what, "see whether the servers of nats.urls run and know the nkey", "%v", err)
		return
	}
	defer q.Close()
	f, err := q.Examine(ctx, n.MonitorURL)
	switch {
	case f.Replicas == 0 && err != nil:
		d.fail(what, "run "+order.Command("nats setup"), "%v", err)
		return
	case err != nil:
		d.warn(what, "check nats.monitor_url, and http in the server's configuration", "its monitor cannot be read: %v", err)
	}
	problems := 0
	fail := func(hint, format string, args ...any) {
		problems++
		d.fail(what, hint, format, args...)
	}
	if !f.Recent {
		fail("install nats-server 2.12 or later", "the server is version %.20s", f.Server)
	}
	if f.Replicas != n.Replicas {
		fail("run "+order.Command("nats setup"), "calls are kept by %s, and nats.replicas is %d", words.Count(f.Replicas, "server"), n.Replicas)
	}
	switch {
	case f.Monitored && !f.Syncs:
		fail("set sync_interval: always in the section jetstream of each server", "a power cut loses what the server has acknowledged: it does not write each message at once")
	case !f.Monitored && n.MonitorURL == "":
		d.warn(what, "set nats.monitor_url", "whether a power cut loses messages is unknown: no monitor is configured")
	}
	if f.Skew.Abs() > mostSkew {
		d.warn(what, "set the clocks of both machines by NTP", "the server's clock differs by %s", f.Skew.Round(time.Second))
	}
	if problems == 0 {
		d.ok(what, "version %.20s, calls kept by %s", f.Server, words.Count(f.Replicas, "server"))
	}
}
