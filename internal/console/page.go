package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"

	"atelierd/internal/console/access"
)

//go:embed templates/*.html static/*
var files embed.FS

// The templates that every page has besides its own.
var shared = []string{"templates/layout.html", "templates/parts.html", "templates/order_parts.html", "templates/order_decision.html"}

// pages are the templates by their names, each with the layout.
type pages map[string]*template.Template

func parsePages(f format) pages {
	p := pages{}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		panic(err) // the pattern is constant
	}
	for _, file := range names {
		if slices.Contains(shared, file) {
			continue
		}
		name := strings.TrimSuffix(path.Base(file), ".html")
		p[name] = template.Must(template.New("layout.html").Funcs(f.funcs()).ParseFS(files, append(slices.Clone(shared), file)...))
	}
	return p
}

// frame is what stands around each page.
type frame struct {
	Title string
	// Tab is the entry of the menu that the page belongs to; "" for a page without a menu.
	Tab   string
	Agent string
	Who   access.Who
	Token string
	// Theme is light or dark; "" follows the system.
	Theme string
	CSS   string
	JS    string
	Icon  string // and Touch for the home screen of a phone
	Touch string
	Clock string // the time of the page, with its zone
	Path  string // the address of the page
	Live  bool   // the page is kept up to date
	// Needs is how many things need the owner, Inbox how many clients wait for an answer.
	Needs, Inbox int
	Body         any
}

// render writes a page of somebody who is logged in.
func (c *console) render(w http.ResponseWriter, v visit, page string, f frame) {
	if err := c.complete(v, &f); err != nil {
		c.fail(w, v.Request, err)
		return
	}
	c.write(w, v.Request, http.StatusOK, page, f)
}

// pathOfPage is the address at which a browser gets the page again. The answer to a form is
// the page above the form's address, or at it.
func pathOfPage(r *http.Request) string {
	if above := path.Dir(r.URL.Path); r.Method == http.MethodPost && above != "/" {
		return above
	}
	return r.URL.RequestURI()
}

// complete fills in what the frame says of whoever is logged in, and to them.
func (c *console) complete(v visit, f *frame) error {
	f.Who, f.Token = v.who, v.token()
	f.Agent, f.Theme, f.Clock, f.Path = c.Agent(), theme(v.Request), c.format.clockNow(), pathOfPage(v.Request)
	s, err := c.snapshot(v.Context())
	if err != nil {
		return err
	}
	f.Needs, f.Inbox = len(s.needs), s.now.Unanswered
	return nil
}

func (c *console) renderLogin(w http.ResponseWriter, r *http.Request, status int, p loginPage) {
	c.write(w, r, status, "login", frame{Title: "Log in", Body: p})
}

// write fills the frame and writes the page, whole or not at all.
func (c *console) write(w http.ResponseWriter, r *http.Request, status int, page string, f frame) {
	f.Agent, f.CSS, f.JS, f.Theme = c.Agent(), c.static.url("console.css"), c.static.url("console.js"), theme(r)
	f.Icon, f.Touch = c.static.url("icon.svg"), c.static.url("icon.png")
	var text bytes.Buffer
	if err := c.pages[page].Execute(&text, f); err != nil {
		c.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // whoever asked has left
}

// themeCookie keeps the choice of colours. It is no secret.
const themeCookie = "atelierd-theme"

func theme(r *http.Request) string {
	if k, err := r.Cookie(themeCookie); err == nil && (k.Value == "light" || k.Value == "dark") {
		return k.Value
	}
	return ""
}

func (c *console) chooseTheme(w http.ResponseWriter, v visit) {
	choice := v.PostForm.Get("theme")
	k := &http.Cookie{Name: themeCookie, Value: choice, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: c.Secure, SameSite: http.SameSiteLaxMode}
	if choice != "light" && choice != "dark" {
		k.Value, k.MaxAge = "", -1
	}
	http.SetCookie(w, k)
	http.Redirect(w, v.Request, local(v.PostForm.Get("next")), http.StatusSeeOther)
}

func (c *console) notFound(w http.ResponseWriter, v visit) {
	f := frame{Title: "Not found", Tab: "none"}
	if err := c.complete(v, &f); err != nil {
		c.fail(w, v.Request, err)
		return
	}
	c.write(w, v.Request, http.StatusNotFound, "notfound", f)
}

// static serves the files that pages load, each under a path that changes with it.
type static map[string]staticFile

type staticFile struct {
	hash string
	kind string
	data []byte
	zip  []byte // the same by gzip; nil where that is hardly shorter
}

// newStatic joins the style sheets into one and the scripts into one, by name, so that a
// page loads two files.
func newStatic() static {
	return static{
		"console.css": joined("static/*.css", "text/css; charset=utf-8"),
		"console.js":  joined("static/*.js", "text/javascript; charset=utf-8"),
		"icon.svg":    joined("static/icon.svg", "image/svg+xml"),
		"icon.png":    joined("static/icon.png", "image/png"),
	}
}

func joined(pattern, kind string) staticFile {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		panic(err) // the pattern is constant
	}
	f := staticFile{kind: kind}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			panic(err) // the file is part of the binary
		}
		if f.data = append(f.data, data...); len(names) > 1 {
			f.data = append(f.data, '\n')
		}
	}
	if zip := zipped(f.data); len(zip) < len(f.data)*9/10 {
		f.zip = zip
	}
	sum := sha256.Sum256(f.data)
	f.hash = base64.RawURLEncoding.EncodeToString(sum[:9])
	return f
}

// zipped compresses what has no secret. Pages have, and are sent as they are: the length of a
// compressed page would say something of it.
func zipped(data []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is constant
	}
	_, _ = w.Write(data) // to memory
	_ = w.Close()
	return out.Bytes()
}

func (s static) url(name string) string { return "/static/" + s[name].hash + "/" + name }

// ServeHTTP implements http.Handler.
func (s static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := s[r.PathValue("name")]
	if !ok || f.hash != r.PathValue("hash") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	f.write(w, r)
}

func (f staticFile) write(w http.ResponseWriter, r *http.Request) {
	h, data := w.Header(), f.data
	h.Set("Content-Type", f.kind)
	h.Set("Vary", "Accept-Encoding")
	if f.zip != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		data = f.zip
		h.Set("Content-Encoding", "gzip")
	}
	_, _ = w.Write(data) // whoever asked has left
}

// showIcon serves the icon that browsers ask for without a page that names one, such as for
// a file of an order. It is the same before a log-in.
func (c *console) showIcon(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=86400")
	c.static["icon.png"].write(w, r)
}
