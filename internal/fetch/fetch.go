// Package fetch downloads the links of clients and providers, without letting them
// reach the owner's network. It dials only public addresses, whatever a name resolves
// to and wherever a server redirects.
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

	"atelierd/internal/beat"
)

// The defaults of Options, and the maximum number of redirects.
const (
	defaultBytes   = 25 << 20
	defaultTimeout = 30 * time.Second
	maxRedirects   = 3
)

// Options are the settings of a Client. A zero value selects the default.
type Options struct {
	// MaxBytes is the maximum size of a body. Zero means 25 MB.
	MaxBytes int64
	// Timeout limits one fetch, with its body. Zero means 30 seconds.
	Timeout time.Duration
	// Trusted are host:port pairs that the owner has configured. They may use http
	// and any address, but only that port. A name is compared as the link spells it
	// and never resolved, so another name for the same address is not trusted.
	Trusted []string
	// Proxy selects the proxy for a request, like that of an http.Transport. Nil uses
	// none. A proxy dials for us, so the address behind a name is not checked. Set it
	// only for links from a source that the owner trusts.
	Proxy func(*http.Request) (*url.URL, error)
	// Transport replaces the network in tests. Links are still checked, but not what
	// their names resolve to.
	Transport http.RoundTripper
	// UserAgent is the User-Agent header. Empty sends none.
	UserAgent string
}

// Client fetches links. It sends no credentials, cookies or referrers and keeps no
// connections. It is safe for concurrent use.
type Client struct {
	maxBytes  int64
	timeout   time.Duration
	userAgent string
	rules     rules
	// The transports are separate so that a request cannot take the wrong one. public
	// dials public addresses only, trusted is for what rules trust, and proxied uses
	// the proxy.
	public, trusted, proxied http.RoundTripper
	proxy                    func(*http.Request) (*url.URL, error)
}

// New returns a Client.
func New(o Options) *Client {
	c := &Client{
		maxBytes: o.MaxBytes, timeout: o.Timeout, userAgent: o.UserAgent,
		rules: newRules(o.Trusted), public: o.Transport, trusted: o.Transport,
	}
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

// Allowed returns an error if Fetch would reject rawURL by its form. It does not use
// the network, so the name may still resolve to an address that Fetch rejects.
func (c *Client) Allowed(rawURL string) error {
	u, err := parse(rawURL)
	if err != nil {
		return err
	}
	return c.rules.check(u).at(u, u)
}

// Fetch writes the body of rawURL to w and returns the number of bytes. It follows at
// most three redirects and accepts only the status 200.
//
// Its error is an *Error, and w may then have a part of the body. The *Error wraps an
// error of w, and the error and the cause of ctx once ctx has ended.
func (c *Client) Fetch(ctx context.Context, rawURL string, w io.Writer) (int64, error) {
	start, err := parse(rawURL)
	if err != nil {
		return 0, err
	}
	limited, cancel := beat.Timeout(ctx, c.timeout)
	defer cancel()
	at := start
	for hops := 0; ; hops++ {
		n, next, failure := c.step(limited, at, w)
		if failure != nil && failure.network {
			failure = c.ended(ctx, limited, failure)
		}
		if failure == nil && next != nil && hops == maxRedirects {
			failure = refused("redirects more than %d times", maxRedirects)
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

// step requests one address. It returns the target of a redirect, which is not checked
// yet.
func (c *Client) step(ctx context.Context, u *url.URL, w io.Writer) (int64, *url.URL, *Error) {
	if failure := c.rules.check(u); failure != nil {
		return 0, nil, failure
	}
	// An http.Client would add a Referer and put whole links into its errors.
	req := (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{
		"User-Agent": {c.userAgent}, "Accept-Encoding": {"identity"},
	}}).WithContext(ctx)
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

// network returns the transport for a request.
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

// target returns the address that a redirect of a foreign server leads to.
func target(from *url.URL, location string) (*url.URL, *Error) {
	if location == "" {
		return nil, refused("redirects without an address")
	}
	next, err := from.Parse(location)
	if err != nil {
		return nil, refused("redirects to an invalid address")
	}
	return next, nil
}

// Expecting is a writer that is told how many bytes to expect.
type Expecting interface{ Expect(total int64) }

// Announce tells w how many bytes to expect, if that is known and w is Expecting.
func Announce(w io.Writer, total int64) {
	if e, ok := w.(Expecting); ok && total > 0 {
		e.Expect(total)
	}
}

// copy writes the body to w, up to the limit. It trusts the announced length only if
// that is over the limit.
func (c *Client) copy(w io.Writer, resp *http.Response) (int64, *Error) {
	if resp.ContentLength > c.maxBytes {
		return 0, refused("is larger than %d bytes", c.maxBytes)
	}
	if resp.Header.Get("Content-Encoding") == "" {
		Announce(w, resp.ContentLength)
	}
	body := &source{Reader: unpacked(resp)}
	n, err := io.Copy(w, io.LimitReader(body, c.maxBytes+1))
	switch {
	case body.err != nil:
		return n, failed(body.err)
	case err != nil:
		return n, refused("could not be written: %w", err)
	case n > c.maxBytes:
		return n, refused("is larger than %d bytes", c.maxBytes)
	}
	return n, nil
}

// source records why reading ended, to separate an error of the network from one of
// the writer.
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

// ended replaces a network failure by the end of the context, if that is its cause.
func (c *Client) ended(ctx, limited context.Context, failure *Error) *Error {
	switch {
	case ctx.Err() != nil:
		// A custom cause does not wrap ctx.Err.
		err := fmt.Errorf("was cancelled: %w", ctx.Err())
		if cause := context.Cause(ctx); !errors.Is(err, cause) {
			err = fmt.Errorf("%w: %w", err, cause)
		}
		return &Error{Err: err, temporary: errors.Is(ctx.Err(), context.DeadlineExceeded)}
	case limited.Err() != nil:
		return &Error{Err: fmt.Errorf("took longer than %s", c.timeout), temporary: true}
	}
	return failure
}
