package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Console configures the owner's page. It is off when Listen is empty.
type Console struct {
	// Listen is host:port, or unix: and the absolute path of a socket.
	Listen string
	// PublicURL is where browsers find the console, without a path; "" for Listen itself.
	PublicURL string
	// Cert and Key are the files of a TLS certificate; both are set, or neither.
	Cert, Key string
	// BehindProxy says that a proxy in front brings the requests and ends TLS.
	BehindProxy bool
}

// On reports whether the console is served.
func (c Console) On() bool { return c.Listen != "" }

// Socket returns the path of the socket that the console listens on, or "".
func (c Console) Socket() string {
	path, ok := strings.CutPrefix(c.Listen, unixPrefix)
	if !ok {
		return ""
	}
	return path
}

// TLS reports whether the console has a certificate of its own.
func (c Console) TLS() bool { return c.Cert != "" }

// Secure reports whether browsers come by HTTPS.
func (c Console) Secure() bool { return c.TLS() || strings.HasPrefix(c.PublicURL, "https:") }

// Host returns the host of PublicURL as browsers send it, with a port that is not the usual
// one, or "".
func (c Console) Host() string {
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.Host, map[string]string{"http": ":80", "https": ":443"}[u.Scheme])
}

// Pages returns the address below which each order has its page, or "" where nobody outside
// finds it.
func (c Console) Pages() string {
	if !c.On() || c.PublicURL == "" {
		return ""
	}
	return c.PublicURL + "/orders/"
}

// unixPrefix begins an address that is the path of a socket.
const unixPrefix = "unix:"

func (t *table) console(dir string) Console {
	defer t.done()
	c := Console{
		Listen: t.listenOrSocket("127.0.0.1:8378", dir), PublicURL: t.origin("public_url"),
		Cert: t.text("tls_cert", ""), Key: t.text("tls_key", ""),
	}
	c.BehindProxy, _ = value[bool](t, "behind_proxy", "true or false")
	if (c.Cert == "") != (c.Key == "") {
		t.problem(t.path, "has one of tls_cert and tls_key; write both")
	}
	if c.TLS() {
		c.Cert, c.Key = within(dir, c.Cert), within(dir, c.Key)
	}
	t.exposed(c)
	return c
}

// exposed rejects a console that others could read along with, or that browsers would not
// find under its name.
func (t *table) exposed(c Console) {
	loopback := c.Socket() != "" || onLoopback(c.Listen)
	switch {
	case !c.On():
	case !loopback && !c.TLS() && !c.BehindProxy:
		t.problem(t.at("listen"), "%s is reachable from other machines without encryption; write %q and use an SSH tunnel, set tls_cert and tls_key, or set behind_proxy = true if a proxy ends TLS", c.Listen, "127.0.0.1:8378")
	case c.PublicURL == "" && (!loopback || c.BehindProxy || c.Socket() != ""):
		t.problem(t.at("public_url"), `is missing; write the address under which browsers find the console, like "https://console.example.com"`)
	case c.TLS() && strings.HasPrefix(c.PublicURL, "http:"):
		t.problem(t.at("public_url"), "is http, but the console has a certificate; write https")
	case !c.TLS() && !c.BehindProxy && c.Socket() == "" && strings.HasPrefix(c.PublicURL, "https:"):
		t.problem(t.at("public_url"), "is https, but nothing here ends TLS; set tls_cert and tls_key, or behind_proxy = true if a proxy does")
	case strings.HasPrefix(c.PublicURL, "http:") && !Loopback(c.PublicURL):
		t.warn(t.at("public_url"), "is http: whoever can read the network in between can act as you; write https")
	}
}

// listenOrSocket is listen, or unix: and the path of a socket.
func (t *table) listenOrSocket(example, dir string) string {
	path, ok := strings.CutPrefix(t.text("listen", ""), unixPrefix)
	if !ok {
		return t.listen(example)
	}
	if path == "" || strings.ContainsRune(path, 0) {
		t.problem(t.at("listen"), `names no socket; write its path, like "unix:/run/atelierd/console.sock"`)
		return ""
	}
	return unixPrefix + within(dir, path)
}

// origin returns a URL that is only a scheme and a host, without a slash at the end, or "".
func (t *table) origin(key string) string {
	s := t.address(key, "")
	u, err := url.Parse(s)
	if s == "" || err != nil {
		return "" // address has reported it
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		t.problem(t.at(key), `has more than a host; write it like "https://console.example.com"`)
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

// onLoopback reports whether only this machine reaches an address of the form host:port.
func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && ipOf(host).IsLoopback()
}

// The tools for agents that change something.
var agentTools = []string{"approve", "redo", "reply", "send_draft", "discard_draft", "quote", "retry", "cancel", "pause", "resume"}

// CheckTool returns why a text names no tool that changes something, or nil.
func CheckTool(name string) error {
	if slices.Contains(agentTools, name) {
		return nil
	}
	return fmt.Errorf("%.40q is no tool that changes something; write some of %s", name, strings.Join(agentTools, ", "))
}

// MCP configures what agents may do that act for the owner.
type MCP struct {
	// Allow are the tools that change something and are offered: some of approve, redo,
	// reply, send_draft, discard_draft, quote, retry, cancel, pause and resume.
	Allow []string
}

func (t *table) mcp() MCP {
	defer t.done()
	m := MCP{Allow: t.list("allow")}
	for i, name := range m.Allow {
		if err := CheckTool(name); err != nil {
			t.problem(element(t.at("allow"), i), "%s", err)
		}
	}
	return m
}
