package atelier

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"atelierd/internal/order"
	"atelierd/internal/secret"
)

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirected gives the address to go on at, which only a GET on the same host
// has. Any other redirect would carry the key, or an effect, to a place that
// the owner has not named: the error names it instead.
func (r *request) redirected(from *url.URL, resp *http.Response, base *url.URL, key secret.Text) (*url.URL, error) {
	target, err := resp.Location()
	usable := err == nil && (target.Scheme == "http" || target.Scheme == "https") && target.Host != ""
	if usable && r.method == http.MethodGet && r.base == nil && sameOrigin(from, target) {
		return target, nil
	}
	e := &CallError{Status: resp.StatusCode,
		// 303 is how a server says: done, the result is over there.
		unknown: resp.StatusCode == http.StatusSeeOther && r.method != http.MethodGet}
	if !usable {
		e.text = fmt.Sprintf("the answer (%d) is a redirect to nowhere", resp.StatusCode)
		f := r.failure(order.Hold, order.CodeMoved, e)
		f.Hint = hintBase
		return nil, f
	}
	if r.base != nil {
		e.text = "the blob store has moved to " + tidy(origin(target), key.Reveal())
		return nil, r.failure(order.Hold, order.CodeMoved, e)
	}
	address := tidy(newBase(target, joinPath(r.path), base), key.Reveal())
	e.text = "the marketplace has moved to " + address
	f := r.failure(order.Hold, order.CodeMoved, e)
	f.Hint = fmt.Sprintf("make sure that the address is the marketplace's, then set base_url = %q", address)
	return nil, f
}

// newBase is the base_url that would have led to target at once.
func newBase(target *url.URL, path string, base *url.URL) string {
	if prefix, ok := strings.CutSuffix(strings.TrimSuffix(target.EscapedPath(), "/"), path); ok {
		return origin(target) + prefix
	}
	return origin(target) + strings.TrimSuffix(base.EscapedPath(), "/")
}

// origin leaves out what a redirect has no business to carry: a user, a query.
func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}
