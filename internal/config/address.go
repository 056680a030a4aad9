package config

import (
	"net/netip"
	"net/url"
	"strings"
)

// address reads an absolute http or https URL, or gives fallback when the key
// is not there.
func (t *table) address(key, fallback string) string {
	s := t.text(key, fallback)
	if !t.has(key) {
		return s
	}
	u, err := url.Parse(s)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		t.problem(t.at(key), "must be a URL such as https://example.com/path, is %.80q", s)
	case u.User != nil:
		t.problem(t.at(key), "must not hold a user name or password")
	}
	return s
}

// api reads the address of an API that gets the key: https, unless it is on
// this machine.
func (t *table) api(key, fallback string) string {
	s := t.address(key, fallback)
	u, err := url.Parse(s)
	if err != nil {
		return s // address has said so
	}
	switch {
	case u.RawQuery != "" || u.Fragment != "":
		t.problem(t.at(key), "must not have a query or a fragment")
	case u.Scheme == "http" && !loopback(s):
		t.problem(t.at(key), "must be https, because the API key goes there; http is for this machine only")
	}
	return strings.TrimRight(s, "/")
}

// loopback says whether an address is on this machine.
func loopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := u.Hostname()
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}
