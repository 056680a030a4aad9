package sandbox

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// input is one request on its way to the effect it asks for.
type input struct {
	w     http.ResponseWriter
	r     *http.Request
	now   time.Time
	agent *agent // nil for calls without a key
	form  form
	file  *file
}

// Request is one line of the log of requests.
type Request struct {
	N      int       `json:"n"` // from 1
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	Path   string    `json:"path"` // with the query, cut after 500 bytes
	Call   Call      `json:"call"`
	// Status is what was answered; 0 when the connection was cut, or while the
	// answer is not there yet.
	Status int `json:"status"`
	// Counted says that the request added to a count.
	Counted bool `json:"counted"`
	// Handled says that the call was carried out, whatever the client was told.
	Handled bool `json:"handled"`
	// Fault names what was made to go wrong; empty for an honest answer.
	Fault string `json:"fault,omitempty"`
}

// keptRequests bounds the log of a sandbox that runs for months.
const keptRequests = 200_000

// serve is the way of every request: arrive, be admitted, read, take effect,
// answer. Only the effect holds the lock for longer than a look.
func (s *Server) serve(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line, fault := s.arrive(e, r)
		a := s.carryOut(e, &input{w: w, r: r}, line, fault)
		if a.status >= 400 && r.ContentLength < smallBody {
			// A sender that is cut off in the middle may not read why it was
			// refused, so that a small rest is taken before the answer.
			_, _ = io.CopyN(io.Discard, r.Body, smallBody)
		}
		s.mu.Lock()
		line.Status = max(a.status, 0)
		s.mu.Unlock()
		a.write(w)
	})
}

// smallBody is what a server of the ordinary kind reads of a request that it
// refuses; a larger one it cuts off.
const smallBody = 256 << 10

// arrive writes the request down and decides what will go wrong with it.
func (s *Server) arrive(e endpoint, r *http.Request) (*Request, Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	path := r.URL.RequestURI()
	path = path[:min(len(path), 500)]
	line := &Request{N: s.number, At: time.Now().UTC(), Method: r.Method, Path: path, Call: e.call}
	if len(s.log) >= keptRequests {
		s.log = slices.Delete(s.log, 0, keptRequests/2)
	}
	s.log = append(s.log, line)
	var fault Fault
	switch {
	case s.down:
		fault = Fault{Before: http.StatusServiceUnavailable}
		line.Fault = "down"
		return line, fault
	case s.faults.Script != nil:
		fault = s.faults.Script(r, s.number)
	}
	if fault == (Fault{}) && s.faults.drawn() {
		fault = s.faults.draw(s.generator("fault "+r.Method+" "+r.URL.Path), s.opts.Window)
	}
	if s.opts.Limits.ceiling(e.call) == 0 {
		fault.Refuse = 0
	}
	line.Fault = fault.String()
	return line, fault
}

func (s *Server) carryOut(e endpoint, in *input, line *Request, fault Fault) answer {
	if fault.Before != 0 {
		return broken(fault.Before)
	}
	if e.call == CallUpload && s.opts.PlatformLimit > 0 {
		// The platform refuses before the marketplace sees, and counts, it.
		if in.r.ContentLength > s.opts.PlatformLimit {
			return tooLargeForPlatform()
		}
		in.r.Body = http.MaxBytesReader(in.w, in.r.Body, s.opts.PlatformLimit)
	}
	if a := s.admit(e, in, line, fault); a != nil {
		return *a
	}
	if a := e.read(s, in); a != nil {
		return *a
	}
	// From here on the request is in the marketplace's hands. The client's
	// going away does not end the wait: a real server goes on without it, and
	// the effect comes after the client has stopped waiting for it.
	time.Sleep(fault.Slow)
	in.now = s.lock()
	line.Handled = true
	a := e.handle(s, in)
	s.mu.Unlock()
	time.Sleep(fault.Linger)
	if fault.After != 0 {
		return broken(fault.After)
	}
	return a
}

// admit counts the request and finds out who sent it: in this order, because
// the marketplace counts by address before it looks at keys.
func (s *Server) admit(e endpoint, in *input, line *Request, fault Fault) *answer {
	now := s.lock()
	defer s.mu.Unlock()
	if ceiling := s.opts.Limits.ceiling(e.call); ceiling != 0 {
		if a := s.count(e.call, ceiling, in.r.RemoteAddr, now, fault.Refuse); a != nil {
			return a
		}
		line.Counted = true
	}
	if e.open {
		return nil
	}
	key, bearer := strings.CutPrefix(in.r.Header.Get("Authorization"), "Bearer ")
	for _, a := range s.agents {
		if bearer && a.key == key {
			in.agent = a
			return nil
		}
	}
	a := refuse(http.StatusUnauthorized, "Invalid or missing API key")
	return &a
}

func readNothing(*Server, *input) *answer { return nil }

// Requests gives the log of all requests, oldest first.
func (s *Server) Requests() []Request {
	s.lock()
	defer s.mu.Unlock()
	list := make([]Request, 0, len(s.log))
	for _, line := range s.log {
		list = append(list, *line)
	}
	return list
}

// Refusals gives the requests that were answered with 429, oldest first.
func (s *Server) Refusals() []Request {
	return slices.DeleteFunc(s.Requests(), func(q Request) bool { return q.Status != http.StatusTooManyRequests })
}
