// Package console serves the owner's page: what the daemon does, what needs the owner, and
// the buttons for it.
//
// Each page is one file here and one template. A page reads the ledger and asks the marketplace
// nothing. Each lasting change is an action of package owner. No secret reaches this package:
// it must not know the configuration, the key, or how the daemon works.
package console

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"atelierd/internal/console/access"
	"atelierd/internal/owner"
	"atelierd/internal/serve"
	"atelierd/internal/view"
)

// Options are what the console shows, and to whom.
type Options struct {
	Access *access.Access
	// Agent returns the name of the agent.
	Agent func() string
	// Zone returns the owner's time zone.
	Zone func() *time.Location
	// Hosts are the host names that requests may have, such as console.example.com. Loopback
	// addresses are allowed in any case.
	Hosts []string
	// Secure says that browsers connect by HTTPS, so that the cookie is marked as Secure.
	Secure bool
	// Name is part of the cookie's name. It keeps the consoles on one host apart, because
	// browsers send cookies to all ports of a host.
	Name string
	// Files are the files of orders; nil for none.
	Files Files
	// Version returns a number that grows with each change of the ledger.
	Version func() (uint64, error)
	// View reads what the pages show, and Owner does what their forms ask for. Wake has the
	// daemon look at what was done.
	View  view.Reader
	Owner *owner.Actions
	Wake  func()
	// Neighbours returns the agents that share the requests of the address, with this one;
	// nil for none. Nil is none.
	Neighbours func(context.Context) *view.Agents
	// Replies returns the owner's prepared replies about an order. If it is nil or returns
	// none, the console offers its own.
	Replies func(view.History) []Reply
	// Agents answers agents at /mcp, which have tokens and are not logged in; nil for nobody.
	Agents http.Handler
	Log    *slog.Logger
	Sections
}

// Reply is a prepared reply to a client, and its name.
type Reply struct{ Name, Text string }

// console is the handler of all pages.
type console struct {
	Options
	format format
	pages  pages
	tries  tries
	static static
	// builders make the pages that are live, by their addresses.
	builders  *http.ServeMux
	streams   streams
	changes   changes
	snapshots snapshots
	sql       sync.Mutex // held while a statement of somebody runs
}

// New returns the handler of all pages.
func New(o Options) http.Handler {
	f := format{zone: o.Zone, now: time.Now}
	c := &console{Options: o, format: f, pages: parsePages(f), static: newStatic(), builders: http.NewServeMux(), changes: changes{ask: o.Version}}
	mux := http.NewServeMux()
	mux.Handle("GET /static/{hash}/{name}", c.static)
	mux.HandleFunc("GET /favicon.ico", c.showIcon)
	mux.HandleFunc("GET /login", c.showLogin)
	mux.HandleFunc("POST /login", c.login)
	mux.HandleFunc("GET /login/{secret}", c.showLink)
	mux.HandleFunc("POST /login/{secret}", c.useLink)
	mux.Handle("POST /logout", c.member(c.logout))
	mux.Handle("POST /theme", c.member(c.chooseTheme))
	mux.Handle("GET /live", serve.Stream(streamsInAll, c.member(c.follow)))
	mux.Handle("GET /files/{id}/{sum}", c.member(c.showFile))
	mux.Handle("GET /thumbs/{id}/{name}", c.member(c.showThumb))
	c.live(mux, "GET /{$}", c.now)
	c.sections(mux)
	c.live(mux, "GET /orders/{id}", c.order)
	mux.Handle("GET /orders/{id}/log/{n}", c.member(c.attemptLog))
	mux.Handle("POST /orders/{id}/{act}", c.member(c.owner(c.actOnOrder)))
	c.live(mux, "GET /orders", c.orders)
	mux.Handle("POST /pause", c.member(c.owner(c.pause)))
	mux.Handle("POST /resume", c.member(c.owner(c.resume)))
	if o.Agents != nil {
		mux.Handle("/mcp", o.Agents)
	}
	mux.Handle("/", c.member(c.notFound))
	return c.guard(mux)
}
