package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/atelier"
	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/words"
)

// marketTimeout limits how long the marketplace may take to answer.
const marketTimeout = 20 * time.Second

// maxSkew is how far the clock may be off without a warning. Deadlines and request
// windows depend on the clock.
const maxSkew = 30 * time.Second

// findCredentials reports whether there are credentials.
func (d *doctor) findCredentials() bool {
	const name = "credentials"
	keys, found, err := app.FindCredentials(d.cfg, d.Getenv)
	if err != nil {
		d.credentials = true
		d.failErr(name, err)
		return false
	}
	if err := app.CheckFolder(context.Background(), d.cfg, keys.AgentID()); err != nil {
		d.credentials = true
		d.failErr(name, err)
		return false
	}
	if found {
		d.keys = keys
		d.ok(name, "agent %s, from %s", keys.AgentID(), keys.From())
		return true
	}
	if err := app.RegistrationRefused(d.cfg); err != nil {
		d.credentials = true
		d.failErr(name, err)
		return false
	}
	if _, err := os.Lstat(filepath.Join(d.cfg.DataDir, registrationFile)); err == nil {
		d.credentials = true
		d.fail(name, app.RegistrationHint(d.cfg), "the outcome of an earlier registration is unknown")
		return false
	}
	d.warn(name, "if you have an agent already, set its id and key first",
		"none found; %s registers an agent named %s", order.Command("run"), d.cfg.Agent.Name)
	return false
}

// registrationFile exists while the outcome of a registration is unknown.
const registrationFile = "registration.json"

// clockWatch compares this machine's clock with the Date of each answer.
type clockWatch struct {
	next http.RoundTripper
	skew time.Duration // how far this machine's clock is ahead
	seen bool          // whether an answer had a date
}

// RoundTrip sends the request.
func (t *clockWatch) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := time.Now()
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		got := time.Now()
		// The header is cut to whole seconds.
		t.skew, t.seen = sent.Add(got.Sub(sent)/2).Sub(at.Add(time.Second/2)), true
	}
	return resp, nil
}

// marketplace checks whether the marketplace answers and accepts the key. It
// returns the services there; known is false if they are unknown.
func (d *doctor) marketplace(ctx context.Context, have bool) (there []atelier.Service, known bool) {
	const name = "marketplace"
	base, err := url.Parse(d.cfg.BaseURL)
	if err != nil {
		d.failErr(name, err)
		return nil, false
	}
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		standard = &http.Transport{}
	}
	watch := &clockWatch{next: standard.Clone()}
	if !have {
		d.reachable(ctx, name, base, watch)
		d.clock(watch)
		return nil, false
	}
	c, err := app.NewProbe(d.cfg, d.keys, watch, marketTimeout)
	if err != nil {
		d.failErr(name, err)
		return nil, false
	}
	profile, err := c.Profile(ctx)
	if err != nil {
		f, _ := errors.AsType[*order.Failure](err)
		d.credentials = d.credentials || f != nil && (f.Code == order.CodeKeyRefused || f.Code == order.CodeForbidden)
		d.failErr(name, err)
		d.clock(watch)
		return nil, false
	}
	d.ok(name, "%s accepts the key of %s", d.cfg.BaseURL, term.Line(profile.Name, 60))
	d.clock(watch)
	d.identity(profile)
	d.wallet(profile)
	d.owner(&profile)
	d.profile(profile)
	moderation, err := c.Moderation(ctx)
	if err != nil {
		d.failErr("moderation", err)
		return nil, false
	}
	d.moderation(moderation)
	services, err := c.Services(ctx)
	if err != nil {
		d.failErr("services", err)
		return nil, false
	}
	return services, true
}

// reachable tries the address without a key. Any answer but a redirect is good.
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
		d.warn(name, fmt.Sprintf("make sure that %s is the marketplace's, then set base_url to its address there", to.Host),
			"%s redirects to %s", d.cfg.BaseURL, to.Host)
		return
	}
	if resp.StatusCode >= http.StatusInternalServerError {
		d.warn(name, "", "%s answers with an error (%d)", d.cfg.BaseURL, resp.StatusCode)
		return
	}
	d.ok(name, "%s answers", d.cfg.BaseURL)
}

// clock checks this machine's clock, if an answer had a date.
func (d *doctor) clock(t *clockWatch) {
	switch {
	case !t.seen:
	case t.skew.Abs() > maxSkew:
		d.warn("clock", "set this machine's clock, best with NTP", "it differs from the marketplace's by %s", words.Span(t.skew))
	default:
		d.ok("clock", "correct to within %s", maxSkew)
	}
}

// identity checks that the key belongs to the agent id, and that clients can find
// the agent.
func (d *doctor) identity(p atelier.Profile) {
	if id := d.keys.AgentID(); p.AgentID != "" && p.AgentID != id {
		d.credentials = true
		d.fail("agent", "set the id and the key of the same agent", "the key belongs to agent %s, not to %s", p.AgentID, id)
		return
	}
	if p.Marketable != nil && !*p.Marketable {
		d.warn("agent", "set agent.owner_wallet and agent.payout_wallet; "+order.Command("run")+" sends them", "the marketplace hides it from clients")
	}
}

// wallet checks where payouts go.
func (d *doctor) wallet(p atelier.Profile) {
	const name = "wallet"
	switch {
	case p.PayoutWallet == "" && d.cfg.Agent.PayoutWallet == "" && p.OwnerWallet != "":
		d.ok(name, "payouts go to the owner's wallet, %s", p.OwnerWallet)
	case p.PayoutWallet == "" && d.cfg.Agent.PayoutWallet == "":
		d.warn(name, "set agent.payout_wallet; an order that completes without a wallet is not paid out", "none is set at the marketplace")
	case d.cfg.Agent.PayoutWallet != "" && p.PayoutWallet != d.cfg.Agent.PayoutWallet:
		d.warn(name, order.Command("run")+" sets it", "the marketplace does not have agent.payout_wallet yet")
	default:
		d.ok(name, "payouts go to %s", p.PayoutWallet)
	}
}
