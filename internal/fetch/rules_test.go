package fetch

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// hidden is a secret in links that no error text may contain.
const hidden = "hunter2"

// refusedFor expects a permanent *Error that names the host and hides secrets.
func refusedFor(t *testing.T, err error, host string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if Gone(err) || Temporary(err) {
		t.Errorf("gone %t, temporary %t: %v", Gone(err), Temporary(err), err)
	}
	if _, ok := errors.AsType[*Error](err); !ok {
		t.Errorf("%T is not an *Error", err)
	}
	discreet(t, err, host)
}

// discreet expects an error that names the host and hides secrets.
func discreet(t *testing.T, err error, host string) {
	t.Helper()
	if !strings.Contains(err.Error(), host) {
		t.Errorf("the error does not name %s: %v", host, err)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), hidden) {
			t.Errorf("the error contains a secret: %v", e)
		}
	}
}

// allowed maps links to whether the client of TestAllowed may request them.
var allowed = map[string]bool{
	"https://example.com/a.png":                            true,
	"HTTPS://EXAMPLE.COM/a.png":                            true,
	"https://example.com:443/?sig=1":                       true,
	"https://example.com:80/":                              true,
	"https://example.com./":                                true,
	"https://10.0.0.9/":                                    true,
	"http://10.0.0.8/":                                     true,
	"https://10.0.0.8/":                                    false,
	"http://10.0.0.9/":                                     false,
	"http://:7000/":                                        false,
	"https://93.184.215.14/":                               true,
	"https://[2606:4700::1111]/":                           true,
	"http://127.0.0.1:8188/view?f=a":                       true,
	"https://127.0.0.1:8188/":                              true,
	"http://comfy.lan/":                                    true,
	"http://COMFY.LAN:80/":                                 true,
	"http://[::1]:9000/":                                   true,
	"http://example.com/":                                  false,
	"http://example.com:443/":                              false,
	"ftp://example.com/":                                   false,
	"ftp://127.0.0.1:8188/":                                false,
	"file:///etc/passwd":                                   false,
	"//example.com/":                                       false,
	"example.com/a.png":                                    false,
	"":                                                     false,
	"https:example.com":                                    false,
	"https://":                                             false,
	"https://:443/":                                        false,
	"https://./":                                           false,
	"https://example.com:8443/":                            false,
	"https://example.com:0443/":                            false,
	"https://example.com:22/":                              false,
	"https://example.com:http/":                            false,
	"https://user@example.com/":                            false,
	"https://user:pass@example.com/":                       false,
	"https://@example.com/":                                false,
	"http://user@127.0.0.1:8188/":                          false,
	"https://127.0.0.1/":                                   false,
	"https://127.0.0.1./":                                  false,
	"https://127.8.8.8/":                                   false,
	"https://0.0.0.0/":                                     false,
	"https://169.254.169.254/":                             false,
	"https://10.1.2.3/":                                    false,
	"https://172.16.0.1/":                                  false,
	"https://192.168.1.1/":                                 false,
	"https://100.64.0.1/":                                  false,
	"https://224.0.0.1/":                                   false,
	"https://255.255.255.255/":                             false,
	"https://[::1]/":                                       false,
	"https://[::]/":                                        false,
	"https://[fd00::1]/":                                   false,
	"https://[fe80::1%25eth0]/":                            false,
	"https://[2606:4700::1111%25eth0]/":                    false,
	"https://[::ffff:127.0.0.1]/":                          false,
	"https://[::ffff:7f00:1]/":                             false,
	"https://[::ffff:93.184.215.14]/":                      false,
	"https://[64:ff9b::7f00:1]/":                           false,
	"https://[2002:7f00:1::]/":                             false,
	"https://2130706433/":                                  false,
	"https://0x7f000001/":                                  false,
	"https://0x7f.1/":                                      false,
	"https://017700000001/":                                false,
	"https://0177.0.0.1/":                                  false,
	"https://127.1/":                                       false,
	"https://127.1./":                                      false,
	"http://127.0.0.1:8189/":                               false,
	"http://127.0.0.1/":                                    false,
	"http://localhost:8188/":                               false,
	"http://comfy.lan:8188/":                               false,
	"http://[::1]:8188/":                                   false,
	"https://" + strings.Repeat("a", 2037) + ".b/":         true, // 2048 bytes
	"https://" + strings.Repeat("a", 2038) + ".b/":         false,
	"http://127.0.0.1:8188/" + strings.Repeat("a", 2048):   false,
	"https://example.com/" + strings.Repeat("\u00e9", 800): false, // longer when it is encoded
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	c := New(Options{Trusted: []string{"127.0.0.1:8188", "Comfy.lan:80", "[::1]:9000", "10.0.0.8:80", "10.0.0.9:443", ":7000", "no port"}})
	for link, ok := range allowed {
		if err := c.Allowed(link); (err == nil) != ok {
			t.Errorf("%.100s: %v", link, err)
		}
	}
}

func TestAnErrorHidesTheSecretsOfALink(t *testing.T) {
	t.Parallel()
	c := New(Options{})
	for link, host := range map[string]string{
		"http://example.com/a?sig=hunter2":                             "http://example.com/a",
		"https://example.com:99/a?sig=hunter2":                         "example.com:99",
		"https://hunter2@example.com/":                                 "https://example.com/",
		"https://user:hunter2@example.com/":                            "https://example.com/",
		"https://127.0.0.1/a?sig=hunter2#hunter2":                      "127.0.0.1",
		"http://example.com/" + strings.Repeat("a", 60) + "hunter2":    "example.com",
		"https://example.com/%zz?sig=hunter2":                          "",
		"https://example.com/?sig=hunter2" + strings.Repeat("a", 2048): "https://example.com/",
		"https:hunter2":         "https:",
		"https://hunter2:port/": "",
		"https://10.0.0.1/\u202e\"%22%0a?X-Amz-Signature=hunter2&token=hunter2": "https://10.0.0.1/",
	} {
		_, fetched := c.Fetch(t.Context(), link, io.Discard)
		for _, err := range []error{c.Allowed(link), fetched} {
			refusedFor(t, err, host)
			if text := err.Error(); len(text) > 200 || strings.ContainsAny(text, "\u202e\n") {
				t.Errorf("the text is not safe to show: %q", text)
			}
		}
	}
}

// The link looks harmless, so only the check of the dialled address can reject it.
func TestANameOfAPrivateAddressIsRejectedWhenDialled(t *testing.T) {
	t.Parallel()
	c := New(Options{Trusted: []string{"127.0.0.1:443", "127.0.0.1:80"}})
	for _, link := range []string{
		"https://localhost/?sig=hunter2",
		"https://localhost:80/",
		"https://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/", // digits that become 127.0.0.1 when dialled
	} {
		if err := c.Allowed(link); err != nil {
			t.Errorf("Allowed rejects a name: %v", err)
		}
		_, err := c.Fetch(t.Context(), link, io.Discard)
		refusedFor(t, err, "https://")
		if !strings.HasSuffix(err.Error(), notPublic) {
			t.Errorf("%v", err)
		}
	}
}

func TestOnlyTheTrustedPortOfAHostIsReached(t *testing.T) {
	t.Parallel()
	requests := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests++ }))
	defer other.Close()
	trusted := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/on" {
			http.Redirect(w, r, other.URL+"/?sig=hunter2", http.StatusFound)
			return
		}
		io.WriteString(w, "a fox")
	}))
	defer trusted.Close()

	c := New(Options{Trusted: []string{trusted.Listener.Addr().String()}})
	var got strings.Builder
	if n, err := c.Fetch(t.Context(), trusted.URL+"/a?sig=1", &got); n != 5 || err != nil || got.String() != "a fox" {
		t.Errorf("got %d %q %v", n, got.String(), err)
	}
	for _, link := range []string{
		trusted.URL + "/on",
		other.URL,
		strings.Replace(other.URL, "http:", "https:", 1),
		strings.Replace(trusted.URL, "127.0.0.1", "localhost", 1),
	} {
		_, err := c.Fetch(t.Context(), link, io.Discard)
		refusedFor(t, err, strings.TrimPrefix(strings.TrimPrefix(link, "http://"), "https://"))
	}
	if requests != 0 {
		t.Errorf("the other port got %d requests", requests)
	}
}

// The name in the link decides about trust, not the address behind it.
func TestAnotherNameForATrustedAddressIsRejected(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	c := New(Options{Trusted: []string{strings.Replace(srv.Listener.Addr().String(), "127.0.0.1", "localhost", 1)}})
	_, err := c.Fetch(t.Context(), strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), io.Discard)
	if !Gone(err) {
		t.Errorf("by its trusted name: %v", err)
	}
	_, err = c.Fetch(t.Context(), srv.URL, io.Discard)
	refusedFor(t, err, "127.0.0.1")
}
