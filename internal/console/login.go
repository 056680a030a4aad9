package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"atelierd/internal/console/access"
)

// loginPage is the page of the log-in.
type loginPage struct {
	// Name and Next are kept over a try that fails.
	Name, Next string
	// Wrong is why the last try failed.
	Wrong string
	// Link is set on the page of a one-time link, with its path.
	Link string
	Gone bool // the link is used up or too old
}

func (c *console) showLogin(w http.ResponseWriter, r *http.Request) {
	if _, err := c.visit(r); err == nil {
		http.Redirect(w, r, local(r.URL.Query().Get("next")), http.StatusSeeOther)
		return
	}
	c.renderLogin(w, r, http.StatusOK, loginPage{Next: local(r.URL.Query().Get("next"))})
}

func (c *console) login(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form cannot be read, or is too long.", http.StatusBadRequest)
		return
	}
	p := loginPage{Name: strings.TrimSpace(r.PostForm.Get("name")), Next: local(r.PostForm.Get("next"))}
	if wait := c.tries.begin(time.Now()); wait > 0 {
		p.Wrong = fmt.Sprintf("Too many tries. Again in %d s.", int((wait+time.Second-1)/time.Second))
		c.renderLogin(w, r, http.StatusTooManyRequests, p)
		return
	}
	session, err := c.Access.Login(r.Context(), p.Name, r.PostForm.Get("password"))
	switch {
	case errors.Is(err, access.ErrRefused):
		c.Log.Warn("a log-in to the console was refused", "from", r.RemoteAddr)
		p.Wrong = "Name and password do not fit."
		c.renderLogin(w, r, http.StatusUnauthorized, p)
	case err != nil:
		c.fail(w, r, err)
	default:
		c.tries.succeeded()
		c.begin(w, r, session, p.Next)
	}
}

// showLink shows one button. Whoever only looks, such as the preview of a chat, does not use
// the link up.
func (c *console) showLink(w http.ResponseWriter, r *http.Request) {
	waits, err := c.Access.LinkWaits(r.Context(), r.PathValue("secret"))
	if err != nil {
		c.fail(w, r, err)
		return
	}
	status := http.StatusOK
	if !waits {
		status = http.StatusGone
	}
	c.renderLogin(w, r, status, loginPage{Link: r.URL.EscapedPath(), Gone: !waits})
}

func (c *console) useLink(w http.ResponseWriter, r *http.Request) {
	session, err := c.Access.UseLink(r.Context(), r.PathValue("secret"))
	switch {
	case errors.Is(err, access.ErrRefused):
		c.renderLogin(w, r, http.StatusGone, loginPage{Link: r.URL.EscapedPath(), Gone: true})
	case err != nil:
		c.fail(w, r, err)
	default:
		c.begin(w, r, session, "/")
	}
}

func (c *console) logout(w http.ResponseWriter, v visit) {
	if err := c.Access.Logout(v.Context(), v.session); err != nil {
		c.fail(w, v.Request, err)
		return
	}
	c.streams.logout(v.session)
	c.forgetSession(w)
	http.Redirect(w, v.Request, "/login", http.StatusSeeOther)
}

// begin sets the cookie of a new session and shows the first page.
func (c *console) begin(w http.ResponseWriter, r *http.Request, session, next string) {
	c.setCookie(w, session, 90*24*time.Hour)
	http.Redirect(w, r, local(next), http.StatusSeeOther)
}

func (c *console) forgetSession(w http.ResponseWriter) { c.setCookie(w, "", -time.Second) }

// setCookie sets the cookie of a session. It is sent along a link of a chat, which has to
// find the owner logged in, but not along the forms of other sites.
func (c *console) setCookie(w http.ResponseWriter, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: c.cookie(), Value: value, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: c.Secure, SameSite: http.SameSiteLaxMode,
	})
}

// toLogin leads to the log-in, and from there back to the page that was asked for.
func toLogin(w http.ResponseWriter, r *http.Request) {
	to := "/login"
	if r.Method == http.MethodGet && r.URL.Path != "/" {
		to += "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// local returns a path of this console, and the first page for anything else.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

// freeTries is how many passwords may be wrong in a row before tries have to wait.
const freeTries = 5

// firstWait is the first wait after a wrong password, and maxWait the longest.
const (
	firstWait = 10 * time.Second
	maxWait   = 5 * time.Minute
)

// tries slows down whoever guesses passwords: after freeTries wrong ones each try doubles
// the wait for the next. It counts all of them together, because addresses are cheap. A
// one-time link logs in meanwhile.
type tries struct {
	mu    sync.Mutex
	wrong int
	last  time.Time
	next  time.Time
}

// begin counts a try, or returns how long to wait for one.
func (t *tries) begin(now time.Time) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if wait = t.next.Sub(now); wait > 0 {
		return wait
	}
	if now.Sub(t.last) > time.Hour {
		t.wrong = 0
	}
	t.wrong++
	t.last = now
	if t.wrong >= freeTries {
		t.next = now.Add(min(firstWait<<min(t.wrong-freeTries, 20), maxWait))
	}
	return 0
}

func (t *tries) succeeded() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wrong, t.next = 0, time.Time{}
}
