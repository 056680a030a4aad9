package cli

import (
	"context"

	"atelierd/internal/app"
	"atelierd/internal/atelier"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

// services checks that each service of the configuration is listed as it is
// configured. st may be nil. shown reports whether there are the services at the
// marketplace.
func (d *doctor) services(ctx context.Context, st *store.Store, there []atelier.Service, shown bool) {
	var known []order.Listed
	paused := map[string]store.Fact{}
	if st != nil {
		var err error
		if known, err = st.Services(ctx); err != nil {
			d.failErr("services", err)
			return
		}
		facts, err := st.Facts(ctx)
		if err != nil {
			d.failErr("services", err)
			return
		}
		paused = view.PausedGenerators(facts)
	}
	offers := app.Offered(d.cfg)
	planned := map[string]enroll.Planned{}
	for _, p := range enroll.Plan(offers, there, known) {
		planned[p.Title] = p
	}
	for _, s := range view.ConfiguredServices(d.cfg, known) {
		d.service(s, planned[s.Title], shown, paused)
	}
	for _, s := range offers {
		d.rules(s, planned[s.Title].ID != "")
	}
}

// service checks one service.
func (d *doctor) service(s view.Service, p enroll.Planned, shown bool, paused map[string]store.Fact) {
	what := "service " + term.Line(s.Title, 40)
	listed := s.State == string(order.ServiceListed) || s.State == view.ServiceDiffers
	switch {
	case s.State == view.ServiceUnconfigured:
		d.warn(what, "add it again, or delete it at the marketplace", "%s", s.Reason)
	case shown && p.ID != "" && len(p.Changes) > 0:
		d.warn(what, order.Command("services sync")+" changes it at the marketplace", "differs: %s", enroll.Describe(p.Changes))
	case shown && p.ID != "":
		d.listed(what, s.Title, "listed", paused)
	case s.State == string(order.ServiceDelisted):
		d.ok(what, "off the marketplace until its pause ends")
	case s.State == string(order.ServiceHeld):
		reason := ": " + s.Reason
		if name := view.PausedBehind(d.cfg, s.Title, s.Reason, paused); name != "" {
			reason = ", because of generator " + name
		}
		d.fail(what, "fix its generator, then run "+order.Command("reload")+"; the daemon then lists it", "not listed%s", reason)
	case listed && shown:
		d.warn(what, order.Command("run")+" lists it again", "the marketplace no longer lists it")
	case s.State == view.ServiceDiffers:
		d.warn(what, order.Command("services sync")+" changes it at the marketplace", "differs: %s", s.Reason)
	case listed:
		d.listed(what, s.Title, "listed when the daemon last looked", paused)
	default:
		d.warn(what, order.Command("run")+" lists it", "not listed yet")
	}
}

// rules checks what the marketplace refuses in a service. It is too late for one that
// is listed.
func (d *doctor) rules(s atelier.Service, listed bool) {
	for _, p := range enroll.CheckService(s) {
		report := d.fail
		if listed {
			report = d.warn
		}
		report("service "+term.Line(s.Title, 40), "correct service."+p.Key+" in the configuration", "%s %s", p.Key, p.Text)
	}
}

// listed checks whether the generator of a listed service works. Orders wait while
// it is paused.
func (d *doctor) listed(what, title, text string, paused map[string]store.Fact) {
	name, standIn := view.PausedService(d.cfg, title, paused)
	if name == "" {
		d.ok(what, "%s", text)
		return
	}
	d.warn(what, "see what generator "+name+" needs; it is probed again by itself, and at once after a restart",
		"%s, but generator %s is paused since %s%s", text, name, words.Clock(paused[name].Since), view.StandsIn(standIn))
}
