package config

import "net/url"

// Ping is an address that is called while the daemon works. At most one field is set.
type Ping struct {
	URL string
	// URLFile (absolute) and URLEnv name the file or the variable that holds the address.
	URLFile, URLEnv string
}

// On reports whether an address is set.
func (p Ping) On() bool { return p != Ping{} }

func (t *table) ping(dir string) Ping {
	defer t.done()
	p := Ping{URL: t.text("url", "")}
	p.URLFile, p.URLEnv = t.secret("url", dir)
	u, err := url.Parse(p.URL)
	if t.has("url") && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "") {
		t.problem(t.at("url"), `is not a URL; write one like "https://hc-ping.com/UUID"`) // it is not shown: it may be secret
	}
	t.oneAddress(p.URL, p.URLFile, p.URLEnv)
	return p
}
