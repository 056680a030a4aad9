package mcp

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// The limits of HTTP.
const (
	maxBody     = 64 << 10 // bytes of a request
	maxAtOnce   = 8        // requests at the same time; each is answered alone, so there are no sessions
	maxRequest  = time.Minute
	wrongPerMin = 10 // wrong tokens in a minute; further ones are not looked up
	maxKnown    = 64 // tokens that are remembered as good
)

// ErrToken is a token that is unknown or was removed.
var ErrToken = errors.New("unknown token")

// serverKey is the key of a request's context for the server of its caller.
type serverKey struct{}

// endpoint serves agents by HTTP.
type endpoint struct {
	s *Server
	// token returns who has a token. Its error is ErrToken for nobody.
	token func(ctx context.Context, secret string) (Caller, error)
	next  http.Handler
	free  chan struct{}
	wrong wrongTokens
}

// Handler serves agents by HTTP, each by its token. The Host and the origin of requests
// have been checked before.
func (s *Server) Handler(token func(ctx context.Context, secret string) (Caller, error)) http.Handler {
	return &endpoint{s: s, token: token, free: make(chan struct{}, maxAtOnce), next: sdk.NewStreamableHTTPHandler(
		func(r *http.Request) *sdk.Server {
			server, _ := r.Context().Value(serverKey{}).(*sdk.Server)
			return server
		},
		// Behind a proxy the Host is never that of loopback. The console knows its names.
		&sdk.StreamableHTTPOptions{Stateless: true, JSONResponse: true, DisableLocalhostProtection: true, MaxRequestBodyBytes: maxBody, PropagateRequestCancellation: true},
	)}
}

// ServeHTTP answers one request.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	by, status := e.caller(r)
	switch status {
	case http.StatusOK:
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "60")
		http.Error(w, "There were too many wrong tokens. Wait a minute.", status)
		return
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "The request has no valid token. `atelierd console token add NAME` makes one; send it as a bearer token.", status)
		return
	default:
		http.Error(w, "The token cannot be checked now. The log of atelierd says why.", status)
		return
	}
	select {
	case e.free <- struct{}{}:
		defer func() { <-e.free }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "Too many requests run at the same time. Ask again in a second.", http.StatusServiceUnavailable)
		return
	}
	// Pictures take longer than a page.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(maxRequest)) // a writer without one has no limit
	ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), serverKey{}, e.s.server(by)), maxRequest)
	defer cancel()
	e.next.ServeHTTP(w, r.WithContext(ctx))
}

// caller returns who has sent a request, and 200, or the status to refuse it with.
func (e *endpoint) caller(r *http.Request) (Caller, int) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if secret = strings.TrimSpace(secret); !strings.EqualFold(scheme, "Bearer") || secret == "" || len(secret) > 256 {
		return Caller{}, http.StatusUnauthorized
	}
	hash := sha256.Sum256([]byte(secret))
	if !e.wrong.mayLook(hash, time.Now()) {
		return Caller{}, http.StatusTooManyRequests
	}
	by, err := e.token(r.Context(), secret)
	switch {
	case errors.Is(err, ErrToken):
		e.wrong.add(hash, time.Now())
		return Caller{}, http.StatusUnauthorized
	case err != nil:
		e.s.o.Log.Warn("the token of an agent cannot be checked", "error", err)
		return Caller{}, http.StatusInternalServerError
	}
	e.wrong.good(hash)
	return by, http.StatusOK
}

// wrongTokens counts wrong tokens. Once there are too many, only tokens that were good
// before are looked up, so that guessing neither loads the database nor locks out an agent
// at work.
type wrongTokens struct {
	mu    sync.Mutex
	since time.Time
	n     int
	known map[[sha256.Size]byte]bool
}

func (t *wrongTokens) mayLook(hash [sha256.Size]byte, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.since) >= time.Minute {
		t.since, t.n = now, 0
	}
	return t.n < wrongPerMin || t.known[hash]
}

func (t *wrongTokens) add(hash [sha256.Size]byte, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.known, hash) // it was removed
	if t.n == 0 {
		t.since = now
	}
	t.n++
}

func (t *wrongTokens) good(hash [sha256.Size]byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil || len(t.known) >= maxKnown {
		t.known = map[[sha256.Size]byte]bool{}
	}
	t.known[hash] = true
}
