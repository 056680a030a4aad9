package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/generate"
	"atelierd/internal/media"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// doctorCmd checks everything that a run needs.
type doctorCmd struct {
	Offline bool `help:"Check only what is on this machine."`
	Paid    bool `help:"Have each generator make something, which may cost money."`
	JSON    bool `help:"Print JSON." name:"json"`
}

func (doctorCmd) Help() string {
	return `Checks the configuration, the data folder, the database, the credentials, the
marketplace, and whether each generator can work and each service is listed, one
line each with what to do about it. It changes nothing, sends nothing that the
marketplace counts, and works while a daemon is running. Generators are asked for
nothing that costs money, unless --paid has each of them make one sample; what it
costs is no order's and is not counted by the caps.

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
	*program
	cfg         *config.Config
	keys        *keyring
	checks      []check
	credentials bool // they are what fails
}

func (c doctorCmd) Run(p *program) error {
	d := &doctor{program: p}
	ctx := context.Background()
	if d.configuration() {
		d.folder()
		st := d.database()
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
		if st != nil {
			st.Close()
		}
	}
	if err := d.report(c.JSON); err != nil {
		return err
	}
	return d.verdict()
}

func (d *doctor) add(state, name, hint, format string, args ...any) {
	d.checks = append(d.checks, check{Name: name, State: state, Hint: hint, Text: fmt.Sprintf(format, args...)})
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
	text, hint, _ := explain(err)
	for line := range strings.Lines(text) {
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
		d.ok("webhooks", "%s, held by the daemon; endpoint_url %s has to lead there", address, plain(d.cfg.Agent.EndpointURL))
		return
	}
	port, err := listen(d.cfg)
	if err != nil {
		d.failErr("webhooks", err)
		return
	}
	_ = port.Close() // it was only tried
	d.ok("webhooks", "%s is free; endpoint_url %s has to lead there", address, plain(d.cfg.Agent.EndpointURL))
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

func (d *doctor) generators(ctx context.Context, paid bool) {
	gens, err := newGenerators(d.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		d.failErr("generators", err)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(gens)) {
		what := "generator " + name
		if err := gens[name].Generator.Check(ctx); err != nil {
			d.failErr(what, err)
			continue
		}
		d.ok(what, "%s, ready", d.cfg.Generators[name].Type)
		if paid {
			d.sample(ctx, name, gens[name].Generator)
		}
	}
}

// sample has the generator make something, looks at it, and throws it away.
func (d *doctor) sample(ctx context.Context, name string, g generate.Generator) {
	what := "generator " + name + ", a sample"
	dir, err := os.MkdirTemp("", "atelierd-doctor-")
	if err != nil {
		d.failErr(what, err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }() // a folder of its own; what stays costs nothing
	began := time.Now()
	made, err := g.Generate(ctx, sample(d.cfg, name, filepath.Join(dir, "out")))
	if err != nil {
		d.failErr(what, err)
		return
	}
	cost := "it names no cost"
	if made.Cost > 0 {
		cost = "$" + made.Cost.String()
	}
	for _, file := range made.Files {
		info, err := media.Inspect(file)
		if err != nil {
			d.failErr(what, err)
			return
		}
		d.ok(what, "%s, %d bytes, in %s; %s", info.MIME, info.Bytes, time.Since(began).Round(100*time.Millisecond), cost)
	}
	if len(made.Files) == 0 {
		d.ok(what, "a link, %s; %s", plain(made.URL), cost)
	}
}

// services compares what is offered with what is listed. st or there may be nil.
func (d *doctor) services(ctx context.Context, st *store.Store, there *listing) {
	var known []order.Listed
	if st != nil {
		var err error
		if known, err = st.Services(ctx); err != nil {
			d.failErr("services", err)
			return
		}
	}
	for _, s := range viewServices(d.cfg, known) {
		what := "service " + short(s.Title, 40)
		switch {
		case s.State == "unconfigured":
			d.warn(what, "add it again, or delete it at the marketplace", "%s", s.Reason)
		case there.has(s.Title):
			d.ok(what, "listed")
		case s.State == string(order.ServiceHeld):
			d.fail(what, "mend it and start again; it is then listed", "not listed: %s", s.Reason)
		case s.State == string(order.ServiceListed) && there != nil:
			d.warn(what, "`atelierd run` lists it again", "the marketplace does not list it any more")
		case s.State == string(order.ServiceListed):
			d.ok(what, "listed, when it was last looked at")
		default:
			d.warn(what, "`atelierd run` lists it", "not listed yet")
		}
	}
}

func (d *doctor) report(asJSON bool) error {
	if asJSON {
		failed := slices.ContainsFunc(d.checks, func(c check) bool { return c.State == checkFail })
		return printJSON(d.stdout, struct {
			OK     bool    `json:"ok"`
			Checks []check `json:"checks"`
		}{!failed, d.checks})
	}
	g := d.newPage()
	looks := map[string]cell{checkOK: {"ok", green}, checkWarn: {"warn", yellow}, checkFail: {"FAIL", red}}
	for _, c := range d.checks {
		word := looks[c.State]
		g.linef("%s  %s: %s", g.paint(word.style, fmt.Sprintf("%-4s", word.text)), plain(c.Name), short(c.Text, 500))
		if c.Hint != "" {
			g.linef("      %s %s", g.paint(dim, "hint:"), short(c.Hint, 500))
		}
	}
	return g.print(d.stdout)
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
	bad := &hinted{err: fmt.Errorf("%d of %d checks failed", failed, len(d.checks)), code: exitFailure}
	if d.credentials {
		bad.code = exitCredentials
	}
	return bad
}
