package fetch

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// The maximum length of a link, and of the header of an answer.
const (
	maxURL    = 2048
	maxHeader = 64 << 10
)

// guardian accepts public addresses on the ports 80 and 443.
var guardian = ssrf.New()

// network returns a transport that dials only what control accepts. control sees the
// resolved address just before the connection, so an earlier answer of the resolver
// does not matter.
func network(control func(network, address string, c syscall.RawConn) error) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: control}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		Proxy:                  nil, // not even that of the environment
		DisableKeepAlives:      true,
		DisableCompression:     true,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// rules decide which addresses may be requested. trusted holds host:port pairs.
type rules struct {
	trusted map[string]bool
}

func newRules(trusted []string) rules {
	r := rules{trusted: map[string]bool{}}
	for _, pair := range trusted {
		if host, port, err := net.SplitHostPort(pair); err == nil {
			r.trusted[net.JoinHostPort(strings.ToLower(host), port)] = true
		}
	}
	return r
}

// trusts reports whether the owner has configured the address. It compares the text
// and uses no resolver.
func (r rules) trusts(u *url.URL) bool {
	port := u.Port()
	switch {
	case port == "" && u.Scheme == "http":
		port = "80"
	case port == "":
		port = "443"
	}
	return r.trusted[net.JoinHostPort(strings.ToLower(u.Hostname()), port)]
}

// check returns why an address may not be requested, or nil.
func (r rules) check(u *url.URL) *Error {
	switch {
	case len(u.String()) > maxURL:
		return refused("is longer than %d bytes", maxURL)
	case u.User != nil:
		return refused("contains a user name")
	case u.Hostname() == "":
		return refused("has no host")
	case u.Scheme != "https" && u.Scheme != "http":
		return refused("is not https")
	case r.trusts(u):
		return nil
	case u.Scheme != "https":
		return refused("is not https")
	case u.Port() != "" && u.Port() != "443" && u.Port() != "80":
		return refused("has port %.5s, which is neither 443 nor 80", u.Port())
	}
	return checkHost(u.Hostname())
}

// checkHost rejects a host where no resolver is needed to decide. Some resolvers
// accept 2130706433, 0x7f.1 and 127.1 as addresses. The last part of a public name
// never begins with a digit.
func checkHost(host string) *Error {
	host = strings.TrimSuffix(host, ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		if guardian.SafeAddr(ip) != nil {
			return refused(notPublic)
		}
		return nil
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" || last[0] >= '0' && last[0] <= '9' {
		return refused("has a number as its host")
	}
	return nil
}

// internal are the ends of names that no public resolver knows.
var internal = []string{".localhost", ".local", ".internal", ".intranet", ".lan", ".home", ".corp", ".home.arpa"}

// PublicHost returns an error if a host cannot be public: an address of a private
// network, a name without a dot, or a name of a local network. It uses no resolver, so
// a name that it accepts may still lead to such an address.
func PublicHost(host string) error {
	if failure := checkHost(host); failure != nil {
		return failure
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(name); err == nil {
		return nil
	}
	within := func(end string) bool { return strings.HasSuffix(name, end) }
	if !strings.Contains(name, ".") || slices.ContainsFunc(internal, within) {
		return refused("is a name of a local network")
	}
	return nil
}

// parse reads a link. Its error does not show the link, which may contain a secret.
func parse(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, refused("the link is not a valid URL")
	}
	return u, nil
}
