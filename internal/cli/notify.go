package cli

import (
	"context"
	"errors"
	"log/slog"
	"os/signal"
	"syscall"

	"atelierd/internal/announce"
	"atelierd/internal/app"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// NotifyCmd is the group of commands about notifications.
type NotifyCmd struct {
	Test   NotifyTestCmd   `cmd:"" help:"Send a message to each target of notifications."`
	Digest NotifyDigestCmd `cmd:"" help:"Print the summary of a day."`
}

// NotifyTestCmd sends a message to each target.
type NotifyTestCmd struct {
	Output
}

// Help explains the command.
func (NotifyTestCmd) Help() string {
	return `Sends one message to each [[notify]] of the configuration and shows what the service
answers. It works whether or not a daemon is running. docs/notifications.md has a
block for each type of target.`
}

var errNotSent = errors.New("not every target took the message")

// Run runs the command.
func (c NotifyTestCmd) Run(p *Program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	if len(cfg.Notify) == 0 {
		return Hintf(errors.New("no [[notify]] is configured"), "see docs/notifications.md, add one, then run %s", order.Command("notify test"))
	}
	o, err := app.Announcements(cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	v := notifyView{Targets: []notifiedView{}}
	for _, sent := range announce.Try(ctx, o) {
		shown := notifiedView{Name: sent.Target, Sent: sent.Err == nil}
		if sent.Err != nil {
			shown.Reason, err = sent.Err.Error(), errNotSent
		}
		v.Targets = append(v.Targets, shown)
	}
	if err != nil {
		err = Hintf(err, "correct what is shown in their [[notify]], then run %s again; see docs/notifications.md", order.Command("notify test"))
	}
	return errors.Join(c.print(p, v, v.show), err)
}

// notifyView is what became of the messages.
type notifyView struct {
	Targets []notifiedView `json:"targets"`
}

type notifiedView struct {
	Name   string `json:"name"`
	Sent   bool   `json:"sent"`
	Reason string `json:"reason,omitempty"`
}

func (v notifyView) show(g *term.Page) {
	for _, t := range v.Targets {
		if t.Sent {
			g.Linef("%s  %s", g.Paint(term.Green, "sent"), term.Line(t.Name, 60))
			continue
		}
		g.Linef("%s  %s", g.Paint(term.Red, "not sent"), term.Line(t.Name, 60))
		g.Note("  ", term.Line(t.Reason, 300))
	}
}
