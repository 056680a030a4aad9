package config

import (
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Metrics configures where metrics and health are served. They are off when Listen is
// empty.
type Metrics struct {
	Listen string // host:port
}

// On reports whether metrics are served.
func (m Metrics) On() bool { return m.Listen != "" }

func (t *table) metrics() Metrics {
	defer t.done()
	return Metrics{Listen: t.listen("127.0.0.1:9377")}
}

// listen returns the address of the key listen, or "". example is one in its place.
func (t *table) listen(example string) string {
	address := t.text("listen", "")
	if _, _, err := net.SplitHostPort(address); address != "" && err != nil {
		t.problem(t.at("listen"), `%.80q is not a host and a port; write them like %q`, address, example)
		return ""
	}
	return address
}

// listener is an address that the daemon listens on, and its key.
type listener struct{ key, address string }

// apart rejects two listeners on one address: webhooks come from the internet, and metrics
// stay private.
func (t *table) apart(list ...listener) {
	for i, l := range list {
		if other := slices.IndexFunc(list[:i], func(o listener) bool { return meet(o.address, l.address) }); other >= 0 {
			t.problem(l.key, "is the address of %s as well; write another port", list[other].key)
		}
	}
}

// meet reports whether two addresses cannot be listened on together.
func meet(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false // a port of 0 is any free one
	}
	one, other := ipOf(hostA), ipOf(hostB)
	return hostA == hostB || one.IsUnspecified() || other.IsUnspecified() || one.IsValid() && one == other
}

// ipOf returns the IP address of a host that needs no look-up, or an invalid one.
func ipOf(host string) netip.Addr {
	switch {
	case host == "":
		return netip.IPv6Unspecified()
	case strings.EqualFold(host, "localhost"):
		host = "127.0.0.1"
	}
	ip, _ := netip.ParseAddr(host) // a name is an invalid one
	return ip.Unmap()
}
