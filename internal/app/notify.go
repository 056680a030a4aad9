package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"atelierd/internal/announce"
	"atelierd/internal/config"
	"atelierd/internal/disk"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate/exec"
	"atelierd/internal/notify"
	"atelierd/internal/order"
	"atelierd/internal/secret"
	"atelierd/internal/term"
)

// Announcements returns what an announcer needs beyond its store.
func Announcements(cfg *config.Config, c *Credentials, log *slog.Logger) (announce.Options, error) {
	return announcements(base{Config: cfg, Credentials: c, Log: log})
}

func announcements(b base) (announce.Options, error) {
	cfg, c, log := b.Config, b.Credentials, b.Log
	m := maker{cfg: cfg, log: log, credentials: func() *Credentials { return c }, transport: b.Transport.RoundTripper}
	o := announce.Options{
		Agent: cfg.Agent.Name, PollWithin: PollWithin(cfg),
		Wrong: func() []order.Condition { return LowDisk(cfg.DataDir) },
		Hint:  NextStep,
		Log:   log,
		Clean: func(text string) string { return term.Text(redactor(cfg, c).Clean(text)) },
	}
	for _, n := range cfg.Notify {
		to, err := m.target(n)
		if err != nil {
			return o, configError("notify", err)
		}
		o.Targets = append(o.Targets, announce.Target{
			Listener: order.Listener{Name: n.Name, News: n.News, PerHour: n.PerHour, Zone: n.Zone}, To: to, Quiet: n.Quiet,
			Digest: order.DigestTime{At: n.DigestAt, Zone: n.Zone},
		})
	}
	return o, nil
}

// unreachedAfter is the least time without an answered poll after which the marketplace
// counts as not reached.
const unreachedAfter = 10 * time.Minute

// PollWithin is how old the last answered poll may be while the marketplace counts as
// reached.
func PollWithin(cfg *config.Config) time.Duration {
	interval := cfg.Poll.Interval
	if cfg.Webhook.On() {
		interval = max(interval, cfg.Webhook.PollInterval)
	}
	return max(unreachedAfter, 2*interval+5*time.Minute)
}

// target makes a target. Its secrets are read for each message, so that the owner can
// replace them in place.
func (m maker) target(n config.Notify) (notify.Target, error) {
	spec := notify.Spec{Type: n.Type, Token: textIn(n.Token), URL: textIn(n.Address), Chat: n.Chat, Mail: n.Mail, Transport: m.transport}
	if n.URL != "" {
		spec.URL = func() (secret.Text, error) { return secret.New(n.URL), nil }
	}
	if n.Type == notify.TypeCommand {
		program, err := m.program("", exec.Options{Name: "target " + n.Name, Command: n.Command, Env: n.Env, Log: m.log})
		if err != nil {
			return nil, err
		}
		spec.Run = program.Notify
	}
	return notify.New(spec)
}

// textIn returns a function that reads a secret, or nil without one.
func textIn(s config.Secret) func() (secret.Text, error) {
	if !s.On() {
		return nil
	}
	return func() (secret.Text, error) { return readSecret(s, os.Getenv) }
}

// LowDisk is what the owner has to know of a disk without room for another file. It asks
// the file system, because nothing can be stored there.
func LowDisk(dir string) []order.Condition {
	free, err := disk.Free(dir)
	if err != nil || free >= fulfill.LeastRoom {
		return nil
	}
	return []order.Condition{{
		What: "daemon", ID: string(order.AlertDisk), Code: order.AlertDisk.Code(), State: "held",
		Reason: fmt.Sprintf("%s are free in %s; below %s no generator is started, and without room nothing is done", term.Size(free), dir, term.Size(fulfill.LeastRoom)),
		Hint:   "make room in the data folder; work resumes by itself",
	}}
}

// newAnnouncer makes the loop that notifies the owner.
func newAnnouncer(b base) (*announce.Announcer, error) {
	o, err := announcerOptions(b)
	if err != nil {
		return nil, err
	}
	b.Store.Listen(listeners(o))
	return announce.New(o), nil
}

func announcerOptions(b base) (announce.Options, error) {
	o, err := announcements(b)
	if err != nil {
		return o, err
	}
	l, err := b.Store.Ledger(context.Background())
	o.Store, o.Ledger = b.Store, l.ID
	return o, err
}

func listeners(o announce.Options) (list []order.Listener) {
	for _, t := range o.Targets {
		list = append(list, t.Listener)
	}
	return list
}
