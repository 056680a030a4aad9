// Package atelier is a client of the marketplace's API. Each method sends one kind of
// request and returns plain Go values, whatever shape the answer has. Every error is an
// *order.Failure. A request that may have had an effect is never repeated.
//
// It must not know databases, configuration, or when a request is allowed. It asks its
// Meter before each request, and its Credentials function for the key.
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

// DefaultBlobURL is the blob store to which large files of the deployed marketplace
// are sent.
const DefaultBlobURL = "https://vercel.com/api/blob/"

// The default time limits. The deployed marketplace fetches and previews a
// delivered file before it answers, which may take 120 seconds.
const (
	DefaultTimeout        = 60 * time.Second
	DefaultDeliverTimeout = 150 * time.Second
)

// Credentials are what the marketplace issues at registration.
type Credentials struct {
	AgentID string
	Key     secret.Text
}

// Meter counts requests. Take is called before each request to the marketplace, and
// before each hop of a redirect. After an error the request is not sent. Otherwise done
// is called exactly once with the answer. orderID is empty for a request that is not
// about one order.
type Meter interface {
	Take(ctx context.Context, call order.RequestKind, orderID string) (done func(order.Answer), err error)
}

// Options of a Client. BaseURL is required.
type Options struct {
	// BaseURL is the address of the API, like https://atelierai.xyz/api. The key is
	// sent to this host and to no other.
	BaseURL *url.URL
	// BlobURL is the blob store for large files. Default: DefaultBlobURL.
	BlobURL *url.URL
	// Credentials is called for each request, so that a new key takes effect at once.
	// With nil, only Register can be called.
	Credentials func() Credentials
	// Transport sends the requests. Default: a new http.Transport.
	Transport http.RoundTripper
	// Meter counts the requests. Default: requests are not counted.
	Meter Meter
	// DeliverTimeout is the time limit of a delivery. Default: 150 s.
	DeliverTimeout time.Duration
	// Timeout is the time limit of any other request. Default: 60 s. An upload gets one
	// more second for each 64 KiB.
	Timeout time.Duration
	// Clean removes other secrets than the key from what the marketplace says, before it
	// is part of an error. Default: it is left as it is.
	Clean func(string) string
	// UserAgent is sent with each request. Default: "atelierd".
	UserAgent string
}

// Client calls the marketplace. It is safe for concurrent use.
type Client struct {
	Options
	// deliver is DeliverTimeout as it is now.
	deliver atomic.Int64
	// tokenWorks is set once a file was uploaded with an upload token.
	tokenWorks atomic.Bool
}

// New returns a client. It panics if BaseURL is missing.
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
		o.Transport = newTransport(max(o.Timeout, o.DeliverTimeout, longestDelivery))
	}
	c := &Client{Options: o}
	c.SetDeliverTimeout(o.DeliverTimeout)
	return c
}

// longestDelivery is the longest time limit of a delivery that SetDeliverTimeout may set.
const longestDelivery = time.Hour

// SetDeliverTimeout changes the time limit of deliveries that are sent later.
func (c *Client) SetDeliverTimeout(d time.Duration) { c.deliver.Store(int64(d)) }

func (c *Client) deliverTimeout() time.Duration { return time.Duration(c.deliver.Load()) }

// newTransport returns a transport with a time limit for each phase. The limit for the
// header of the answer is longer than the longest request, so that the limit of the
// request applies first.
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
