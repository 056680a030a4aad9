package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

// PauseCmd keeps new work from beginning.
type PauseCmd struct {
	Service string `arg:"" optional:"" help:"The service's title, or its id at the marketplace. Default: every service."`
	Until   string `help:"Resume by itself at a time such as \"2026-12-27 08:00\" or 18:30, on a day such as 2026-12-27, or after a time such as 90m, 12h or 3d." placeholder:"WHEN"`
	Delist  bool   `help:"Also take the service off the marketplace until then, after asking."`
	Reason  string `help:"Why, for your own records." placeholder:"TEXT"`
	Confirm
	Output
}

// Help explains the command.
func (PauseCmd) Help() string {
	return `No files are made, and no price, piece or claim of a bounty begins, until "atelierd
resume", also after a restart. What is made or paid for already goes on: results are
fetched, and files, deliveries and messages are sent. The daemon continues to poll, and
the deadlines of orders stay as they are.

Without --delist your services stay listed, so that clients can still order. With
--delist they are taken off the marketplace. When the pause ends, the daemon lists them
again: as new services, with new ids there.`
}

// Run runs the command.
func (c PauseCmd) Run(p *Program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	zone := cfg.Zone()
	pause := order.Pause{Reason: c.Reason, Delisted: c.Delist}
	if pause.Until, err = parseUntil(c.Until, time.Now().In(zone)); err != nil {
		return &UsageError{err}
	}
	return p.withOwner(func(ctx context.Context, actions *owner.Actions) error {
		if c.Service != "" {
			if pause.Service, err = actions.Service(ctx, c.Service); err != nil {
				return err
			}
		}
		if c.Delist {
			err = c.delist(p, actions, pause)
		} else {
			err = actions.Pause(pause, nil)
		}
		if err != nil {
			return err
		}
		woken := p.wake(ctx, actions.Dir())
		if c.JSON {
			return printPauses(ctx, p, actions, woken)
		}
		return p.sayPaused(pause, zone)
	})
}

// sayPaused says what a pause means.
func (p *Program) sayPaused(pause order.Pause, zone *time.Location) error {
	what, its := "paused", "your services stay"
	if pause.Service != "" {
		what, its = "paused "+term.Line(pause.Service, 100), "the service stays"
	}
	end := pause.Resume()
	if !pause.Until.IsZero() {
		end = "it resumes by itself at " + words.Moment(pause.Until, zone) + ", or with " + end
	} else {
		end = "until " + end
	}
	g := p.Page()
	g.Note("", what+": nothing is made, quoted or claimed; "+end)
	g.Note("", "what is made or paid for already is fetched, uploaded and delivered")
	if pause.Delisted {
		g.Note("", "it is off the marketplace; after the pause the daemon lists it as new, with another id")
	} else {
		g.Note("", its+" listed, and clients can still order; deadlines stay as they are; --delist takes it off the marketplace")
	}
	return g.Print(p.Stdout)
}

// ResumeCmd ends a pause.
type ResumeCmd struct {
	Service string `arg:"" optional:"" help:"The service's title, or its id at the marketplace. Default: the pause of every service."`
	Output
}

// Help explains the command.
func (ResumeCmd) Help() string {
	return `Ends "atelierd pause". Work continues at once. A service that was paused by its own
name stays so until it is resumed by its name. Services that the pause took off the
marketplace are listed again, as new ones.`
}

// Run runs the command.
func (c ResumeCmd) Run(p *Program) error {
	return p.withOwner(func(ctx context.Context, actions *owner.Actions) (err error) {
		before, err := actions.Pauses(ctx)
		if err != nil {
			return err
		}
		title := ""
		if c.Service != "" {
			if title, err = pausedTitle(ctx, actions, before, c.Service); err != nil {
				return err
			}
		}
		if err := actions.Resume(title); err != nil {
			return notPaused(err, before)
		}
		woken := p.wake(ctx, actions.Dir())
		if c.JSON {
			return printPauses(ctx, p, actions, woken)
		}
		return p.sayResumed(title, before)
	})
}

// pausedTitle returns the title of a service that may be paused. One that the
// configuration no longer has can be resumed too.
func pausedTitle(ctx context.Context, actions *owner.Actions, paused []order.Pause, text string) (string, error) {
	for _, q := range paused {
		if q.Service != "" && order.SameTitle(q.Service, text) {
			return q.Service, nil
		}
	}
	return actions.Service(ctx, text)
}

// notPaused adds to an error what is paused instead.
func notPaused(err error, paused []order.Pause) error {
	if !errors.Is(err, store.ErrNotPaused) {
		return err
	}
	if len(paused) > 0 {
		what := "everything"
		if paused[0].Service != "" {
			what = term.Line(paused[0].Service, 100)
		}
		return Hintf(err, "%s is paused; %s continues", what, paused[0].Resume())
	}
	return Hintf(err, "%s shows what else work waits for; %s ends the pause of a generator", order.Command("status"), order.Command("generators resume NAME"))
}

// sayResumed says what continues, and what is still paused.
func (p *Program) sayResumed(title string, before []order.Pause) error {
	g := p.Page()
	for _, q := range before {
		switch {
		case q.Service != title && q.Covers(title):
			g.Note("", "everything is still paused; "+q.Resume()+" continues")
		case q.Service != title && title == "":
			g.Note("", term.Line(q.Service, 100)+" is still paused; "+q.Resume()+" continues")
		case q.Service == title && title == "":
			g.Linef("resumed")
		case q.Service == title:
			g.Linef("resumed %s", term.Line(title, 100))
		}
		if q.Service == title && q.Delisted {
			g.Note("", "the daemon lists again what the pause took off the marketplace, as new, with another id")
		}
	}
	return g.Print(p.Stdout)
}

// printPauses prints what is paused after a change.
func printPauses(ctx context.Context, p *Program, actions *owner.Actions, woken bool) error {
	list, err := actions.Pauses(ctx)
	if err != nil {
		return err
	}
	return term.PrintJSON(p.Stdout, struct {
		Paused []view.Pause `json:"paused"`
		Woken  bool         `json:"daemon_told"`
	}{view.Pauses(list), woken})
}

// wake makes a running daemon look at the database at once, and reports whether it has.
func (p *Program) wake(ctx context.Context, dir string) (woken bool) {
	woken, err := wakeDaemon(ctx, dir)
	if err != nil {
		term.PrintError(p.Stderr, "the running daemon could not be notified: "+err.Error(),
			"the change is stored; a daemon sees it within a minute, a heartbeat at its next run")
	}
	return woken
}

// parseUntil reads when something ends, in the time zone of now: a time, a day, which ends
// it at its begin, or a duration from now. An empty text is no end.
func parseUntil(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := parseMoment(text, now)
	if err == nil && !at.After(now) {
		err = fmt.Errorf("--until %.40q is not in the future", text)
	}
	return at, err
}
