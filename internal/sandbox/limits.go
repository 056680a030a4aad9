package sandbox

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// Call is a kind of request that the marketplace counts.
type Call string

// The calls. The last two are not counted: reads and changes of what the agent already
// has, and the blob store, which is another server.
const (
	CallOrders   Call = "orders"
	CallDeliver  Call = "deliver"
	CallQuote    Call = "quote"
	CallUpload   Call = "upload"
	CallMessage  Call = "message"
	CallService  Call = "service"
	CallRegister Call = "register"
	CallToken    Call = "token"
	CallBounty   Call = "bounty"
	CallRetry    Call = "retry"
	CallRead     Call = "read"
	CallBlob     Call = "blob"
)

// Limits are the ceilings of requests in a window. Zero means the ceiling of the
// deployed marketplace, noted at each field. A negative value means none.
type Limits struct {
	Orders   int // 30
	Deliver  int // 30
	Quote    int // 30
	Upload   int // 30
	Messages int // 60
	Services int // 20
	Register int // 5
	Token    int // 10
	Bounties int // 30
	Retries  int // 30
}

// ceiling returns 0 for calls that are not counted.
func (l Limits) ceiling(c Call) int {
	switch c {
	case CallOrders:
		return orDefault(l.Orders, 30)
	case CallDeliver:
		return orDefault(l.Deliver, 30)
	case CallQuote:
		return orDefault(l.Quote, 30)
	case CallUpload:
		return orDefault(l.Upload, 30)
	case CallMessage:
		return orDefault(l.Messages, 60)
	case CallService:
		return orDefault(l.Services, 20)
	case CallRegister:
		return orDefault(l.Register, 5)
	case CallToken:
		return orDefault(l.Token, 10)
	case CallBounty:
		return orDefault(l.Bounties, 30)
	case CallRetry:
		return orDefault(l.Retries, 30)
	}
	return 0
}

// window is a fixed counting window. It starts with its first counted request.
type window struct {
	used    int
	ends    time.Time
	blocked time.Time // every request is rejected until then
}

// count adds a request to its count, or returns a rejection and adds nothing. early
// rejects this and the following requests for that long before the ceiling is
// reached, like another instance with its own count.
func (s *Server) count(c Call, remote string, now time.Time, early time.Duration) *answer {
	ceiling := s.opts.Limits.ceiling(c)
	scope, _, err := net.SplitHostPort(remote)
	if err != nil {
		scope = remote // a pipe has no port
	}
	if s.opts.Separate {
		scope += " " + string(c)
	}
	if n := s.opts.Instances; n > 1 {
		scope += " " + strconv.Itoa(s.generator("instance").IntN(n))
	}
	w := s.windows[scope]
	if w == nil {
		w = &window{}
		s.windows[scope] = w
	}
	if !now.Before(w.ends) {
		w.used, w.ends = 0, now.Add(s.opts.Window)
	}
	if early > 0 {
		w.blocked = now.Add(early)
	}
	switch {
	case now.Before(w.blocked):
		return tooMany(ceiling, now, w.blocked)
	case ceiling > 0 && w.used >= ceiling:
		return tooMany(ceiling, now, w.ends)
	}
	w.used++
	return nil
}

func tooMany(ceiling int, now, until time.Time) *answer {
	// Rounded up, so that a client which waits that long is not rejected again.
	wait := int64((until.Sub(now) + time.Second - 1) / time.Second)
	reset := until.Add(time.Second - 1).Unix()
	a := refuse(http.StatusTooManyRequests, "Rate limit exceeded. Try again later.")
	a.header = map[string]string{
		"Retry-After":           strconv.FormatInt(wait, 10),
		"X-RateLimit-Limit":     strconv.Itoa(max(ceiling, 0)),
		"X-RateLimit-Remaining": "0",
		"X-RateLimit-Reset":     strconv.FormatInt(reset, 10),
	}
	return &a
}
