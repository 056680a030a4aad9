package cli

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/natsq"
	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/words"
)

// This file checks the servers that carry calls to workers.

// whatNATS is how the checks are called.
const whatNATS = "NATS"

// mostSkew is how far the clock of a server may be off.
const mostSkew = 5 * time.Second

// nats checks the servers of NATS, if any are configured.
func (d *doctor) nats(ctx context.Context) {
	n := d.cfg.NATS
	if !n.On() {
		return
	}
	q, err := natsq.Open(app.NATSOptions(n, agentSide, slog.New(slog.DiscardHandler)))
	if err != nil {
		d.fail(whatNATS, "see whether the servers of nats.urls run and know the nkey", "%v", err)
		return
	}
	defer q.Close()
	u := natsq.Uses{Routes: routesOf(d.cfg, nil), Lease: n.Lease, Requests: d.cfg.Budget.SharedWith == config.SharedNATS}
	if d.keys != nil {
		u.Agent = d.keys.AgentID()
	}
	(&natsCheck{doctor: d, q: q, uses: u}).examine(ctx)
}

// natsCheck is the check of servers that are connected.
type natsCheck struct {
	*doctor
	q        *natsq.Queue
	uses     natsq.Uses
	problems int
}

func (c *natsCheck) fail(hint, format string, args ...any) {
	c.problems++
	c.doctor.fail(whatNATS, hint, format, args...)
}

func (c *natsCheck) examine(ctx context.Context) {
	l, err := c.q.Lacking(ctx, c.uses)
	if err != nil {
		c.fail("see whether the servers of nats.urls run", "the rights cannot be checked: %v", err)
		return
	}
	if c.lacks(l); l.Answers != "" {
		return // nothing else would be answered
	}
	f, err := c.q.Examine(ctx, c.uses, l)
	if err != nil {
		c.fail("see whether JetStream runs at each server", "%v", err)
		return
	}
	if len(f.Missing) > 0 {
		c.fail("run "+order.Command("nats setup"), "NATS lacks %s", strings.Join(f.Missing, ", "))
	}
	if !f.Recent {
		c.fail("install nats-server 2.12 or later", "the server is version %.20s", f.Server)
	}
	if n := c.cfg.NATS.Replicas; f.Replicas > 0 && f.Replicas != n {
		c.fail("run "+order.Command("nats setup"), "calls are kept by %s, and nats.replicas is %d", words.Count(f.Replicas, "server"), n)
	}
	c.writes(ctx, f)
	if f.Skew.Abs() > mostSkew {
		c.warn(whatNATS, "set the clocks of both machines by NTP", "the server's clock differs by %s", f.Skew.Round(time.Second))
	}
	if c.problems == 0 {
		c.ok(whatNATS, "version %.20s, calls kept by %s, with all rights that the agent needs", f.Server, words.Count(f.Replicas, "server"))
	}
}

// lacks shows each right that is not there.
func (c *natsCheck) lacks(l natsq.Lacking) {
	prints := "; " + order.Command("nats setup --key agent") + " prints all rights"
	if l.Answers != "" {
		c.fail(`allow subscribe to "`+l.Answers+`" for the nkey of the agent at each server`+prints, "the agent may not subscribe to %s, so it gets no answer", l.Answers)
	}
	for _, r := range l.Rights {
		hint := `allow publish to "` + r.Subject + `" for the nkey of the agent at each server` + prints
		if r.Check {
			c.warn(whatNATS, hint, "the agent may not publish to %s, so this check cannot %s", r.Subject, r.For)
			continue
		}
		c.fail(hint, "the agent may not publish to %s, so it cannot %s", r.Subject, r.For)
	}
}

// writes checks whether the servers write each message to the disk at once.
func (c *natsCheck) writes(ctx context.Context, f natsq.Found) {
	const hint = "set sync_interval: always in the section jetstream of each server"
	monitor := c.cfg.NATS.MonitorURL
	if monitor == "" {
		c.warn(whatNATS, "set nats.monitor_url", "whether a power cut loses messages is unknown: no monitor is configured")
		return
	}
	if err := f.Monitor(ctx, monitor); err != nil {
		c.warn(whatNATS, "check nats.monitor_url, and http in the server's configuration", "its monitor cannot be read: %v", err)
		return
	}
	if !f.Syncs {
		c.fail(hint, "a power cut loses what the server has acknowledged: it does not write each message at once")
	}
	if len(f.Unseen) > 0 {
		c.warn(whatNATS, "see that sync_interval: always is in the section jetstream of each of them",
			"nats.monitor_url shows one server; whether these write at once was not checked: %s", term.Line(strings.Join(f.Unseen, ", "), 200))
	}
}
