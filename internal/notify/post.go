package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"atelierd/internal/beat"
	"atelierd/internal/secret"
)

// mostAnswer is the most bytes that are read of an answer.
const mostAnswer = 64 << 10

// newClient returns a client that follows no redirects, because an address may hold a
// secret, and a token goes with the request.
func newClient(t http.RoundTripper) *http.Client {
	if t == nil {
		t = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConns: 4, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10,
			DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		}
	}
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// poster sends JSON to one service.
type poster struct {
	client     *http.Client
	url, token func() (secret.Text, error)
}

// request is one request to a service.
type request struct {
	method  string
	address *url.URL
	// bearer goes with the request unless it is empty.
	bearer secret.Text
	header http.Header
	body   any // nil for none
}

// answer is what the service said.
type answer struct {
	status int
	header http.Header
	body   []byte
	// redact removes what was secret in the request, because a service may repeat it.
	redact *secret.Redactor
}

// ok reports whether the service took the request.
func (a answer) ok() bool { return a.status >= 200 && a.status <= 299 }

// address returns the address of the target. It is a copy.
func (p poster) address() (*url.URL, error) {
	text, err := p.url()
	if err != nil {
		return nil, failf(Broken, "the address is not known: %v", err)
	}
	u, err := url.Parse(text.Reveal())
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, failf(Broken, "the address is no http or https URL") // it is not shown: it may be secret
	}
	return u, nil
}

// bearer returns the token of the target, or an empty one.
func (p poster) bearer() (secret.Text, error) {
	if p.token == nil {
		return secret.Text{}, nil
	}
	text, err := p.token()
	if err != nil {
		return secret.Text{}, failf(Broken, "the token is not known: %v", err)
	}
	return text, nil
}

// post sends a request and returns the answer of the service, whatever its status is.
func (p poster) post(ctx context.Context, r request) (answer, error) {
	ctx, cancel := beat.Timeout(ctx, timeout)
	defer cancel()
	var body io.Reader = http.NoBody
	if r.body != nil {
		text, err := json.Marshal(r.body)
		if err != nil {
			return answer{}, failf(Refused, "the message cannot be written as JSON: %v", err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.address.String(), body)
	if err != nil {
		return answer{}, failf(Broken, "the address cannot be used")
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", "atelierd")
	if !r.bearer.Empty() {
		req.Header.Set("Authorization", "Bearer "+r.bearer.Reveal())
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return answer{}, unanswered(r.address, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return answer{}, unanswered(r.address, err)
	}
	return answer{resp.StatusCode, resp.Header, data, redactor(r)}, nil
}

// redactor removes the token and the parts of the address, each of which may be secret.
func redactor(r request) *secret.Redactor {
	list := []secret.Named{{Name: secret.Redacted, Text: r.bearer}}
	for part := range strings.SplitSeq(r.address.Path, "/") {
		token := strings.TrimPrefix(part, "bot") // as Telegram has it
		list = append(list, secret.Named{Name: secret.Redacted, Text: secret.New(part)}, secret.Named{Name: secret.Redacted, Text: secret.New(token)})
	}
	for _, values := range r.address.Query() {
		for _, value := range values {
			list = append(list, secret.Named{Name: secret.Redacted, Text: secret.New(value)})
		}
	}
	return secret.NewRedactor(list)
}

// unanswered returns the failure of a request without an answer. It names the host
// alone, because path and query of an address may be secret.
func unanswered(u *url.URL, err error) *Failure {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // its text holds the address
	}
	return failf(Later, "%s does not answer: %v", u.Host, err)
}

// failure returns what a status means at most services. said is what the service says.
func (a answer) failure(said string) *Failure {
	if said = line(a.redact.Clean(said)); said != "" {
		said = ": " + said
	}
	kind := Refused
	switch a.status {
	case http.StatusTooManyRequests, http.StatusRequestTimeout, http.StatusTooEarly:
		kind = Later
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		kind = Broken
	default:
		switch {
		case a.status >= 500:
			kind = Later
		case a.status < 400: // a redirect: the address has changed
			kind = Broken
		}
	}
	f := failf(kind, "the service answered %d%s", a.status, said)
	if kind == Later {
		f.After = retryAfter(a.header.Get("Retry-After"))
	}
	return f
}

// mostWait is the longest wait that is obeyed.
const mostWait = 6 * time.Hour

// retryAfter reads a number of seconds, which may have a fraction.
func retryAfter(text string) time.Duration {
	seconds, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(seconds > 0) {
		return 0
	}
	return time.Duration(min(seconds, mostWait.Seconds()) * float64(time.Second))
}

// line returns foreign text as one short line.
func line(text string) string {
	return cut(strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " "), 200, utf8.RuneCountInString)
}

// cut shortens a text until size is at most most, and ends it with dots then.
func cut(text string, most int, size func(string) int) string {
	if size(text) <= most {
		return text
	}
	runes := []rune(text)
	low, high := 0, len(runes) // the longest beginning that fits
	for low < high {
		mid := (low + high + 1) / 2
		if size(string(runes[:mid])+"…") <= most {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return string(runes[:low]) + "…"
}

func bytesOf(s string) int { return len(s) }
