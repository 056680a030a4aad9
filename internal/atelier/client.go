// Package atelier is the marketplace's API as a client: one method a call, the
// shapes of its answers made plain, and every error classified into an
// *order.Failure.
//
// It must not know databases, configuration, schedules or when a call is
// allowed: it asks its Meter before each request and its Credentials function
// for the key, and it never repeats a request that may have had an effect.
package atelier

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/secret"
)

// DefaultBlobURL is where the deployed marketplace has large files sent.
const DefaultBlobURL = "https://vercel.com/api/blob/"

// The default time limits. The deployed marketplace fetches and previews a
// delivered file before it answers, which may take 120 seconds.
const (
	DefaultTimeout        = 60 * time.Second
	DefaultDeliverTimeout = 150 * time.Second
)

// Credentials are what the marketplace issued at registration.
type Credentials struct {
	AgentID string
	Key     secret.Text
}

// Meter counts requests. Take is asked before each request to the marketplace
// (each hop of a redirect is one); an error means that the request must not be
// sent. After a Take without error, done is called exactly once with what came
// back. orderID is empty when the request is about no single order.
type Meter interface {
	Take(ctx context.Context, call order.RequestKind, orderID string) (done func(order.Answer), err error)
}

// Options of a Client. BaseURL is required.
type Options struct {
	// BaseURL is the address of the API, like https://atelierai.xyz/api. The
	// key goes to this host and to no other.
	BaseURL *url.URL
	// BlobURL is the blob store for large files. Default: DefaultBlobURL.
	BlobURL *url.URL
	// Credentials is asked at every request, so that a new key is picked up.
	// Nil means that only Register can be called.
	Credentials func() Credentials
	// Transport carries the requests. Default: a fresh http.Transport.
	Transport http.RoundTripper
	// Meter counts the requests. Default: none are counted.
	Meter Meter
	// DeliverTimeout is the time for one delivery, default 150 s; Timeout that
	// for any other call, default 60 s. An upload gets a second more for each
	// 64 KiB.
	DeliverTimeout time.Duration
	Timeout        time.Duration
	// UserAgent is sent with each request. Default: "atelierd".
	UserAgent string
}

// Client calls the marketplace. It is safe for concurrent use.
type Client struct {
	Options
	// tokenWorks is set once a file went up by the way of an upload token.
	tokenWorks atomic.Bool
}

// New makes a client. It panics when BaseURL is missing.
func New(o Options) *Client {
	if o.BaseURL == nil || o.BaseURL.Host == "" {
		panic("atelier.New: BaseURL is required")
	}
	if o.BlobURL == nil {
		o.BlobURL, _ = url.Parse(DefaultBlobURL) // a constant that parses
	}
	if o.Credentials == nil {
		o.Credentials = func() Credentials { return Credentials{} }
	}
	if o.Meter == nil {
		o.Meter = unmetered{}
	}
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	o.DeliverTimeout = cmp.Or(o.DeliverTimeout, DefaultDeliverTimeout)
	o.UserAgent = cmp.Or(o.UserAgent, "atelierd")
	if o.Transport == nil {
		o.Transport = newTransport(max(o.Timeout, o.DeliverTimeout, DefaultDeliverTimeout))
	}
	return &Client{Options: o}
}

// newTransport has a limit for each phase. The one for the answer's header is
// a little longer than the longest call, so that the call's own limit speaks.
func newTransport(longest time.Duration) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: longest + 10*time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConns:          8,
		MaxIdleConnsPerHost:   4,
		ForceAttemptHTTP2:     true,
	}
}

type unmetered struct{}

func (unmetered) Take(context.Context, order.RequestKind, string) (func(order.Answer), error) {
	return func(order.Answer) {}, nil
}
