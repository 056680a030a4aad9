package enroll_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// alter changes the answers to requests with the method to a path with the suffix.
type alter struct {
	next           http.RoundTripper
	method, suffix string
	change         func(status int, body string) (int, string)
}

func (a alter) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := a.next.RoundTrip(r)
	if err != nil || r.Method != a.method || !strings.HasSuffix(r.URL.Path, a.suffix) {
		return resp, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	status, text := a.change(resp.StatusCode, string(body))
	rec.WriteHeader(status)
	_, _ = rec.WriteString(text)
	return rec.Result(), nil
}

// through returns a set-up whose client sees altered answers.
func (w *world) through(a alter, title string) *setup {
	a.next = &http.Transport{DialContext: w.net.Dial, DisableKeepAlives: true}
	before := w.client
	w.client = w.newClient(a)
	defer func() { w.client = before }()
	return w.configured(atelier.Profile{}, pictures(title, fit))
}

func TestATitleIsMatchedAsTheMarketplaceStoresIt(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent()
		for range 3 { // lives
			s := w.configured(atelier.Profile{}, pictures("Two  Pictures", fit))
			w.once(s)
			w.once(s)
		}
		there := w.market.Services()
		if l := w.listed("Two  Pictures"); len(there) != 1 || l.RemoteID != there[0].ID || l.Reason != "" {
			t.Errorf("%d services; %+v", len(there), l)
		}
	})
}

func TestAKnownIDComesBeforeATitle(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent()
		w.once(w.configured(atelier.Profile{}, pictures("Pictures", fit)))
		id := w.market.Services()[0].ID
		renamed := "Paintings"
		if err := w.client.UpdateService(t.Context(), id, atelier.ServicePatch{Title: &renamed}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.client.CreateService(t.Context(), pictures("Pictures", fit).Service); err != nil {
			t.Fatal(err)
		}
		w.once(w.configured(atelier.Profile{}, pictures("Pictures", fit)))
		if l := w.listed("Pictures"); l.RemoteID != id || len(w.market.Services()) != 2 || !strings.Contains(l.Reason, renamed) {
			t.Errorf("%+v", l)
		}
	})
}

// Whatever the marketplace answers and shows, a start lists a service at most once.
func TestNothingIsListedTwiceInOneStart(t *testing.T) {
	t.Parallel()
	hidden := func(int, string) (int, string) { return 200, `{"success":true,"data":[]}` }
	for name, a := range map[string]alter{
		"the answer has no id":      {method: "POST", suffix: "/services", change: func(int, string) (int, string) { return 201, `{"success":true,"data":{}}` }},
		"the answer is unreadable":  {method: "POST", suffix: "/services", change: func(int, string) (int, string) { return 201, "<html>" }},
		"the answer is empty":       {method: "POST", suffix: "/services", change: func(int, string) (int, string) { return 200, "" }},
		"the listing stays empty":   {method: "GET", suffix: "/services", change: hidden},
		"the listing has new texts": {method: "GET", suffix: "/services", change: retitled},
		"a lost answer, new texts":  {method: "GET", suffix: "/services", change: retitled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.addAgent()
				if strings.HasPrefix(name, "a lost answer") {
					w.scripted("POST", "/services", sandbox.Fault{After: sandbox.Cut})
				}
				s := w.through(a, "Pictures")
				for range 20 {
					_, _ = s.Once(t.Context()) // an error is fine, a second service is not
					time.Sleep(time.Hour)
				}
				if n := len(w.market.Services()); n != 1 {
					t.Errorf("%d services", n)
				}
			})
		})
	}
}

// retitled is a marketplace that shows services in its own words.
func retitled(status int, body string) (int, string) {
	return status, strings.NewReplacer("Pictures", "Fine Art", "one at a time", "by a master").Replace(body)
}

func TestAnAnswerWithoutAnIDIsFoundByItsTextAtTheNextStart(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent()
		s := w.through(alter{method: "POST", suffix: "/services", change: func(int, string) (int, string) { return 201, "{}" }}, "Pictures")
		if _, err := s.Once(t.Context()); err == nil {
			t.Fatal("the answer was readable")
		}
		renamed := "Paintings" // by the marketplace
		if err := w.client.UpdateService(t.Context(), w.market.Services()[0].ID, atelier.ServicePatch{Title: &renamed}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		w.once(w.configured(atelier.Profile{}, pictures("Pictures", fit)))
		if l := w.listed("Pictures"); len(w.market.Services()) != 1 || l.State != order.ServiceListed {
			t.Errorf("%d services; %+v", len(w.market.Services()), l)
		}
	})
}
