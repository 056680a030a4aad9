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

	"atelierd/internal/beat"
	"atelierd/internal/order"
	"atelierd/internal/secret"
	"atelierd/internal/words"
)

// The most bytes that are read of an answer, by its kind.
const (
	answerLimit = 1 << 20
	threadLimit = 8 << 20
	ordersLimit = 256 << 20 // of which a part is in memory at a time
	// rowLimit is the limit of one order, in a listing and alone. oneLimit is that of an
	// answer about one order, with its deliverables.
	rowLimit   = 1 << 20
	oneLimit   = 4 << 20
	errorLimit = 64 << 10
)

// expectAbove is the size in bytes above which a request waits for the server's
// agreement before it sends the body, so that a refusal does not cost the whole file.
const expectAbove = 64 << 10

// maxRedirects is the most redirects that a GET follows on the same host.
const maxRedirects = 3

// request is one request before it has a key or a connection.
type request struct {
	call    order.RequestKind
	orderID string
	method  string
	path    []string // segments below the base, not escaped
	query   string   // encoded
	timeout time.Duration

	body        func() (io.ReadCloser, error) // nil for none
	size        int64
	contentType string

	// anonymous sends no key.
	anonymous bool
	// base, if set, is the address of the blob store. The request is then sent there,
	// with token instead of the key, and is not counted.
	base  *url.URL
	token secret.Text

	// clean is Options.Clean.
	clean func(string) string

	// tooLong, if set, is the code of an answer over its limit, which is held: it would
	// be as long the next time.
	tooLong order.Code
	// read reads the body of a 2xx answer. An error means that the answer is
	// unreadable, unless it is a *refusal.
	read func(io.Reader) error
}

// name is the request in error texts.
func (r *request) name() string {
	if r.base != nil {
		return r.method + " to the blob store"
	}
	return r.method + " " + words.Cut(joinPath(r.path), 120)
}

func joinPath(segments []string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// jsonBody sets the body to v as JSON.
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

// do sends the request, follows redirects where that is allowed, and passes the answer
// to r.read. Every error is an *order.Failure.
func (c *Client) do(ctx context.Context, r request) error {
	r.clean = c.Clean
	if r.path != nil && r.path[0] == "agents" && r.path[1] == "" {
		return r.notSent(order.Hold, order.CodeNoKey, "no agent id is set").WithHint("%s", hintNoKey)
	}
	for _, s := range r.path {
		if s == "" || s == "." || s == ".." || len(s) > maxID {
			return r.notSent(order.Fail, order.CodeBadID, "%q cannot be part of an address", words.Cut(s, 40))
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
		text: "too many redirects",
	})
}

// exchange sends one request and reads the answer. If the answer is a redirect to
// follow, it returns the next address.
func (c *Client) exchange(ctx context.Context, r *request, target *url.URL) (next *url.URL, err error) {
	key := r.token
	if r.base == nil && !r.anonymous {
		if key = c.Credentials().Key; key.Empty() {
			return nil, r.notSent(order.Hold, order.CodeNoKey, "no API key is set").
				WithHint("%s", hintNoKey)
		}
	}
	if !headerSafe(key.Reveal()) {
		return nil, r.notSent(order.Hold, order.CodeKeyRefused, "the API key has characters that a key cannot have").
			WithHint("%s", hintKey)
	}
	ctx, cancel := beat.Timeout(ctx, r.timeout)
	defer cancel()
	req, err := c.build(ctx, r, target, key)
	if err != nil {
		return nil, r.failure(order.Retry, order.CodeFileUnreadable, &CallError{text: tidy(err.Error()), unsent: true, cause: err})
	}
	closeBody := func() {
		if req.Body != nil {
			_ = req.Body.Close() // opened for reading
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
		ProtoMajor: 1, ProtoMinor: 1, // Expect needs them
		Method: r.method, URL: target, Host: target.Host, Body: body, GetBody: r.body, ContentLength: r.size,
		Header: http.Header{"Accept": {"application/json"}, "User-Agent": {c.UserAgent}},
	}).WithContext(ctx)
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	if r.size > expectAbove {
		req.Header.Set("Expect", "100-continue")
		// Without it the transport sends a refused body nevertheless, to be able to
		// reuse the connection.
		req.Close = true
	}
	if !key.Empty() {
		req.Header.Set("Authorization", "Bearer "+key.Reveal())
	}
	if r.base != nil {
		req.Header.Set("X-Api-Version", "12") // required by the deployed marketplace's blob store
	}
	return req, nil
}

func (c *Client) roundTrip(req *http.Request, r *request, key secret.Text, answer *order.Answer) (*url.URL, error) {
	// A transport that asked for a connection and got none has sent nothing. One that
	// reports neither may have sent the request.
	var asked, got atomic.Bool
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GetConn:      func(string) { asked.Store(true) },
		GotConn:      func(httptrace.GotConnInfo) { got.Store(true) },
		WroteHeaders: func() { got.Store(true) },
	})
	// The transport is called directly, because http.Client changes some redirects
	// even if it follows none.
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
		// A refusal stays one even if its text cannot be read.
		body, _ := io.ReadAll(io.LimitReader(resp.Body, errorLimit))
		said := readLimits(resp.Header, time.Now())
		if status == http.StatusTooManyRequests {
			answer.RetryAfter, answer.Limit, answer.Reset = said.retryAfter, said.limit, said.reset
		}
		no := parseRefusal(resp.Header.Get("Content-Type"), body)
		return nil, r.classify(status, no, said, key)
	}
}

// headerSafe reports whether s can be the value of a header without escaping.
func headerSafe(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f }) < 0
}
