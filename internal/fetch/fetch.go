// Package fetch downloads what a stranger has linked to, without being used
// against the owner's network: only public addresses are dialled, whatever a
// name resolves to and wherever a server sends the request on.
//
// It must not know orders, generators or the database.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"code.dny.dev/ssrf"
)

// What a fetch may take.
const (
	defaultBytes   = 25 << 20
	defaultTimeout = 30 * time.Second
	maxRedirects   = 3
	maxLink        = 2048
)

// Options are the settings of a Client; a zero value takes the default.
type Options struct {
	// MaxBytes is the most that one fetch reads; 25 MB.
	MaxBytes int64
	// Timeout is for a whole fetch, its body included; 30 s.
	Timeout time.Duration
	// Trusted are host:port pairs that the owner has configured. They may be
	// reached by http, on any port and at any address; nothing else of the same
	// host may.
	Trusted []string
	// Transport replaces the network in tests. The links are still checked.
	Transport http.RoundTripper
	UserAgent string
}

// Client fetches. It sends no credentials, cookies or referrers, and uses no
// proxy, which would dial in its place.
type Client struct {
	o    Options
	http *http.Client
}

// New makes a Client.
func New(o Options) *Client {
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultBytes
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	g := &guard{trusted: o.Trusted, public: o.Transport, owners: o.Transport}
	if o.Transport == nil {
		g.public = transport(&net.Dialer{Timeout: 10 * time.Second, Control: ssrf.New().Safe})
		g.owners = transport(&net.Dialer{Timeout: 10 * time.Second})
	}
	return &Client{o: o, http: &http.Client{Transport: g, CheckRedirect: checkRedirect}}
}

func transport(d *net.Dialer) http.RoundTripper {
	return &http.Transport{DialContext: d.DialContext, ForceAttemptHTTP2: true, DisableCompression: true, MaxIdleConns: 4,
		IdleConnTimeout: 10 * time.Second, TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10}
}

func checkRedirect(r *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return &Error{Err: fmt.Errorf("it is sent on more than %d times", maxRedirects)}
	}
	r.Header.Del("Referer") // a signed link is a secret
	return nil
}

// guard checks each request, those that follow a redirect too.
type guard struct {
	trusted        []string
	public, owners http.RoundTripper
}

func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := g.allowed(r.URL); err != nil {
		return nil, err
	}
	if g.trusts(r.URL) {
		return g.owners.RoundTrip(r)
	}
	return g.public.RoundTrip(r)
}

func (g *guard) trusts(u *url.URL) bool {
	return slices.ContainsFunc(g.trusted, func(t string) bool { return strings.EqualFold(t, hostPort(u)) })
}

func (g *guard) allowed(u *url.URL) error {
	switch {
	case len(u.String()) > maxLink:
		return &Error{Err: fmt.Errorf("its address is longer than %d characters", maxLink)}
	case u.User != nil:
		return &Error{Err: errors.New("its address holds a user name")}
	case u.Hostname() == "":
		return &Error{Err: errors.New("its address has no host")}
	case g.trusts(u) && (u.Scheme == "https" || u.Scheme == "http"):
		return nil
	case u.Scheme != "https":
		return &Error{Err: errors.New("it is not https")}
	case !slices.Contains([]string{"", "443", "80"}, u.Port()):
		return &Error{Err: fmt.Errorf("port %s is not one of 443 and 80", u.Port())}
	}
	return nil
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// Error says why something could not be fetched. Its text names the place, but
// never a query, which may be a signature.
type Error struct {
	// Status is the server's answer; 0 when it gave none.
	Status int
	// Temporary says that another try may do better.
	Temporary bool
	Err       error
	place     string
}

func (e *Error) Error() string {
	if e.place == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("%.120q: %s", e.place, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Gone says that the server has it no more, or not for us.
func Gone(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && slices.Contains([]int{401, 403, 404, 410, 451}, e.Status)
}

// Temporary says that the network or the server failed, which says nothing about
// the link.
func Temporary(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Temporary
}

// Fetch writes what the link leads to to w, and gives its length. Its error is an
// *Error, or that of ctx once it has ended; w may then hold a part.
func (c *Client) Fetch(ctx context.Context, link string, w io.Writer) (int64, error) {
	limited, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodGet, link, nil)
	if err != nil {
		return 0, &Error{Err: errors.New("its address cannot be read")}
	}
	req.Header.Set("User-Agent", c.o.UserAgent)
	req.Header.Set("Accept-Encoding", "identity")
	n, err := c.get(req, w)
	if err == nil {
		return n, nil
	}
	if ctx.Err() != nil {
		return n, context.Cause(ctx)
	}
	return n, placed(err, req.URL)
}

func (c *Client) get(req *http.Request, w io.Writer) (int64, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, &Error{Status: resp.StatusCode, Temporary: temporary(resp.StatusCode),
			Err: fmt.Errorf("the server answered %d", resp.StatusCode)}
	}
	tooLarge := &Error{Err: fmt.Errorf("it is larger than %d bytes", c.o.MaxBytes)}
	if resp.ContentLength > c.o.MaxBytes {
		return 0, tooLarge
	}
	n, err := io.Copy(w, io.LimitReader(resp.Body, c.o.MaxBytes+1))
	if err == nil && n > c.o.MaxBytes {
		err = tooLarge
	}
	return n, err
}

func temporary(status int) bool {
	return status >= 500 || slices.Contains([]int{408, 425, 429}, status)
}

// placed makes an *Error that names the place. The texts of url and net errors
// hold the whole link, and are replaced.
func placed(err error, u *url.URL) error {
	place := (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	if e, ok := errors.AsType[*Error](err); ok {
		own := *e
		own.place = place
		return &own
	}
	for _, prohibited := range []error{ssrf.ErrProhibitedIP, ssrf.ErrProhibitedNetwork, ssrf.ErrProhibitedPort} {
		if errors.Is(err, prohibited) {
			return &Error{place: place, Err: errors.New("it leads to an address that is not public")}
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{place: place, Temporary: true, Err: errors.New("it took too long")}
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return &Error{place: place, Temporary: true, Err: fmt.Errorf("%.200s", err)}
}
