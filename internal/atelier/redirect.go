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

// redirected returns the address to follow, for a GET on the same host. Any other
// redirect is an error that names the new address, because following it would send the
// key, or a request with an effect, to a host that the owner has not chosen.
func (r *request) redirected(from *url.URL, resp *http.Response, base *url.URL, key secret.Text) (*url.URL, error) {
	target, err := resp.Location()
	usable := err == nil && (target.Scheme == "http" || target.Scheme == "https") && target.Host != ""
	if usable && r.method == http.MethodGet && r.base == nil && sameOrigin(from, target) {
		return target, nil
	}
	e := &CallError{
		Status: resp.StatusCode,
		// A 303 means that the request is done and its result is elsewhere.
		unknown: resp.StatusCode == http.StatusSeeOther && r.method != http.MethodGet,
	}
	if !usable {
		e.text = fmt.Sprintf("the answer (%d) is a redirect without a usable address", resp.StatusCode)
		f := r.failure(order.Hold, order.CodeMoved, e)
		f.Hint = hintBase
		return nil, f
	}
	if r.base != nil {
		e.text = "the blob store has moved to " + r.tidy(origin(target), key)
		return nil, r.failure(order.Hold, order.CodeMoved, e)
	}
	address := r.tidy(newBase(target, joinPath(r.path), base), key)
	e.text = "the marketplace has moved to " + address
	f := r.failure(order.Hold, order.CodeMoved, e)
	f.Hint = fmt.Sprintf("check that this is the marketplace's address, then set base_url = %q", address)
	return nil, f
}

// newBase returns the base_url with which the request would have gone to target.
func newBase(target *url.URL, path string, base *url.URL) string {
	if prefix, ok := strings.CutSuffix(strings.TrimSuffix(target.EscapedPath(), "/"), path); ok {
		return origin(target) + prefix
	}
	return origin(target) + strings.TrimSuffix(base.EscapedPath(), "/")
}

// origin returns scheme and host, without a user or a query.
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
