package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/atelier"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// marketTimeout is how long the marketplace may take to answer a check.
const marketTimeout = 20 * time.Second

// maxSkew is how far the clock may be off before it is worth a word: deadlines
// and counting windows are told by it.
const maxSkew = 30 * time.Second

// listing is the titles of the services that the marketplace lists.
type listing struct{ titles []string }

func (l *listing) has(title string) bool {
	if l == nil {
		return false
	}
	for _, t := range l.titles {
		if strings.EqualFold(strings.TrimSpace(t), strings.TrimSpace(title)) {
			return true
		}
	}
	return false
}

// findCredentials says whether there are any.
func (d *doctor) findCredentials() bool {
	const name = "credentials"
	keys, found, err := app.FindCredentials(d.cfg, d.Getenv)
	if err != nil {
		d.credentials = true
		d.failErr(name, err)
		return false
	}
	if found {
		d.keys = keys
		d.ok(name, "agent %s, from %s", keys.AgentID(), keys.From())
		return true
	}
	if _, err := os.Lstat(filepath.Join(d.cfg.DataDir, registrationFile)); err == nil {
		d.credentials = true
		d.fail(name, app.RegistrationHint(d.cfg), "an earlier registration has no known outcome")
		return false
	}
	d.warn(name, "if you have an agent already, put its id and key in place first",
		"none found; `atelierd run` registers an agent named %s", d.cfg.Agent.Name)
	return false
}

// registrationFile is the note of a registration that was begun.
const registrationFile = "registration.json"

// dated keeps what the answers say the time is.
type dated struct {
	next http.RoundTripper
	skew time.Duration // of our clock, ahead of theirs
	told bool
}

func (t *dated) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := time.Now()
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		got := time.Now()
		// The header has whole seconds, cut off.
		t.skew, t.told = sent.Add(got.Sub(sent)/2).Sub(at.Add(time.Second/2)), true
	}
	return resp, nil
}

// marketplace sees whether the marketplace answers and takes the key. It gives
// the services listed there, or nil when that could not be told.
func (d *doctor) marketplace(ctx context.Context, have bool) *listing {
	const name = "marketplace"
	base, err := url.Parse(d.cfg.BaseURL)
	if err != nil {
		d.failErr(name, err)
		return nil
	}
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		standard = &http.Transport{}
	}
	watch := &dated{next: standard.Clone()}
	if !have {
		d.reachable(ctx, name, base, watch)
		d.clock(watch)
		return nil
	}
	c, err := app.NewProbe(d.cfg, d.keys, watch, marketTimeout)
	if err != nil {
		d.failErr(name, err)
		return nil
	}
	profile, err := c.Profile(ctx)
	if err != nil {
		f, _ := errors.AsType[*order.Failure](err)
		d.credentials = d.credentials || f != nil && (f.Code == order.CodeKeyRefused || f.Code == order.CodeForbidden)
		d.failErr(name, err)
		d.clock(watch)
		return nil
	}
	d.ok(name, "%s takes the key of %s", d.cfg.BaseURL, term.Line(profile.Name, 60))
	d.clock(watch)
	d.identity(profile)
	d.wallet(profile)
	services, err := c.Services(ctx)
	if err != nil {
		d.failErr("services", err)
		return nil
	}
	there := &listing{}
	for _, s := range services {
		if s.Active == nil || *s.Active {
			there.titles = append(there.titles, s.Title)
		}
	}
	return there
}

// reachable tries the address without a key. Any answer but a redirect will do.
func (d *doctor) reachable(ctx context.Context, name string, base *url.URL, t http.RoundTripper) {
	ctx, cancel := context.WithTimeout(ctx, marketTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base.String()+"/agents/me", nil)
	if err != nil {
		d.failErr(name, err)
		return
	}
	resp, err := t.RoundTrip(req)
	if err != nil {
		d.fail(name, "check the network connection and base_url", "%s cannot be reached: %v", d.cfg.BaseURL, err)
		return
	}
	resp.Body.Close()
	if to, err := resp.Location(); err == nil {
		d.warn(name, fmt.Sprintf("make sure that it is the marketplace's, then set base_url to what is below %s", to.Host),
			"%s sends us on to %s", d.cfg.BaseURL, to.Host)
		return
	}
	if resp.StatusCode >= http.StatusInternalServerError {
		d.warn(name, "", "%s answers with an error (%d)", d.cfg.BaseURL, resp.StatusCode)
		return
	}
	d.ok(name, "%s answers", d.cfg.BaseURL)
}

func (d *doctor) clock(t *dated) {
	switch {
	case !t.told:
	case t.skew.Abs() > maxSkew:
		d.warn("clock", "set this machine's clock, best by NTP", "it is %s off the marketplace's", term.Span(t.skew))
	default:
		d.ok("clock", "right to within %s", maxSkew)
	}
}

// identity warns when key and id are of two agents, and when clients cannot
// find the agent.
func (d *doctor) identity(p atelier.Profile) {
	if id := d.keys.AgentID(); p.AgentID != "" && p.AgentID != id {
		d.credentials = true
		d.fail("agent", "put the id and the key of the same agent in place", "the key belongs to the agent %s, not to %s", p.AgentID, id)
		return
	}
	if p.Marketable != nil && !*p.Marketable {
		d.warn("agent", "claim the agent at the marketplace, with its owner's wallet", "the marketplace hides it from clients")
	}
}

func (d *doctor) wallet(p atelier.Profile) {
	const name = "wallet"
	switch {
	case p.PayoutWallet == "" && d.cfg.Agent.PayoutWallet == "" && p.OwnerWallet != "":
		d.ok(name, "payouts go to the owner's, %s", p.OwnerWallet)
	case p.PayoutWallet == "" && d.cfg.Agent.PayoutWallet == "":
		d.warn(name, "set agent.payout_wallet: an order that completes without one is not paid out", "none is set at the marketplace")
	case d.cfg.Agent.PayoutWallet != "" && p.PayoutWallet != d.cfg.Agent.PayoutWallet:
		d.warn(name, "`atelierd run` sets it", "the marketplace does not have agent.payout_wallet yet")
	default:
		d.ok(name, "payouts go to %s", p.PayoutWallet)
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
	paused := map[string]store.Fact{}
	if st != nil {
		facts, err := st.Facts(ctx)
		if err != nil {
			d.failErr("services", err)
			return
		}
		paused = pausedBy(facts)
	}
	for _, s := range viewServices(d.cfg, known) {
		what := "service " + term.Line(s.Title, 40)
		switch {
		case s.State == "unconfigured":
			d.warn(what, "add it again, or delete it at the marketplace", "%s", s.Reason)
		case there.has(s.Title):
			d.listed(what, s.Title, "listed", paused)
		case s.State == string(order.ServiceHeld):
			reason := ": " + s.Reason
			if name := heldBy(d.cfg, s.Title, s.Reason, paused); name != "" {
				reason = ", because of generator " + name
			}
			d.fail(what, "mend it and start again; it is then listed", "not listed%s", reason)
		case s.State == string(order.ServiceListed) && there != nil:
			d.warn(what, "`atelierd run` lists it again", "the marketplace does not list it any more")
		case s.State == string(order.ServiceListed):
			d.listed(what, s.Title, "listed, when it was last looked at", paused)
		default:
			d.warn(what, "`atelierd run` lists it", "not listed yet")
		}
	}
}

// listed says of a service on sale whether its orders wait.
func (d *doctor) listed(what, title, text string, paused map[string]store.Fact) {
	name, standIn := pausedFor(d.cfg, title, paused)
	if name == "" {
		d.ok(what, "%s", text)
		return
	}
	d.warn(what, "mend it if it needs you; it is probed again and again, and a restart probes at once",
		"%s, but generator %s is paused since %s%s", text, name, term.Clock(paused[name].Since), standIn)
}
