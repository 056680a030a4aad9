package console

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// This file keeps open pages up to date. A page that is built by a builder has blocks:
// templates whose names begin with "live-". The stream of a page sends those that differ
// from what it sent last, and a sign of life in between.

// livePrefix begins the names of templates that are blocks.
const livePrefix = "live-"

// errNotFound is the error of a builder for what does not exist.
var errNotFound = errors.New("not found")

// builder makes a page: the name of its template, and what it shows.
type builder func(v visit) (page string, f frame, err error)

// live adds a page that is kept up to date while it is open.
func (c *console) live(mux *http.ServeMux, pattern string, build builder) {
	mux.Handle(pattern, c.member(func(w http.ResponseWriter, v visit) {
		page, f, err := build(v)
		switch {
		case errors.Is(err, errNotFound):
			c.notFound(w, v)
		case err != nil:
			c.fail(w, v.Request, err)
		default:
			f.Live = true
			c.render(w, v, page, f)
		}
	}))
	c.builders.HandleFunc(pattern, func(_ http.ResponseWriter, r *http.Request) {
		a, _ := r.Context().Value(askedKey{}).(*asked) // only build calls it
		v := a.visit
		v.Request = r
		if a.page, a.frame, a.err = build(v); a.err == nil {
			a.err = c.complete(v, &a.frame)
		}
	})
}

// asked is a page that a stream wants, and what came of it.
type asked struct {
	visit visit
	page  string
	frame frame
	err   error
}

type askedKey struct{}

// build makes the page of an address as its stream shows it.
func (c *console) build(v visit, on *url.URL) (*asked, error) {
	a := &asked{visit: v, err: errNotFound}
	r, err := http.NewRequestWithContext(context.WithValue(v.Context(), askedKey{}, a), http.MethodGet, on.RequestURI(), nil)
	if err != nil {
		return nil, err
	}
	r.Header, r.Host, r.RequestURI = v.Header, v.Host, on.RequestURI()
	c.builders.ServeHTTP(nowhere{}, r)
	return a, a.err
}

// nowhere drops the answer for an address that is no page.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

// block is a part of a page, as it is sent.
type block struct {
	Name string `json:"name"`
	HTML string `json:"html"`
}

// blocks makes the blocks of a page.
func (c *console) blocks(a *asked) (list []block, err error) {
	for _, t := range c.pages[a.page].Templates() {
		name, ok := strings.CutPrefix(t.Name(), livePrefix)
		if !ok {
			continue
		}
		var text bytes.Buffer
		if err := t.Execute(&text, a.frame); err != nil {
			return nil, err
		}
		list = append(list, block{name, text.String()})
	}
	slices.SortFunc(list, func(a, b block) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}
