package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"

	"atelierd/internal/console/access"
)

// maxForm is the most bytes of a form.
const maxForm = 64 << 10

// policy allows what comes from here as a file, and nothing inline.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard refuses requests that another page may have caused a browser to send, and limits
// what the answers may do in a browser.
func (c *console) guard(h http.Handler) http.Handler {
	crossed := http.NewCrossOriginProtection()
	crossed.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "This form was sent by a page of another site. Nothing was done.", http.StatusForbidden)
	}))
	h = crossed.Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer c.recovered(w, r)
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "same-origin") // no-referrer would hide the origin of a form
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		if !c.hosted(r.Host) {
			http.Error(w, "The console does not answer to this name. If it is yours, set public_url in [console].", http.StatusMisdirectedRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		h.ServeHTTP(w, r)
	})
}

// recovered answers a request whose page panicked. The daemon and the other pages go on.
func (c *console) recovered(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v) // the server ends the connection, as the page asks for
	}
	c.Log.Error("a page of the console failed", "path", r.URL.Path, "error", fmt.Sprint(v), "stack", string(debug.Stack()))
	http.Error(w, failedPage, http.StatusInternalServerError)
}

// failedPage is the text of a page that failed here.
const failedPage = "This page cannot be made at the moment. The log of the daemon says why."

// hosted reports whether the Host of a request is one of ours. A page of another site can
// have its own name lead to this address, but cannot change the name that a browser sends.
func (c *console) hosted(host string) bool {
	if slices.ContainsFunc(c.Hosts, func(h string) bool { return strings.EqualFold(h, host) }) {
		return true
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}

// visit is a request of somebody who is logged in.
type visit struct {
	*http.Request
	who     access.Who
	session string
}

// token is what the forms of a session carry.
func (v visit) token() string {
	m := hmac.New(sha256.New, []byte(v.session))
	m.Write([]byte("form"))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// member returns a handler for those who are logged in. A form must have the token of its
// session, and be sent by an owner unless anyone may.
func (c *console) member(h func(http.ResponseWriter, visit)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := c.visit(r)
		switch {
		case errors.Is(err, access.ErrRefused):
			c.forgetSession(w)
			toLogin(w, r)
			return
		case err != nil:
			c.fail(w, r, err)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			if err := r.ParseForm(); err != nil {
				http.Error(w, "The form cannot be read, or is too long. Nothing was done.", http.StatusBadRequest)
				return
			}
			if !hmac.Equal([]byte(r.PostForm.Get("token")), []byte(v.token())) {
				http.Error(w, "The form is of another log-in. Go back, load the page again, and repeat it. Nothing was done.", http.StatusForbidden)
				return
			}
		}
		h(w, v)
	})
}

// owner wraps a handler that changes something, which readers may not do.
func (c *console) owner(h func(http.ResponseWriter, visit)) func(http.ResponseWriter, visit) {
	return func(w http.ResponseWriter, v visit) {
		if v.who.Role != access.Owner {
			http.Error(w, "You can look at everything. Changes are for an owner. Nothing was done.", http.StatusForbidden)
			return
		}
		h(w, v)
	}
}

func (c *console) visit(r *http.Request) (visit, error) {
	cookie, err := r.Cookie(c.cookie())
	if err != nil {
		return visit{}, access.ErrRefused
	}
	who, err := c.Access.Session(r.Context(), cookie.Value)
	return visit{Request: r, who: who, session: cookie.Value}, err
}

// cookie is the name of the cookie of a session. With its prefix, no other host of the
// domain can set it.
func (c *console) cookie() string {
	if c.Secure {
		return "__Host-atelierd-" + c.Name
	}
	return "atelierd-" + c.Name
}

// fail answers a request that failed here.
func (c *console) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		c.Log.Error("a page of the console failed", "path", r.URL.Path, "error", err)
	}
	http.Error(w, failedPage, http.StatusInternalServerError)
}
