package config

import "net/url"

// Ping is an address that is called while the daemon works. At most one field is set.
type Ping struct {
	URL string
	// Secret is where the address is.
	Secret Secret
}

// On reports whether an address is set.
func (p Ping) On() bool { return p != Ping{} }

func (t *table) ping(dir string) Ping {
	defer t.done()
	p := Ping{URL: t.text("url", "")}
	p.Secret = t.secret("url", dir)
	u, err := url.Parse(p.URL)
	if t.has("url") && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "") {
		t.problem(t.at("url"), `is not a URL; write one like "https://hc-ping.com/UUID"`) // it is not shown: it may be secret
	}
	t.oneAddress(p.URL, p.Secret)
	return p
}
