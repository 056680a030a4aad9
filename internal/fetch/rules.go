package fetch

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// What a server's address and its answer's header may be.
const (
	maxURL    = 2048
	maxHeader = 64 << 10
)

// guardian knows the addresses that are public, and the ports 80 and 443.
var guardian = ssrf.New()

// network dials what control does not refuse. The refusal comes when the address
// is known and before it is connected to, so that it does not matter what a name
// resolved to earlier.
func network(control func(network, address string, c syscall.RawConn) error) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: control}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		Proxy:                  nil, // not even the environment's
		DisableKeepAlives:      true,
		DisableCompression:     true,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// rules say which addresses may be asked; trusted holds host:port pairs.
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

// trusts says whether the owner has configured the address. It looks at what is
// written, and asks no resolver.
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

// check says why an address may not be asked; nil when it may.
func (r rules) check(u *url.URL) *Error {
	switch {
	case len(u.String()) > maxURL:
		return refused("is longer than %d bytes", maxURL)
	case u.User != nil:
		return refused("holds a user name")
	case u.Hostname() == "":
		return refused("has no host")
	case u.Scheme != "https" && u.Scheme != "http":
		return refused("is not https")
	case r.trusts(u):
		return nil
	case u.Scheme != "https":
		return refused("is not https")
	case u.Port() != "" && u.Port() != "443" && u.Port() != "80":
		return refused("has port %.5s, which is not one of 443 and 80", u.Port())
	}
	return checkHost(u.Hostname())
}

// checkHost refuses what can be told without a resolver. Some resolvers take
// 2130706433, 0x7f.1 and 127.1 for addresses; the last part of a public name
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
		return refused("has a number for a host")
	}
	return nil
}

// parse reads a link. What cannot be read is not shown either.
func parse(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, refused("the link cannot be read")
	}
	return u, nil
}
