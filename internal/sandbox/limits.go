package sandbox

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// Call is a kind of request, as the marketplace counts them.
type Call string

// The counted calls, and those that are not: reads and changes of what the
// agent already has, and the blob store, which is another server.
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
	CallRead     Call = "read"
	CallBlob     Call = "blob"
)

// Limits are how many requests of a call are answered in a window. Zero means
// the deployed marketplace's ceiling, which is noted; negative means none.
type Limits struct {
	Orders   int // 30
	Deliver  int // 30
	Quote    int // 30
	Upload   int // 30
	Messages int // 60
	Services int // 20
	Register int // 5
	Token    int // 10
	Bounties int // 30, an assumption: no ceiling of claims is published
}

// ceiling is 0 for calls that are not counted.
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
	}
	return 0
}

// window is a fixed counting window. It starts with the first request that is
// counted in it.
type window struct {
	used    int
	ends    time.Time
	blocked time.Time // refused until then whatever was used
}

// count adds a request to its count, or refuses it; a refused request adds
// nothing. early refuses this and the following requests for so long although
// the ceiling is not reached, as another instance with its own count would.
func (s *Server) count(c Call, ceiling int, remote string, now time.Time, early time.Duration) *answer {
	scope, _, err := net.SplitHostPort(remote)
	if err != nil {
		scope = remote // a pipe has no port
	}
	if !s.opts.Shared {
		scope += " " + string(c)
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
	// Rounded up, so that a client which waits as told is not refused again.
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
