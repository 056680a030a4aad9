package provider

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/fetch"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/secret"
	"atelierd/internal/term"
)

const (
	probeTimeout = 20 * time.Second
	linkTimeout  = 5 * time.Minute
	// slowPause is the pause after a job that is not done by the time limit.
	slowPause = time.Minute
	// busyPause is the pause after a call that the provider still works on.
	busyPause  = 30 * time.Second
	askTimeout = time.Minute // for a request that costs nothing
	// maxAnswer is the most bytes of one answer. Twenty pictures in base64 would be
	// more, but no provider sends that.
	maxAnswer = 80 << 20
	// maxAsked is the most bytes of an answer without files.
	maxAsked = 4 << 20
	// mostWait is the longest Retry-After that is obeyed.
	mostWait = 6 * time.Hour
)

// apiClient returns a client that follows no redirects, because they would carry the
// key elsewhere. It sends nothing twice: without GetBody, Go's transport cannot
// repeat a request whose connection was lost.
func apiClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConns: 10,
			IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 15 * time.Second, MaxResponseHeaderBytes: 64 << 10,
			DialContext: (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
		}
	}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// conn sends requests to one provider with the key of one run.
type conn struct {
	api  *http.Client
	base *url.URL
	key  secret.Text
	// partner is the key for paid services behind the provider, or empty.
	partner secret.Text
	// user is the name that goes with the key if that is a password.
	user   string
	redact *strings.Replacer
	spool  spool
	log    *slog.Logger
	// word is the last unknown state of the job, safe to show.
	word string
	// keyHost reports whether another host may get the key too. It may be nil.
	keyHost func(host string) bool
	// report gets the job's progress. It may be nil.
	report    func(order.Progress)
	reporting sync.Mutex
}

// connect reads the keys and returns the connection of one run.
func (p *Provider) connect() (*conn, error) {
	c := &conn{api: p.api, base: p.base, user: p.spec.User, log: p.spec.Log}
	if p.spec.Recipe != nil {
		c.keyHost = p.spec.Recipe.KeyHost
	}
	var err error
	if c.key, err = keyFrom(p.spec.Key); err == nil {
		c.partner, err = keyFrom(p.spec.PartnerKey)
	}
	if err != nil {
		return nil, err
	}
	var hidden []string
	if !c.key.Empty() {
		hidden = append(hidden, c.key.Reveal(), secret.Redacted, encoded(c.user, c.key), secret.Redacted)
	}
	if !c.partner.Empty() {
		hidden = append(hidden, c.partner.Reveal(), secret.Redacted)
	}
	c.redact = strings.NewReplacer(hidden...)
	return c, nil
}

// keyFrom returns a key, which is empty if there is none. Its error is an *order.Failure.
func keyFrom(source func() (secret.Text, error)) (secret.Text, error) {
	if source == nil {
		return secret.Text{}, nil
	}
	key, err := source()
	if f, ok := errors.AsType[*order.Failure](err); ok {
		return key, f
	}
	if err != nil {
		return key, order.Failf(order.Hold, order.CodeMisconfigured, "%w", err).Nothing()
	}
	return key, nil
}

// encoded returns a password as its header holds it, which a provider may echo.
func encoded(user string, key secret.Text) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + key.Reveal()))
}

// call is one request to a provider.
type call struct {
	method string
	path   string // with its query; a full address must be below the base URL
	header http.Header
	// json becomes the body unless body is set.
	json any
	body []byte
	// paid: the provider may begin work that costs money.
	paid bool
	// most is the most bytes of the answer to a paid call; 0 is maxAnswer.
	most int64
}

// bearer returns the header of most providers.
func (c *conn) bearer() http.Header {
	return http.Header{"Authorization": {"Bearer " + c.key.Reveal()}}
}

// do sends one request. It fails only without a complete answer, except that of a paid
// call the beginning is returned too, because that may hold the job's id. The back end
// decides what a status means, and calls answer.failure for the default.
func (c *conn) do(ctx context.Context, r call) (answer, error) {
	most := cmp.Or(r.most, maxAnswer)
	if !r.paid {
		most = maxAsked
		var cancel context.CancelFunc
		ctx, cancel = beat.TimeoutCause(ctx, askTimeout, errSilent)
		defer cancel()
	}
	resp, err := c.send(ctx, r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, file, err := c.spool.read(resp, most)
	switch {
	case errors.Is(err, errTooLong) && !r.paid:
		return answer{}, answer{}.unusable("the provider's answer is larger than %d MB", most>>20)
	case errors.Is(err, errTooLong):
		return answer{}, order.Failf(order.Retry, order.CodeProviderTooLarge, "the provider's answer is larger than %d MB", most>>20)
	case err != nil:
		err = c.unread(ctx, err, r.paid)
		if !r.paid || resp.StatusCode >= 300 || len(body) == 0 {
			return answer{}, err
		}
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: body, file: file, torn: err, redact: c.redact, paid: r.paid}, nil
}

// unread returns the failure of an answer that could not be read, or not be stored.
func (c *conn) unread(ctx context.Context, err error, paid bool) error {
	if f, ok := errors.AsType[*order.Failure](err); ok {
		return f
	}
	return c.noAnswer(ctx, err, paid)
}

// send sends the request and returns the answer with its body unread.
func (c *conn) send(ctx context.Context, r call) (*http.Response, error) {
	target, err := c.target(r.path)
	if err != nil {
		return nil, err
	}
	body := r.body
	if r.json != nil {
		if body, err = json.Marshal(r.json); err != nil {
			return nil, order.Failf(order.Hold, order.CodeBadRequest, "cannot write the request as JSON: %w", err).Nothing()
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(body))
	if err != nil {
		return nil, order.Failf(order.Hold, order.CodeBadRequest, "cannot create the request: %s", c.redact.Replace(err.Error())).Nothing()
	}
	req.GetBody = nil
	if body == nil {
		req.Body = http.NoBody
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "atelierd")
	if r.json != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.api.Do(req)
	if err != nil {
		return nil, c.noAnswer(ctx, err, r.paid)
	}
	return resp, nil
}

// target returns the address of a path. An address that a provider named must be at
// the host of the base URL or at another that may get the key, because the key goes with
// the request.
func (c *conn) target(path string) (string, error) {
	if path == "" || strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") {
		return strings.TrimRight(c.base.String(), "/") + path, nil
	}
	u, err := url.Parse(path)
	if err != nil || !c.own(u) || u.User != nil {
		return "", order.Failf(order.Hold, order.CodeElsewhere, "the provider names an address at another host, which gets no key: %.60q", hostOf(path)).
			WithHint("check that base_url is the provider's")
	}
	return path, nil
}

// own reports whether the key may go to an address.
func (c *conn) own(u *url.URL) bool {
	if u.Scheme == c.base.Scheme && hostPort(u) == hostPort(c.base) {
		return true
	}
	return c.keyHost != nil && u.Scheme == "https" && (u.Port() == "" || u.Port() == "443") && c.keyHost(u.Hostname())
}

func hostOf(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.Host
}

// noAnswer returns the failure of a request without a complete answer.
func (c *conn) noAnswer(ctx context.Context, err error, paid bool) *order.Failure {
	if ctx.Err() != nil {
		return ended(ctx, paid)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return &order.Failure{
			Class: order.Retry, Code: order.CodeProviderUnreachable, Outage: true, Charge: chargeUnsent(paid),
			Err: cleaned{"the provider cannot be reached: " + c.clean(op.Error()), op},
		}
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // the address may hold a secret
	}
	f := &order.Failure{Class: order.Retry, Code: order.CodeProviderNoAnswer, Err: fmt.Errorf("the provider's answer was lost: %s", c.clean(err.Error()))}
	f.Charge, f.Outage = order.ChargeUnknown, false
	if !paid {
		f.Charge, f.Outage = order.ChargePending, true
	}
	return f
}

// cleaned is an error whose text holds no secret. Its cause is for errors.Is alone.
type cleaned struct {
	text  string
	cause error
}

func (e cleaned) Error() string { return e.text }
func (e cleaned) Unwrap() error { return e.cause }

// chargeUnsent returns the charge of a request that the provider did not accept: none for
// a paid call. The job of a poll stays pending.
func chargeUnsent(paid bool) order.Charge {
	if paid {
		return order.ChargeNone
	}
	return order.ChargePending
}

// ended returns the failure of a run whose context has ended.
func ended(ctx context.Context, paid bool) *order.Failure {
	cause := context.Cause(ctx)
	silent := errors.Is(cause, errSilent)
	switch {
	case !silent && !errors.Is(cause, errSlow):
		return &order.Failure{Class: order.Stopped, Code: order.CodeStopped, Charge: order.ChargePending, Err: cause}
	case paid:
		return &order.Failure{Class: order.Retry, Code: order.CodeProviderNoAnswer, Charge: order.ChargeUnknown, Err: errSilent}
	case silent:
		return &order.Failure{Class: order.Retry, Code: order.CodeProviderNoAnswer, Outage: true, Charge: order.ChargePending, Err: errSilent}
	}
	return &order.Failure{Class: order.Wait, Code: order.CodeSlow, Charge: order.ChargePending, Err: errSlow, After: slowPause}
}

// download fetches a file below the base URL, with the key. If header is set, it replaces
// the usual one, and next is the address to which the file redirects.
func (c *conn) download(ctx context.Context, path string, header http.Header, w io.Writer) (n int64, next string, err error) {
	ctx, cancel := beat.TimeoutCause(ctx, linkTimeout, errSilent)
	defer cancel()
	redirects := header != nil
	if !redirects {
		header = c.fileHeader()
	}
	resp, err := c.send(ctx, call{method: http.MethodGet, path: path, header: header})
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	if to, err := resp.Location(); err == nil && redirects && resp.StatusCode < 400 {
		return 0, to.String(), nil
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)) // only for the error
		a := answer{status: resp.StatusCode, header: resp.Header, body: text, redact: c.redact}
		if a.gone() {
			return 0, "", a.expired("its file")
		}
		return 0, "", a.failure()
	}
	fetch.Announce(w, resp.ContentLength)
	n, err = io.Copy(w, io.LimitReader(resp.Body, generate.MaxFileBytes+1))
	if err != nil {
		return n, "", c.noAnswer(ctx, err, false)
	}
	return n, "", nil
}

// fileHeader returns the header of providers that may want a key, a password or
// neither.
func (c *conn) fileHeader() http.Header {
	switch {
	case c.key.Empty():
		return nil
	case c.user != "":
		return c.basic()
	}
	return c.bearer()
}

// basic returns the header of a password.
func (c *conn) basic() http.Header {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(c.user, c.key.Reveal())
	return r.Header
}

// linkFailure returns what a failed fetch of a result means: the result is not there, or
// not yet, can still be fetched, or cannot be fetched as things are.
func linkFailure(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ended(ctx, false)
	case fetch.Gone(err):
		return order.LateResult(order.CodeExpired, "the provider's result is not at its link: %w", err)
	case fetch.Temporary(err):
		return &order.Failure{Class: order.Retry, Code: order.CodeFetch, Outage: true, Charge: order.ChargePending, Err: err}
	}
	// Another call would most likely end in the same way.
	f := order.Failf(order.Hold, order.CodeNotFetched, "the provider's result cannot be fetched: %w", err).
		WithHint("%s fetches it again, %s makes another call, which is paid for", retryCommand, redoCommand)
	f.Charge = order.ChargePending
	return f
}

func (c *conn) clean(text string) string { return term.Line(c.redact.Replace(text), 200) }
