// Package fetch downloads what a stranger, or a provider's answer, links to,
// without being used against the owner's network: only public addresses are
// dialled, whatever a name resolves to and wherever a server sends the request
// on.
//
// It must not know orders, generators or the database.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// What a fetch may take, unless Options say otherwise.
const (
	defaultBytes   = 25 << 20
	defaultTimeout = 30 * time.Second
	maxRedirects   = 3
)

// Options are the settings of a Client; a zero value takes the default.
type Options struct {
	// MaxBytes is the most that one fetch reads; 0 is 25 MB.
	MaxBytes int64
	// Timeout covers everything of one fetch, its body included; 0 is 30 seconds.
	Timeout time.Duration
	// Trusted are host:port pairs that the owner has configured. They may be
	// reached by http, on their port and at any address; no other port of the same
	// host may. A name is compared as the link writes it, and never resolved, so
	// that a stranger's name for the same address gains nothing.
	Trusted []string
	// Proxy says, as that of an http.Transport, by which proxy an address is asked;
	// nil uses none. A proxy dials in our place, so that what a name leads to is
	// not looked at: it is for links of whom the owner trusts, and for no others.
	Proxy func(*http.Request) (*url.URL, error)
	// Transport replaces the network in tests. The links are still checked; what
	// their names resolve to is not.
	Transport http.RoundTripper
	// UserAgent is sent as it is; nothing is sent when it is empty.
	UserAgent string
}

// Client fetches. It sends no credentials, cookies or referrers, and keeps no
// connection. It may be used by many at once.
type Client struct {
	maxBytes  int64
	timeout   time.Duration
	userAgent string
	rules     rules
	// Networks of their own, so that nothing that is meant for the one reaches the
	// other: public refuses addresses that are not, trusted is for what rules trust,
	// proxied leads to the proxy.
	public, trusted, proxied http.RoundTripper
	proxy                    func(*http.Request) (*url.URL, error)
}

// New makes a Client.
func New(o Options) *Client {
	c := &Client{maxBytes: o.MaxBytes, timeout: o.Timeout, userAgent: o.UserAgent,
		rules: newRules(o.Trusted), public: o.Transport, trusted: o.Transport}
	if c.maxBytes <= 0 {
		c.maxBytes = defaultBytes
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if o.Transport == nil {
		c.public, c.trusted = network(guardian.Safe), network(nil)
		if o.Proxy != nil {
			proxied := network(nil)
			proxied.Proxy = o.Proxy
			c.proxied, c.proxy = proxied, o.Proxy
		}
	}
	return c
}

// Allowed says whether rawURL is of a form that Fetch would try. It asks no
// network: a name may still turn out to lead to an address that is refused.
func (c *Client) Allowed(rawURL string) error {
	u, err := parse(rawURL)
	if err != nil {
		return err
	}
	return c.rules.check(u).at(u, u)
}

// Fetch writes the body that rawURL leads to to w, and gives the number of bytes
// written. Only the answer 200 counts, after at most three redirects.
//
// The error is an *Error; w may then hold a part of the body. An error of w is
// wrapped, and so are that of ctx and its cause once it has ended.
func (c *Client) Fetch(ctx context.Context, rawURL string, w io.Writer) (int64, error) {
	start, err := parse(rawURL)
	if err != nil {
		return 0, err
	}
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	at := start
	for hops := 0; ; hops++ {
		n, next, failure := c.step(limited, at, w)
		if failure != nil && failure.network {
			failure = c.ended(ctx, limited, failure)
		}
		if failure == nil && next != nil && hops == maxRedirects {
			failure = refused("is sent on more than %d times", maxRedirects)
		}
		switch {
		case failure != nil:
			return n, failure.at(start, at)
		case next == nil:
			return n, nil
		}
		at = next
	}
}

// step asks one address. It gives the next one if the server sends the request
// on, which is not checked yet.
func (c *Client) step(ctx context.Context, u *url.URL, w io.Writer) (int64, *url.URL, *Error) {
	if failure := c.rules.check(u); failure != nil {
		return 0, nil, failure
	}
	// Without an http.Client, since that adds a Referer, and puts whole links into
	// its errors.
	req := (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{
		"User-Agent": {c.userAgent}, "Accept-Encoding": {"identity"}}}).WithContext(ctx)
	network, err := c.network(req)
	if err != nil {
		return 0, nil, failed(err)
	}
	resp, err := network.RoundTrip(req)
	if err != nil {
		return 0, nil, failed(err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		n, failure := c.copy(w, resp)
		return n, nil, failure
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		next, failure := target(u, resp.Header.Get("Location"))
		return 0, next, failure
	}
	return 0, nil, answered(resp.StatusCode)
}

// network is the one that a request goes by.
func (c *Client) network(req *http.Request) (http.RoundTripper, error) {
	if c.rules.trusts(req.URL) {
		return c.trusted, nil
	}
	if c.proxy == nil {
		return c.public, nil
	}
	via, err := c.proxy(req)
	if err != nil || via == nil {
		return c.public, err
	}
	return c.proxied, nil
}

// target reads where a redirect leads to. It comes from a stranger's server.
func target(from *url.URL, location string) (*url.URL, *Error) {
	if location == "" {
		return nil, refused("is sent on without saying where to")
	}
	next, err := from.Parse(location)
	if err != nil {
		return nil, refused("is sent on to what is no address")
	}
	return next, nil
}

// copy writes the body to w, as far as it may go: what the server says of its
// length is believed only when it is too much.
func (c *Client) copy(w io.Writer, resp *http.Response) (int64, *Error) {
	if resp.ContentLength > c.maxBytes {
		return 0, refused("is larger than %d bytes", c.maxBytes)
	}
	body := &source{Reader: io.LimitReader(resp.Body, c.maxBytes+1)}
	n, err := io.Copy(w, body)
	switch {
	case body.err != nil:
		return n, failed(body.err)
	case err != nil:
		return n, refused("could not be kept: %w", err)
	case n > c.maxBytes:
		return n, refused("is larger than %d bytes", c.maxBytes)
	}
	return n, nil
}

// source remembers why reading ended, which tells an error of the network from
// one of the writer.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// ended says that the time was over, if that is why the network failed.
func (c *Client) ended(ctx, limited context.Context, failure *Error) *Error {
	switch {
	case ctx.Err() != nil:
		// A cause of its own does not stand for what ctx.Err is.
		err := fmt.Errorf("was given up: %w", ctx.Err())
		if cause := context.Cause(ctx); !errors.Is(err, cause) {
			err = fmt.Errorf("%w: %w", err, cause)
		}
		return &Error{Err: err, temporary: errors.Is(ctx.Err(), context.DeadlineExceeded)}
	case limited.Err() != nil:
		return &Error{Err: fmt.Errorf("takes too long, more than %s", c.timeout), temporary: true}
	}
	return failure
}
