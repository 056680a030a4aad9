// Package sandbox is an Atelier marketplace in an http.Handler: for trying the
// daemon out, for its demo, and for tests that need a marketplace which keeps
// its rules, breaks when told to, and remembers what was done to it.
//
// It must know nothing of atelierd: no type, no constant and no helper is
// shared, because a shared struct could not catch a wrong field name. It starts
// no goroutine, takes the time only from the time package (so a simulated week
// under testing/synctest passes in seconds), keeps its state in memory, and
// draws everything random from a seed.
//
// The marketplace is served below /api, its blob store at /blob/, uploaded
// files below /files/. The client's side of an order is played by the methods
// of Server, or over HTTP below /sandbox/, which is neither counted nor
// authenticated (answers have the marketplace's envelope):
//
//	GET  /sandbox/agents                  the registered agents
//	POST /sandbox/agents                  {"name","agent_id","api_key"} -> an agent without a registration
//	POST /sandbox/agents/{id}/key         -> a new key; the old one is refused from now on
//	GET  /sandbox/services                the services on offer
//	GET  /sandbox/orders                  every order with all its accepted deliveries
//	POST /sandbox/orders                  NewOrder -> {"id"}
//	GET  /sandbox/orders/{id}             one order
//	POST /sandbox/orders/{id}/{act}       {"text"}; act is pay, approve, dispute, revise, cancel, vanish, message
//	GET  /sandbox/bounties                every bounty with its claims
//	POST /sandbox/bounties                NewBounty -> {"id"}
//	POST /sandbox/bounties/{id}/{act}     {"text"}; act is accept (text: the claim's id, or none for the first), cancel
//	POST /sandbox/rows                    any JSON: a garbage row at the end of every order list
//	POST /sandbox/down                    {"down":true} until {"down":false}: every call answers 503
//	GET  /sandbox/requests                every request so far
//	GET  /sandbox/files                   every uploaded file
package sandbox

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Options say how the marketplace behaves. The zero value is the deployed
// marketplace with separate counts and no faults.
type Options struct {
	// Seed decides ids, keys, shapes and faults.
	Seed uint64
	// Window is the length of a counting window. Zero means one hour.
	Window time.Duration
	// Limits are the ceilings of the counted calls.
	Limits Limits
	// Shared makes all counted calls add to one count, each call still refused
	// at its own ceiling, as the deployed marketplace does. False counts each
	// call on its own, as the marketplace's guide reads.
	Shared bool
	// Documented serves only what the marketplace's guide promises: no single
	// order, no upload token, no deliverables on an order, no revisions.
	Documented bool
	// Review is how long a client may look at a delivery before the order
	// completes by itself. Zero means 48 hours.
	Review time.Duration
	// Subscription is how long the window of a weekly or monthly order lasts.
	// Zero means the 7 or 30 days of the marketplace's guide.
	Subscription time.Duration
	// Webhooks queues an event for each agent's endpoint_url whenever something
	// happens to an order. Somebody has to run Server.Webhooks to send them.
	Webhooks bool
	// MaxUpload is the largest file in bytes. Zero means 50 MB.
	MaxUpload int64
	// PlatformLimit is the largest multipart request in bytes; above it the
	// hosting platform answers 413. Zero means 4.5 MB, or no limit when
	// Documented; negative means no limit.
	PlatformLimit int64
	// UploadDir is where uploaded files are kept. When it is empty only their
	// size, hash and first 512 bytes are, and they cannot be fetched.
	UploadDir string
	// PublicURL is what the addresses of uploaded files begin with, without a
	// slash at the end. When it is empty the request's Host decides.
	PublicURL string
	// Faults are what goes wrong. The zero value is nothing.
	Faults Faults
}

// Server is the marketplace. Its methods may be called at any time, from any
// goroutine.
type Server struct {
	opts Options
	mux  *http.ServeMux

	mu       sync.Mutex
	faults   Faults
	down     bool
	agents   []*agent
	services []*service
	orders   []*order
	byOrder  map[string]*order
	files    map[string]*file
	uploads  []*file
	tokens   map[string]uploadToken
	windows  map[string]*window
	bounties []*bounty
	events   []*event
	queued   chan struct{} // told, without blocking, of a new event
	rows     []json.RawMessage
	log      []*Request
	number   int            // requests seen, for Faults.Script
	drawn    map[string]int // how often something was drawn for a key
}

// New gives a marketplace without agents and orders.
func New(o Options) *Server {
	o.Window = orDefault(o.Window, time.Hour)
	o.Review = orDefault(o.Review, 48*time.Hour)
	o.MaxUpload = orDefault(o.MaxUpload, 50<<20)
	if !o.Documented {
		o.PlatformLimit = orDefault(o.PlatformLimit, 4_500_000)
	}
	s := &Server{
		opts: o, mux: http.NewServeMux(), faults: o.Faults,
		byOrder: map[string]*order{}, files: map[string]*file{}, tokens: map[string]uploadToken{},
		windows: map[string]*window{}, drawn: map[string]int{}, queued: make(chan struct{}, 1),
	}
	s.routes()
	return s
}

func orDefault[T comparable](v, standard T) T {
	if v == *new(T) {
		return standard
	}
	return v
}

// ServeHTTP answers for the marketplace, its blob store, its files and the
// client's side.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// endpoint is one call of the marketplace. handle runs with the state locked
// and does the whole effect of the call.
type endpoint struct {
	method, path string
	call         Call
	open         bool // needs no key
	deployed     bool // not in the marketplace's guide
	read         func(*Server, *input) *answer
	handle       func(*Server, *input) answer
}

func endpoints() []endpoint {
	return []endpoint{
		{"POST", "/api/agents/register", CallRegister, true, false, readForm, (*Server).register},
		{"GET", "/api/agents/me", CallRead, false, false, readNothing, (*Server).showProfile},
		{"PATCH", "/api/agents/me", CallRead, false, false, readForm, (*Server).changeProfile},
		{"POST", "/api/agents/{agent}/services", CallService, false, false, readForm, (*Server).createService},
		{"GET", "/api/agents/{agent}/services", CallRead, false, false, readNothing, (*Server).listServices},
		{"PATCH", "/api/services/{service}", CallRead, false, false, readForm, (*Server).changeService},
		{"DELETE", "/api/services/{service}", CallRead, false, false, readNothing, (*Server).deleteService},
		{"GET", "/api/agents/{agent}/orders", CallOrders, false, false, readNothing, (*Server).listOrders},
		{"GET", "/api/orders/{order}", CallRead, false, true, readNothing, (*Server).showOrder},
		{"POST", "/api/upload", CallUpload, false, false, readMultipart, (*Server).upload},
		{"POST", "/api/upload/token", CallUpload, false, true, readForm, (*Server).issueToken},
		{"PUT", "/blob/{$}", CallBlob, true, true, readBlob, (*Server).putBlob},
		{"POST", "/api/orders/{order}/deliver", CallDeliver, false, false, readForm, (*Server).deliver},
		{"POST", "/api/orders/{order}/quote", CallQuote, false, false, readForm, (*Server).quote},
		{"GET", "/api/orders/{order}/messages", CallRead, false, false, readNothing, (*Server).listMessages},
		{"POST", "/api/orders/{order}/messages", CallMessage, false, false, readForm, (*Server).postMessage},
		{"POST", "/api/agents/{agent}/token/launch", CallToken, false, false, readForm, (*Server).launchToken},
		{"GET", "/api/bounties", CallRead, false, true, readNothing, (*Server).listBounties},
		{"GET", "/api/bounties/{bounty}", CallRead, false, true, readNothing, (*Server).showBounty},
		{"POST", "/api/bounties/{bounty}/claim", CallBounty, false, true, readForm, (*Server).claimBounty},
		{"DELETE", "/api/bounties/{bounty}/claim", CallBounty, false, true, readNothing, (*Server).withdrawClaim},
	}
}

func (s *Server) routes() {
	unrouted := map[string]bool{}
	for _, e := range endpoints() {
		if e.deployed && s.opts.Documented {
			continue
		}
		s.mux.Handle(e.method+" "+e.path, s.serve(e))
		if !unrouted[e.path] {
			unrouted[e.path] = true
			s.mux.Handle(e.path, s.serve(dead(http.StatusMethodNotAllowed, "Method not allowed")))
		}
	}
	s.mux.Handle("/", s.serve(dead(http.StatusNotFound, "Not found")))
	s.mux.HandleFunc("GET /files/{file}/{name}", s.serveFile)
	s.mux.Handle("/sandbox/", http.NewCrossOriginProtection().Handler(s.control()))
}

// dead is where requests go that no endpoint answers.
func dead(status int, text string) endpoint {
	return endpoint{call: CallRead, open: true, read: readNothing,
		handle: func(*Server, *input) answer { return refuse(status, "%s", text) }}
}

// lock takes the state for one action and first lets the time that has passed
// take effect.
func (s *Server) lock() time.Time {
	s.mu.Lock()
	now := time.Now().UTC()
	for _, o := range s.orders {
		switch {
		case o.Status == "delivered" && !now.Before(o.ReviewDeadline):
			s.complete(o, o.ReviewDeadline)
		case !o.WindowEnds.IsZero() && (o.Status == "paid" || o.Status == "in_progress") && !now.Before(o.windowOver()):
			s.complete(o, o.windowOver())
		}
	}
	for _, b := range s.bounties {
		if b.Status == "open" && !now.Before(b.ExpiresAt) {
			b.end("expired")
		}
	}
	return now
}

// generator gives the next source of randomness for a key. Each key has its own
// sequence, so that what happens to one order does not depend on how requests
// about others fell between.
func (s *Server) generator(key string) *rand.Rand {
	s.drawn[key]++
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", s.drawn[key], key)
	return rand.New(rand.NewPCG(s.opts.Seed, h.Sum64()))
}

// hexOf gives n bytes in hex, new at each call for a kind.
func (s *Server) hexOf(kind string, n int) string {
	g := s.generator("id " + kind)
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return hex.EncodeToString(b)
}

// id gives an identifier in the marketplace's form: ord_1708123456789_1a2b3c4d.
func (s *Server) id(kind string, now time.Time) string {
	return fmt.Sprintf("%s_%d_%s", kind, now.UnixMilli(), s.hexOf(kind, 4))
}
