package atelier

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/secret"
	"atelierd/internal/term"
)

// The most that is read of an answer, in bytes.
const (
	answerLimit = 1 << 20
	threadLimit = 8 << 20
	ordersLimit = 64 << 20
	errorLimit  = 64 << 10
)

// expectAbove is the size from which a body waits for the server to agree, so
// that a refusal does not first cost the whole file.
const expectAbove = 64 << 10

// maxRedirects is how often a GET is followed on the same host.
const maxRedirects = 3

// request is one call, before it has a key or a connection.
type request struct {
	call    order.RequestKind
	orderID string
	method  string
	path    []string // segments below the base, escaped when joined
	query   string   // encoded
	timeout time.Duration

	body        func() (io.ReadCloser, error) // nil for none
	size        int64
	contentType string

	// anonymous sends no key. token, when set, goes in the key's place, to
	// base in place of the marketplace, and is not counted there.
	anonymous bool
	token     secret.Text
	base      *url.URL

	// read takes the body of a 2xx answer. Its error means that the answer is
	// unreadable, unless it is a *refusal.
	read func(io.Reader) error
}

// name is how errors call the request.
func (r *request) name() string {
	if r.base != nil {
		return r.method + " to the blob store"
	}
	return r.method + " " + term.Cut(joinPath(r.path), 120)
}

func joinPath(segments []string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// jsonBody makes the request carry v.
func (r *request) jsonBody(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	r.body = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }
	r.size, r.contentType = int64(b.Len()), "application/json"
	return nil
}

// do sends the request, follows redirects where that is allowed, and gives the
// answer to r.read. Every error it returns is an *order.Failure.
func (c *Client) do(ctx context.Context, r request) error {
	if r.path != nil && r.path[0] == "agents" && r.path[1] == "" {
		return r.notSent(order.Hold, order.CodeNoKey, "there is no agent id").WithHint("%s", hintNoKey)
	}
	for _, s := range r.path {
		if s == "" || s == "." || s == ".." || len(s) > maxID {
			return r.notSent(order.Fail, order.CodeBadID, "%q cannot be part of an address", term.Cut(s, 40))
		}
	}
	target, err := url.Parse(strings.TrimSuffix(c.BaseURL.String(), "/") + joinPath(r.path))
	if err != nil {
		return r.notSent(order.Hold, order.CodeBadAddress, "base_url is not usable")
	}
	if r.base != nil {
		target = new(*r.base)
	}
	target.RawQuery = r.query
	for range 1 + maxRedirects {
		next, err := c.exchange(ctx, &r, target)
		if err != nil || next == nil {
			return err
		}
		target = next
	}
	return r.failure(order.Retry, order.CodeServerError, &CallError{
		text: "the marketplace redirects in circles"})
}

// exchange is one request on the wire and its answer. A next address means
// that the answer was a redirect to follow.
func (c *Client) exchange(ctx context.Context, r *request, target *url.URL) (next *url.URL, err error) {
	key := r.token
	if r.base == nil && !r.anonymous {
		if key = c.Credentials().Key; key.Empty() {
			return nil, r.notSent(order.Hold, order.CodeNoKey, "there is no API key").
				WithHint("%s", hintNoKey)
		}
	}
	if !headerSafe(key.Reveal()) {
		return nil, r.notSent(order.Hold, order.CodeKeyRefused, "the API key has characters that no key has").
			WithHint("%s", hintKey)
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	req, err := c.build(ctx, r, target, key)
	if err != nil {
		return nil, r.notSent(order.Retry, order.CodeFileUnreadable, "%s", tidy(err.Error(), ""))
	}
	closeBody := func() {
		if req.Body != nil {
			_ = req.Body.Close() // only read from
		}
	}
	done := func(order.Answer) {}
	if r.base == nil {
		if done, err = c.Meter.Take(ctx, r.call, r.orderID); err != nil {
			closeBody()
			return nil, r.unmetered(err)
		}
	}
	var answer order.Answer
	if ctx.Err() != nil {
		closeBody()
		err = r.noAnswer(ctx, ctx.Err(), true, key, 0)
	} else {
		next, err = c.roundTrip(req, r, key, &answer)
	}
	answer.At = time.Now()
	if err != nil {
		answer.Error = err.Error()
	}
	done(answer)
	return next, err
}

func (c *Client) build(ctx context.Context, r *request, target *url.URL, key secret.Text) (*http.Request, error) {
	var body io.ReadCloser
	if r.body != nil {
		var err error
		if body, err = r.body(); err != nil {
			return nil, err
		}
	}
	req := (&http.Request{
		ProtoMajor: 1, ProtoMinor: 1, // without which Expect does not work
		Method: r.method, URL: target, Host: target.Host, Body: body, GetBody: r.body, ContentLength: r.size,
		Header: http.Header{"Accept": {"application/json"}, "User-Agent": {c.UserAgent}},
	}).WithContext(ctx)
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	if r.size > expectAbove {
		req.Header.Set("Expect", "100-continue")
		// Otherwise a refused body is sent all the same, so that the
		// connection can be used again.
		req.Close = true
	}
	if !key.Empty() {
		req.Header.Set("Authorization", "Bearer "+key.Reveal())
	}
	if r.base != nil {
		req.Header.Set("X-Api-Version", "12") // the deployed marketplace's blob store wants it
	}
	return req, nil
}

func (c *Client) roundTrip(req *http.Request, r *request, key secret.Text, answer *order.Answer) (*url.URL, error) {
	// A transport that asked for a connection and got none has sent nothing.
	// One that reports neither may have: its errors say nothing about that.
	var asked, got atomic.Bool
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GetConn:      func(string) { asked.Store(true) },
		GotConn:      func(httptrace.GotConnInfo) { got.Store(true) },
		WroteHeaders: func() { got.Store(true) },
	})
	// The transport itself, because http.Client has a will of its own about
	// redirects, even where it is told to follow none.
	resp, err := c.Transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		unsent := asked.Load() && !got.Load() || isDialError(err)
		return nil, r.noAnswer(ctx, err, unsent, key, 0)
	}
	defer resp.Body.Close()
	answer.Status = resp.StatusCode

	switch status := resp.StatusCode; {
	case status >= 200 && status < 300:
		err := r.read(resp.Body)
		if no, ok := errors.AsType[*refusal](err); ok {
			return nil, r.refused(status, no, key)
		}
		if err != nil {
			return nil, r.noAnswer(ctx, err, false, key, status)
		}
		return nil, nil
	case isRedirect(status):
		return r.redirected(req.URL, resp, c.BaseURL, key)
	default:
		// What cannot be read of a refusal's text changes nothing about it.
		body, _ := io.ReadAll(io.LimitReader(resp.Body, errorLimit))
		said := readLimits(resp.Header, time.Now())
		if status == http.StatusTooManyRequests {
			answer.RetryAfter, answer.Limit, answer.Reset = said.retryAfter, said.limit, said.reset
		}
		no := parseRefusal(resp.Header.Get("Content-Type"), body)
		return nil, r.classify(status, no, said, key)
	}
}

// headerSafe says whether s can stand in a header as it is.
func headerSafe(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f }) < 0
}
