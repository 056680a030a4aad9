package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"atelierd/internal/beat"
	"atelierd/internal/order"
)

// API is a service that is asked as providers are, with the same failures, and makes no
// files. Of its Spec, it uses BaseURL, Key, Timeout and Transport.
type API struct{ p *Provider }

// NewAPI returns the service of the spec. It reads no secret and sends nothing.
func NewAPI(spec Spec) (*API, error) {
	base, err := parseBase(spec.BaseURL)
	if err != nil {
		return nil, err
	}
	if spec.Timeout == 0 {
		spec.Timeout = defaultTimeout
	}
	return &API{&Provider{spec: spec, base: base, api: apiClient(spec.Transport)}}, nil
}

// parseBase returns the address of an API, without a slash at its end.
func parseBase(address string) (*url.URL, error) {
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.User != nil || base.RawQuery != "" {
		return nil, fmt.Errorf("base_url must be an http or https address without a user or a query, is %.100q", address)
	}
	base.Path = strings.TrimRight(base.Path, "/")
	return base, nil
}

// Answer is a whole answer of an API that reports no error.
type Answer struct {
	Header http.Header
	Body   []byte
	answer answer
}

// Failure is what the answer means if it holds nothing of use.
func (a Answer) Failure() *order.Failure { return a.answer.failure() }

// Inner is what an error means that a part of the answer reports, with the code of an HTTP
// status or a word for one. Without one it is the provider's failure.
func (a Answer) Inner(part json.RawMessage) *order.Failure {
	inner := a.answer
	inner.body = part
	if reported := inner.inside(); !reported.ok() {
		return reported.failure()
	}
	return inner.failed("%s", inner.snippet())
}

// Quote returns a text of the answer as one line of at most 300 characters, without the key.
func (a Answer) Quote(text string) string { return a.answer.quote(300, "%s", text) }

// Post sends a request that may cost money, once. Its error is an *order.Failure. An answer
// has most bytes at most.
func (a *API) Post(ctx context.Context, path string, body any, most int64) (Answer, error) {
	c, err := a.p.connect()
	if err != nil {
		return Answer{}, err
	}
	ctx, cancel := beat.TimeoutCause(ctx, a.p.spec.Timeout, errSlow)
	defer cancel()
	got, err := c.do(ctx, call{method: http.MethodPost, path: path, header: c.fileHeader(), json: body, paid: true, most: most})
	switch {
	case err != nil:
		return Answer{}, err
	case got.torn != nil:
		return Answer{}, got.torn
	case !got.inside().ok():
		return Answer{}, got.inside().failure()
	}
	return Answer{got.header, got.body, got}, nil
}

// Probe sends a request that costs nothing, and accepts any good status.
func (a *API) Probe(ctx context.Context, path string) error {
	c, err := a.p.connect()
	if err != nil {
		return err
	}
	ctx, cancel := beat.TimeoutCause(ctx, probeTimeout, errSilent)
	defer cancel()
	return c.probe(ctx, path, c.fileHeader())
}
