package atelier

import (
	"net/http"
	"strings"
	"testing"

	"atelierd/internal/order"
)

func TestTheKeyNeverFollowsARedirectToAnotherHost(t *testing.T) {
	t.Parallel()
	other, otherSaw := serve(t, answer(200, `{"success":true,"data":[]}`))
	for _, status := range []int{301, 302, 303, 307, 308} {
		s, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/v2"+r.URL.RequestURI(), status)
		})
		c, _ := client(t, s.URL)
		calls := map[string]error{"deliver": c.Deliver(t.Context(), "ord_1", onePiece)}
		_, calls["orders"] = c.Orders(t.Context(), order.LiveStatuses())
		_, calls["register"] = c.Register(t.Context(), Registration{})
		for name, err := range calls {
			f, _ := failed(t, err)
			if f.Class != order.Hold || f.Code != order.CodeMoved || !strings.Contains(err.Error(), other.URL+"/v2/api") ||
				!strings.HasSuffix(f.Hint, `base_url = "`+other.URL+`/v2/api"`) {
				t.Errorf("%d %s: %s %s %v, hint %q", status, name, f.Class, f.Code, err, f.Hint)
			}
			if want := status == 303 && name != "orders"; OutcomeUnknown(err) != want {
				t.Errorf("%d %s: unknown = %v, want %v", status, name, !want, want)
			}
		}
	}
	if n := len(otherSaw()); n != 0 {
		t.Errorf("the other host saw %d requests", n)
	}
}

func TestAnotherPortOrSchemeIsAnotherHost(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"https://a.example", "http://a.example"},
		{"http://a.example", "http://a.example:8080"},
		{"http://a.example/", "http://b.example/"},
		{"https://a.example", "https://a.example.evil.example"},
	} {
		if sameOrigin(parse(t, pair[0]), parse(t, pair[1])) {
			t.Errorf("%q pass for one host", pair)
		}
	}
	if !sameOrigin(parse(t, "https://A.example/x"), parse(t, "https://a.example:443/y")) {
		t.Error("the default port makes another host")
	}
}

func TestASameHostRedirectIsFollowedForGetOnly(t *testing.T) {
	t.Parallel()
	s, seen := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") {
			http.Redirect(w, r, "/v2"+r.URL.RequestURI(), http.StatusPermanentRedirect)
			return
		}
		answer(200, `{"success":true,"data":[{"id":"ord_1","status":"paid"}]}`)(w, r)
	})
	c, meter := client(t, s.URL)
	listing, err := c.Orders(t.Context(), []order.Status{order.Paid})
	if err != nil || len(listing.Orders) != 1 || len(meter.taken) != 2 || len(meter.answers) != 2 {
		t.Errorf("%+v, %v; meter %v", listing, err, meter.taken)
	}
	if last := seen()[1]; last.uri != "/v2/api/agents/"+testAgent+"/orders?status=paid" ||
		last.header.Get("Authorization") != "Bearer "+testKey {
		t.Errorf("second request = %+v", last)
	}
	f, _ := failed(t, c.Deliver(t.Context(), "ord_1", onePiece))
	if f.Code != order.CodeMoved || !strings.Contains(f.Hint, s.URL+"/v2/api") || len(seen()) != 3 {
		t.Errorf("%+v after %d requests", f, len(seen()))
	}
}

func TestEndlessRedirectsEnd(t *testing.T) {
	t.Parallel()
	s, seen := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.RequestURI(), http.StatusFound)
	})
	c, _ := client(t, s.URL)
	_, err := c.Order(t.Context(), "ord_1")
	if f, _ := failed(t, err); f.Class != order.Retry || len(seen()) != 1+maxRedirects {
		t.Errorf("%+v after %d requests", f, len(seen()))
	}
}

func TestARedirectAddressIsForeignText(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]string{
		"":                                "without a usable address",
		"javascript:alert(1)":             "without a usable address",
		"https://user:pw@new.example/a":   "moved to https://new.example/api",
		"https://" + testKey + ".example": "moved to https://[secret].example/api",
	} {
		s, _ := serve(t, answer(307, "", "Location", location))
		c, _ := client(t, s.URL)
		f, _ := failed(t, c.Deliver(t.Context(), "ord_1", onePiece))
		if f.Code != order.CodeMoved || !strings.Contains(f.Error(), want) || strings.Contains(f.Error()+f.Hint, testKey) {
			t.Errorf("%q: %v, hint %q", location, f, f.Hint)
		}
	}
}
