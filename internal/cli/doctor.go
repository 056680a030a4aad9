package cli

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// DoctorCmd checks everything that a run needs.
type DoctorCmd struct {
	Offline bool `help:"Check only what is on this machine."`
	Paid    bool `help:"Have each generator make something, which may cost money."`
	JSON    bool `help:"Print JSON." name:"json"`
}

func (DoctorCmd) Help() string {
	return `Checks the configuration, the data folder, the database, the credentials, the
marketplace, and whether each generator can work and each service is listed, one
line each with what to do about it. It changes nothing, sends nothing that the
marketplace counts, and works while a daemon is running. Generators are asked for
nothing that costs money, unless --paid has each of them make one sample, which is
kept for you to look at and held against what the services promise; what it costs
is no order's and is not counted by the caps. Ctrl-c stops it.

It exits with 0 if nothing fails, with 3 if the credentials do, else with 1.`
}

// verdict words of a check.
const (
	checkOK   = "ok"
	checkWarn = "warn"
	checkFail = "fail"
)

type check struct {
	Name  string `json:"name"`
	State string `json:"state"` // ok, warn or fail
	Text  string `json:"text"`
	Hint  string `json:"hint"`
}

// doctor collects the checks.
type doctor struct {
	*Program
	cfg         *config.Config
	keys        *app.Credentials
	checks      []check
	credentials bool  // they are what fails
	live        bool  // each check is shown at once
	shown       error // why one could not be
	// stopped says that the owner has enough: what fails from then on says nothing.
	stopped func() bool
	// cut is the generator whose sample was not waited for.
	cut string
}

func (c DoctorCmd) Run(p *Program) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	d := &doctor{Program: p, live: !c.JSON, stopped: func() bool { return ctx.Err() != nil }}
	if d.configuration() {
		d.examine(ctx, c)
	}
	if d.cut != "" {
		return Hintf(errors.New("stopped before all was checked"), "generator %s may charge for the sample that it was asked for", d.cut)
	}
	if d.stopped() {
		return errors.New("stopped before all was checked")
	}
	if err := d.report(); err != nil {
		return err
	}
	return d.verdict()
}

// examine makes the checks in the order in which a run needs what they are about.
func (d *doctor) examine(ctx context.Context, c DoctorCmd) {
	d.folder()
	st := d.database()
	if st != nil {
		defer st.Close()
	}
	d.lock()
	d.webhooks()
	have := d.findCredentials()
	var there *listing
	if !c.Offline {
		there = d.marketplace(ctx, have)
	}
	if st != nil {
		d.requests(ctx, st)
	}
	d.generators(ctx, c.Paid)
	d.services(ctx, st, there)
}

func (d *doctor) add(state, name, hint, format string, args ...any) {
	if d.stopped() {
		return
	}
	c := check{Name: name, State: state, Hint: hint, Text: fmt.Sprintf(format, args...)}
	d.checks = append(d.checks, c)
	if d.live {
		d.show(c)
	}
}

// show prints a check at once: the next one may take its time.
func (d *doctor) show(c check) {
	g := d.Page()
	word := map[string]term.Cell{checkOK: term.Styled(term.Green, "ok  "), checkWarn: term.Styled(term.Yellow, "warn"), checkFail: term.Styled(term.Red, "FAIL")}[c.State]
	g.Wrap("      ", term.Sanitize(c.Name)+": "+term.Line(c.Text, 500), word, term.Plain("  "))
	if c.Hint != "" {
		g.Hint("      ", term.Line(c.Hint, 500))
	}
	d.shown = errors.Join(d.shown, g.Print(d.Stdout))
}

// say tells of something that is about to take its time.
func (d *doctor) say(text string) {
	if d.live && !d.stopped() {
		g := d.Page()
		g.Linef("      %s", g.Paint(term.Dim, text))
		d.shown = errors.Join(d.shown, g.Print(d.Stdout))
	}
}

func (d *doctor) ok(name, format string, args ...any) { d.add(checkOK, name, "", format, args...) }

func (d *doctor) warn(name, hint, format string, args ...any) {
	d.add(checkWarn, name, hint, format, args...)
}

func (d *doctor) fail(name, hint, format string, args ...any) {
	d.add(checkFail, name, hint, format, args...)
}

// failErr adds a failed check with the error's own hint, if it has one.
func (d *doctor) failErr(name string, err error) {
	why := Explain(err)
	hint := why.Hint
	for line := range strings.Lines(why.Text) {
		d.fail(name, hint, "%s", strings.TrimSpace(line))
		hint = ""
	}
}

// configuration says whether there is one to go on with.
func (d *doctor) configuration() bool {
	cfg, err := d.load()
	if err != nil {
		d.failErr("config", err)
		return false
	}
	d.cfg = cfg
	d.ok("config", "%s", cfg.Path)
	for _, w := range cfg.Warnings() {
		d.warn("config", "", "%s", w)
	}
	return true
}

// database gives the open database, or nil when there is none to look into.
func (d *doctor) database() *store.Store {
	st, err := store.OpenReader(d.cfg.DataDir)
	switch {
	case err == nil:
		d.ok("database", "%s", filepath.Join(d.cfg.DataDir, store.FileName))
		return st
	case isNoDatabase(err):
		d.ok("database", "none yet; `atelierd run` makes it")
	default:
		d.failErr("database", err)
	}
	return nil
}

func (d *doctor) lock() {
	if pid := store.Holder(d.cfg.DataDir); pid != 0 {
		d.ok("lock", "a daemon is running (pid %d)", pid)
		return
	}
	d.ok("lock", "free; no daemon is running")
}

// webhooks says whether their port can be had, and what has to lead to it.
func (d *doctor) webhooks() {
	address := d.cfg.Webhook.Listen
	if address == "" {
		return
	}
	if store.Holder(d.cfg.DataDir) != 0 {
		d.ok("webhooks", "%s, held by the daemon; endpoint_url %s has to lead there", address, term.Sanitize(d.cfg.Agent.EndpointURL))
		return
	}
	port, err := app.OpenPort(app.Options{Config: d.cfg, Getenv: d.Getenv})
	if err != nil {
		d.failErr("webhooks", err)
		return
	}
	_ = port.Close() // it was only tried
	d.ok("webhooks", "%s is free; endpoint_url %s has to lead there", address, term.Sanitize(d.cfg.Agent.EndpointURL))
}

func (d *doctor) requests(ctx context.Context, r *store.Store) {
	now := time.Now()
	v, err := readStatus(ctx, d.cfg, r, now)
	switch {
	case err != nil:
		d.failErr("requests", err)
	case !v.Requests.left():
		d.warn("requests", "nothing to do: it goes on by itself", "%s", v.Requests.summary(now))
	default:
		d.ok("requests", "%s", v.Requests.summary(now))
	}
}

// report ends what was shown, or prints it all for a machine.
func (d *doctor) report() error {
	if d.live {
		return d.shown
	}
	failed := slices.ContainsFunc(d.checks, func(c check) bool { return c.State == checkFail })
	return term.PrintJSON(d.Stdout, struct {
		OK     bool    `json:"ok"`
		Checks []check `json:"checks"`
	}{!failed, d.checks})
}

// verdict is the error to end with.
func (d *doctor) verdict() error {
	failed := 0
	for _, c := range d.checks {
		if c.State == checkFail {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	bad := &HintError{Err: fmt.Errorf("%d of %d checks failed", failed, len(d.checks)), Code: ExitFailure}
	if d.credentials {
		bad.Code = ExitCredentials
	}
	return bad
}
