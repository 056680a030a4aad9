package config

import (
	"net/netip"
	"net/url"
	"strings"
)

// address returns an absolute http or https URL, or fallback when the key is
// missing.
func (t *table) address(key, fallback string) string {
	s := t.text(key, fallback)
	if !t.has(key) {
		return s
	}
	u, err := url.Parse(s)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		t.problem(t.at(key), `%.80q is not a URL; write one like "https://example.com/path"`, s)
	case u.User != nil:
		t.problem(t.at(key), "contains a user name or password; remove it")
	}
	return s
}

// api returns the URL of an API that receives the key. It must be https, unless it
// is on this machine.
func (t *table) api(key, fallback string) string {
	s := t.address(key, fallback)
	u, err := url.Parse(s)
	if err != nil {
		return s // address has reported it
	}
	switch {
	case u.RawQuery != "" || u.Fragment != "":
		t.problem(t.at(key), "contains a query or a fragment; remove it")
	case u.Scheme == "http" && !Loopback(s):
		t.problem(t.at(key), "is http, which would send the API key in plain text; write https, http works for this machine only")
	}
	return strings.TrimRight(s, "/")
}

// Loopback reports whether an address is on this machine.
func Loopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := u.Hostname()
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}
