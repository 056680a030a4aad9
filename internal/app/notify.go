package app

import (
	"context"
	"log/slog"
	"os"

	"atelierd/internal/announce"
	"atelierd/internal/config"
	"atelierd/internal/generate/exec"
	"atelierd/internal/notify"
	"atelierd/internal/order"
	"atelierd/internal/secret"
	"atelierd/internal/term"
	"atelierd/internal/view"
)

// Announcements returns what an announcer needs beyond its store.
func Announcements(cfg *config.Config, c *Credentials, log *slog.Logger) (announce.Options, error) {
	return announcements(base{Config: cfg, Credentials: c, Log: log})
}

func announcements(b base) (announce.Options, error) {
	cfg, c, log := b.Config, b.Credentials, b.Log
	m := maker{cfg: cfg, log: log, credentials: func() *Credentials { return c }, transport: b.Transport.RoundTripper}
	o := announce.Options{
		Agent: cfg.Agent.Name, PollWithin: cfg.PollWithin(),
		Wrong: func() []order.Condition { return view.LowDisk(cfg.DataDir) },
		Hint:  view.NextStep,
		Log:   log,
		Clean: func(text string) string { return term.Text(redactor(cfg, c).Clean(text)) },
	}
	for _, n := range cfg.Notify {
		to, err := m.target(n)
		if err != nil {
			return o, configError("notify", err)
		}
		o.Targets = append(o.Targets, announce.Target{
			Listener: order.Listener{Name: n.Name, News: n.News, PerHour: n.PerHour, Zone: n.Zone, Pages: cfg.Console.Pages()}, To: to, Quiet: n.Quiet,
			Digest: order.DigestTime{At: n.DigestAt, Zone: n.Zone},
		})
	}
	return o, nil
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
