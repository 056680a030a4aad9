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

// Options configure the marketplace. The zero value is the deployed marketplace
// without faults.
type Options struct {
	// Seed determines ids, keys, shapes and faults.
	Seed uint64
	// Window is the length of a counting window. Zero means one hour.
	Window time.Duration
	// Limits are the ceilings of the counted calls.
	Limits Limits
	// Separate counts each call separately, as in the marketplace's guide. False adds
	// all counted calls of an address to one count, as the deployed marketplace does.
	// Each call has its own ceiling in both.
	Separate bool
	// Instances is the number of server instances, each with counts of its own. A
	// request reaches any of them. Zero means one.
	Instances int
	// Guide implies Separate. It serves only what the marketplace's guide describes: no single
	// order, no upload token, no deliverables of an order, no revisions.
	Guide bool
	// Review is how long a client may review a delivery before the order completes
	// automatically. Zero means 48 hours.
	Review time.Duration
	// Release is the interval of the job that completes orders whose review has ended.
	// The job runs at multiples of it in UTC. Zero means one hour, or Review if that is
	// shorter. With Guide an order completes as soon as its review ends.
	Release time.Duration
	// Subscription is the length of the window of a weekly or monthly order. Zero
	// means the 7 or 30 days of the marketplace's guide.
	Subscription time.Duration
	// CloseWindows completes a subscription by itself at the end of its window, or an
	// hour after the last piece of its quota. Guide implies it. The deployed
	// marketplace does not do that: its windows end without a delivery when somebody
	// looks at them.
	CloseWindows bool
	// Webhooks queues an event for the agent's endpoint_url when an order changes.
	// Run Server.Webhooks to send the events.
	Webhooks bool
	// Signatures is the form of the webhooks' signature header.
	Signatures Signatures
	// MovedTo is the start of the marketplace's new address, like
	// "https://api.example/api". When it is set, every call answers 301 to it.
	MovedTo string
	// MaxUpload is the largest file in bytes. Zero means 50 MB.
	MaxUpload int64
	// PlatformLimit is the largest multipart request in bytes. The hosting platform
	// answers 413 to a larger one. Zero means 4.5 MB, or no limit with Guide.
	// A negative value means no limit.
	PlatformLimit int64
	// UploadDir is the folder for uploaded files. When it is empty, the sandbox
	// keeps only their size, hash and first 512 bytes, and does not serve them.
	UploadDir string
	// PublicURL is the start of the URL of uploaded files, without a slash at the
	// end. When it is empty, the Host of the request is used.
	PublicURL string
	// Faults are the faults to inject. The zero value has none.
	Faults Faults
}

// Server is the marketplace. Its methods are safe for concurrent use.
type Server struct {
	opts Options
	mux  *http.ServeMux

	mu          sync.Mutex
	faults      Faults
	down        bool
	payoutsFail bool
	agents      []*agent
	services    []*service
	orders      []*order
	byOrder     map[string]*order
	files       map[string]*file
	uploads     []*file
	tokens      map[string]uploadToken
	windows     map[string]*window
	bounties    []*bounty
	events      []*event
	queued      chan struct{} // has an element after a new event
	rows        []json.RawMessage
	log         []*Request
	number      int            // requests seen, for Faults.Script
	drawn       map[string]int // random generators made for a key
}

// New returns a marketplace without agents and orders.
func New(o Options) *Server {
	o.Window = orDefault(o.Window, time.Hour)
	o.Review = orDefault(o.Review, 48*time.Hour)
	o.Release = orDefault(o.Release, min(time.Hour, o.Review))
	o.MaxUpload = orDefault(o.MaxUpload, 50<<20)
	if o.Guide {
		o.Separate, o.CloseWindows = true, true
	} else {
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

// ServeHTTP serves the marketplace, its blob store, its files and the client's side.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// endpoint is one call of the marketplace. read takes the request in, without the
// lock. handle runs with the lock and does the whole effect of the call.
type endpoint struct {
	method, path string
	call         Call
	open         bool // needs no key
	deployed     bool // missing from the marketplace's guide
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
		{"POST", "/api/upload", CallUpload, false, false, readUpload, (*Server).upload},
		{"POST", "/api/upload/token", CallUpload, false, true, readForm, (*Server).issueToken},
		{"POST", "/api/orders/{order}/upload", CallUpload, false, true, readOrderUpload, (*Server).uploadToOrder},
		{"PUT", "/blob/{$}", CallBlob, true, true, readBlob, (*Server).putBlob},
		{"POST", "/api/orders/{order}/deliver", CallDeliver, false, false, readForm, (*Server).deliver},
		{"POST", "/api/orders/{order}/quote", CallQuote, false, false, readForm, (*Server).quote},
		{"GET", "/api/orders/{order}/messages", CallRead, false, false, readNothing, (*Server).listMessages},
		{"POST", "/api/orders/{order}/messages", CallMessage, false, false, readForm, (*Server).postMessage},
		{"POST", "/api/orders/{order}/request-payout-retry", CallRetry, false, true, readNothing, (*Server).retryPayout},
		{"POST", "/api/agents/{agent}/token/launch", CallToken, false, false, readForm, (*Server).launchToken},
		{"POST", "/api/agents/{agent}/token/claim", CallRead, false, true, readNothing, (*Server).claimFees},
		{"GET", "/api/agents/{agent}/funding", CallRead, false, true, readNothing, (*Server).showFunding},
		{"POST", "/api/agents/recover", CallRead, true, true, readForm, (*Server).recoverAgent},
		{"GET", "/api/bounties", CallRead, false, true, readNothing, (*Server).listBounties},
		{"GET", "/api/bounties/{bounty}", CallRead, false, true, readNothing, (*Server).showBounty},
		{"POST", "/api/bounties/{bounty}/claim", CallBounty, false, true, readForm, (*Server).claimBounty},
		{"DELETE", "/api/bounties/{bounty}/claim", CallRead, false, true, readNothing, (*Server).withdrawClaim},
	}
}

func (s *Server) routes() {
	unrouted := map[string]bool{}
	for _, e := range endpoints() {
		if e.deployed && s.opts.Guide {
			continue
		}
		s.mux.Handle(e.method+" "+e.path, s.serve(e))
		if !unrouted[e.path] {
			unrouted[e.path] = true
			s.mux.Handle(e.path, s.serve(unknown(http.StatusMethodNotAllowed, "Method not allowed")))
		}
	}
	s.mux.Handle("/", s.serve(unknown(http.StatusNotFound, "Not found")))
	s.mux.HandleFunc("GET /files/{file}/{name}", s.serveFile)
	s.mux.Handle("/sandbox/", http.NewCrossOriginProtection().Handler(s.control()))
}

// unknown is the endpoint for requests without one.
func unknown(status int, text string) endpoint {
	return endpoint{
		call: CallRead, open: true, read: readNothing,
		handle: func(*Server, *input) answer { return refuse(status, "%s", text) },
	}
}

// lock locks the state and applies what is due at the current time, which it
// returns.
func (s *Server) lock() time.Time {
	s.mu.Lock()
	now := time.Now().UTC()
	for _, o := range s.orders {
		s.advance(o, now)
	}
	for _, b := range s.bounties {
		if b.Status == "open" && !now.Before(b.ExpiresAt) {
			b.end("expired")
		}
	}
	return now
}

// generator returns the next random generator for a key. Each key has its own
// sequence, so that one order does not depend on requests about others.
func (s *Server) generator(key string) *rand.Rand {
	s.drawn[key]++
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", s.drawn[key], key)
	return rand.New(rand.NewPCG(s.opts.Seed, h.Sum64()))
}

// hexOf returns n random bytes in hex, different for each call with a kind.
func (s *Server) hexOf(kind string, n int) string {
	g := s.generator("id " + kind)
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return hex.EncodeToString(b)
}

// id returns an identifier in the marketplace's form: ord_1708123456789_1a2b3c4d.
func (s *Server) id(kind string, now time.Time) string {
	return fmt.Sprintf("%s_%d_%s", kind, now.UnixMilli(), s.hexOf(kind, 4))
}
