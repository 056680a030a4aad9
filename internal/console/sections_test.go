package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/view"
)

func (d *deskOf) Plan(context.Context) (Plan, error) { return d.plan, d.err }
func (d *deskOf) Tasks() Tasks                       { return d.tasks }
func (d *deskOf) Sample(string) Sample               { return d.made }

func (d *deskOf) Compare(_ context.Context, by order.Actor) error {
	d.asked = append(d.asked, string(by)+" compare")
	return d.err
}

func (d *deskOf) Sync(_ context.Context, by order.Actor, fingerprint string) error {
	if fingerprint != d.plan.Fingerprint {
		return ErrOtherPlan
	}
	d.asked = append(d.asked, string(by)+" sync")
	return nil
}

func (d *deskOf) Probe(_ context.Context, name string) error {
	d.asked = append(d.asked, "probe "+name)
	return d.err
}

func (d *deskOf) Try(_ context.Context, by order.Actor, t Trial) error {
	if t.Fingerprint != d.made.Fingerprint {
		return errors.New("another sample has begun")
	}
	d.asked = append(d.asked, string(by)+" try "+t.Generator+": "+t.Prompt)
	d.made = Sample{Fingerprint: t.Fingerprint + "'", Began: time.Now()}
	return d.err
}

// clean fails for a page in which a text of somebody else is markup.
func (s *site) clean(a answer) {
	s.Helper()
	for _, bad := range []string{"<script>alert", "<img src=x", "\x1b", "\u202e"} {
		if strings.Contains(a.body, bad) {
			s.Errorf("%s has %q", a.Request.URL.Path, bad)
		}
	}
}

// readsOnly guards that a reader sees the pages without a form, and that none of the forms
// does anything for one.
func (s *site) readsOnly(page string, forms ...string) {
	s.Helper()
	s.reads()
	a := s.get(page)
	s.want(a, http.StatusOK, "You can look at everything.")
	for _, f := range regexp.MustCompile(`action="([^"]+)"`).FindAllStringSubmatch(a.body, -1) {
		if f[1] != "/logout" && f[1] != "/theme" {
			s.Errorf("a reader sees the form %s", f[1])
		}
	}
	for _, form := range forms {
		s.want(s.post(form, url.Values{"service": {"Images"}, "generator": {"flux"}, "prompt": {"x"}}), http.StatusForbidden)
	}
}

func TestTheInboxHasWhoWaitsFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	s.want(s.get("/inbox"), http.StatusOK, "Nobody waits for an answer", "No client has written yet")
	s.want(s.get("/inbox?show=waiting"), http.StatusOK, "Clients who write and have no answer yet are shown here.")
	now := time.Now()
	for i, id := range []string{"ord_1_aaaaaaaa", "ord_2_bbbbbbbb", "ord_3_cccccccc"} {
		s.place(order.Facts{ID: id, Status: order.Paid, Brief: "a cat"})
		thread := order.Thread{OrderID: id, Next: now, Messages: []order.Message{{ID: "m1", Party: order.PartyClient, Text: hostile + id, At: now.Add(time.Duration(i-10) * time.Minute)}}}
		if i == 1 {
			thread.Messages = append(thread.Messages, order.Message{ID: "m2", Party: order.PartyAgent, Text: "it is on its way", At: now})
		}
		if _, err := s.store.ApplyThread(thread); err != nil {
			t.Fatal(err)
		}
	}
	s.place(order.Facts{ID: "ord_4_dddddddd", Status: order.PendingQuote, Brief: "a mural"})
	a := s.get("/inbox")
	s.want(a, http.StatusOK, "2 clients wait for an answer", "waits for a price", `href="/orders/ord_3_cccccccc#thread"`, `action="/orders/ord_1_aaaaaaaa/reply"`, "&lt;script&gt;")
	s.clean(a)
	if first, last := strings.Index(a.body, "/orders/ord_3_cccccccc#"), strings.Index(a.body, "/orders/ord_1_aaaaaaaa#"); first > last {
		t.Error("the newest message is not first")
	}
	a = s.get("/inbox?show=waiting")
	s.want(a, http.StatusOK, "ord_1_aaaaaaaa", "ord_3_cccccccc")
	if strings.Contains(a.body, "ord_2_bbbbbbbb") {
		t.Error("a client with an answer waits")
	}
	s.want(s.get("/inbox?order=ord_2_bbbbbbbb"), http.StatusOK, "it is on its way", `action="/orders/ord_2_bbbbbbbb/reply"`)
	s.want(s.get("/inbox?order=ord_9"), http.StatusNotFound)
	s.want(s.get("/inbox?after=x"), http.StatusNotFound)
	s.readsOnly("/inbox")
}

// selling is a site with a service and a generator, and a desk.
func selling(t *testing.T) (*site, *deskOf) {
	t.Helper()
	d := &deskOf{}
	s := newSite(t, func(o *Options) { o.Desk = d })
	s.cfg.Services[0].Price, s.cfg.Services[0].Mode = 5*order.Dollar, "auto"
	s.cfg.Generators = map[string]config.Generator{"flux": {Type: "fal", Model: "fal-ai/flux/dev", Cost: 40_000}}
	s.want(s.link(), http.StatusSeeOther)
	return s, d
}

func TestASyncIsDoneAsItWasShown(t *testing.T) {
	t.Parallel()
	s, d := selling(t)
	s.want(s.get("/services"), http.StatusOK, "not compared since the start", "Images", "$5.00", "being listed")
	d.plan = Plan{ReadAt: time.Now(), Changes: 1, Fingerprint: "one", Plan: view.Plan{{
		Step: enroll.StepChange, Title: "Images" + hostile,
		Changes: []view.Difference{{Field: "price_usd", Old: "7.00", New: "7.50"}, {Field: "description", Old: "A poster of simple shapes", New: "A poster of bold shapes" + hostile}},
	}}}
	a := s.get("/services")
	s.want(a, http.StatusOK, "A sync would change 1 listing", "<del>$7.00</del>", "<ins>$7.50</ins>", "<del>simple shapes</del>", "A poster of ", `name="if" value="one"`)
	s.clean(a)
	d.plan.Fingerprint = "two"
	s.want(s.post("/services/sync", url.Values{"if": {"one"}}), http.StatusOK, "Nothing was done.", "The plan has changed", `name="if" value="two"`)
	s.want(s.post("/services/sync", url.Values{}), http.StatusOK, "The plan has changed")
	if len(d.asked) != 0 {
		t.Errorf("another plan was done: %q", d.asked)
	}
	s.acts("/services/sync", url.Values{"if": {"two"}}, "The marketplace lists what the plan said.")
	s.acts("/services/compare", url.Values{}, "Compared.")
	if want := "console:jo sync,console:jo compare"; strings.Join(d.asked, ",") != want {
		t.Errorf("asked was %q, want %q", d.asked, want)
	}
	s.acts("/services/pause", url.Values{"service": {"Images"}}, "Paused.", "paused by jo", "Resume")
	s.want(s.post("/services/pause", url.Values{"service": {"Statues"}}), http.StatusOK, "Nothing was done.")
	s.acts("/services/resume", url.Values{"service": {"Images"}}, "Resumed.")
	s.want(s.post("/services/resume", url.Values{"service": {"Images"}}), http.StatusOK, "It is not paused any more.")
	s.readsOnly("/services", "/services/sync", "/services/compare", "/services/pause", "/services/resume")
	s.cfg.Services = nil
	s.want(s.get("/services"), http.StatusOK, "No service is configured")
}

func TestGeneratorsAreAskedAndTried(t *testing.T) {
	t.Parallel()
	s, d := selling(t)
	s.want(s.get("/generators"), http.StatusOK, "flux", "fal-ai/flux/dev", "works", "Try it, about $0.04", "Ask it now")
	if err := s.store.SetAlert(order.GeneratorAlert("flux"), "no credit left "+hostile); err != nil {
		t.Fatal(err)
	}
	a := s.get("/generators")
	s.want(a, http.StatusOK, "1 paused", "no credit left", "Resume")
	s.clean(a)
	form := url.Values{"generator": {"flux"}}
	s.acts("/generators/probe", form, "The generator works.")
	d.err = order.Failf(order.Wait, order.CodePaused, "the generator is paused: %s", hostile)
	a = s.post("/generators/probe", form)
	s.want(a, http.StatusOK, "the generator is paused")
	s.clean(a)
	d.err = nil
	s.acts("/generators/resume", form, "Resumed.")
	s.want(s.post("/generators/resume", form), http.StatusOK, "It is not paused any more.")
	s.want(s.post("/generators/try", form), http.StatusOK, "Nothing was done.")
	form.Set("prompt", " a fox ")
	d.made.Fingerprint = "none"
	s.want(s.get("/generators"), http.StatusOK, `name="if" value="none"`)
	s.want(s.post("/generators/try", form), http.StatusOK, "Nothing was done.")
	form.Set("if", "none")
	a = s.post("/generators/try", form)
	s.want(a, http.StatusSeeOther)
	s.want(s.get(a.Header.Get("Location")), http.StatusOK, "Begun.", "A sample is being made")
	d.made.Ended = time.Now()
	s.want(s.post("/generators/try", form), http.StatusOK, "Nothing was done.", "nother sample has begun")
	if a = s.get("/generators?begun=flux"); strings.Contains(a.body, "Begun.") {
		t.Error("a sample that has ended is said to begin")
	}
	s.want(s.post("/generators/try", url.Values{"generator": {"veo"}, "prompt": {"x"}}), http.StatusOK, "no such generator")
	if want := "probe flux,probe flux,console:jo try flux: a fox"; strings.Join(d.asked, ",") != want {
		t.Errorf("asked was %q, want %q", d.asked, want)
	}
	s.readsOnly("/generators", "/generators/probe", "/generators/resume", "/generators/try")
	s.cfg.Generators = nil
	s.want(s.get("/generators"), http.StatusOK, "No generator is configured")
}
