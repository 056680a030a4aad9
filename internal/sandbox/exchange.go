package sandbox

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// input is one request while it is processed.
type input struct {
	w     http.ResponseWriter
	r     *http.Request
	now   time.Time
	agent *agent // nil for calls without a key
	form  form
	file  *file
}

// Request is one entry of the log of requests.
type Request struct {
	N      int       `json:"n"` // from 1
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	Path   string    `json:"path"` // with the query, cut to 500 bytes
	Call   Call      `json:"call"`
	// Status is the status of the answer. It is 0 if the connection was closed, and
	// before the answer.
	Status int `json:"status"`
	// Counted reports whether the request added to a count.
	Counted bool `json:"counted"`
	// Handled reports whether the call had its effect, whatever the answer was.
	Handled bool `json:"handled"`
	// Fault names the injected fault. It is empty without one.
	Fault string `json:"fault,omitempty"`
}

// keptRequests limits the log of a sandbox that runs for months.
const keptRequests = 200_000

// serve processes a request of an endpoint: it logs and counts the request, reads it,
// does the effect and answers. Only the effect holds the lock for long.
func (s *Server) serve(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line, fault := s.arrive(e, r)
		a := s.process(e, &input{w: w, r: r}, line, fault)
		if a.status >= 400 && r.ContentLength < smallBody {
			// A client that is cut off while it sends may not read the answer, so
			// the rest of a small body is read first.
			_, _ = io.CopyN(io.Discard, r.Body, smallBody)
		}
		s.mu.Lock()
		line.Status = max(a.status, 0)
		s.mu.Unlock()
		a.write(w)
	})
}

// smallBody is how much an ordinary server reads of a request that it rejects. It
// cuts off a larger one.
const smallBody = 256 << 10

// arrive logs the request and decides on its fault.
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

// process does what the request asks for, unless its fault prevents that.
func (s *Server) process(e endpoint, in *input, line *Request, fault Fault) answer {
	if fault.Before != 0 {
		return broken(fault.Before)
	}
	if to := s.opts.MovedTo; to != "" && strings.HasPrefix(in.r.URL.Path, "/api/") {
		return answer{
			status: http.StatusMovedPermanently, plain: "Redirecting...\n",
			header: map[string]string{"Location": to + strings.TrimPrefix(in.r.URL.RequestURI(), "/api")},
		}
	}
	if e.call == CallUpload && s.opts.PlatformLimit > 0 {
		// The platform rejects it before the marketplace counts it.
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
	// The wait does not end when the client gives up. A real server continues too,
	// and the effect comes after the client has stopped waiting.
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

// admit counts the request and then finds its agent. The marketplace counts by address
// before it checks the key.
func (s *Server) admit(e endpoint, in *input, line *Request, fault Fault) *answer {
	now := s.lock()
	defer s.mu.Unlock()
	if s.opts.Limits.ceiling(e.call) != 0 {
		if a := s.count(e.call, in.r.RemoteAddr, now, fault.Refuse); a != nil {
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

// Requests returns the log of requests, oldest first.
func (s *Server) Requests() []Request {
	s.lock()
	defer s.mu.Unlock()
	list := make([]Request, 0, len(s.log))
	for _, line := range s.log {
		list = append(list, *line)
	}
	return list
}

// Refusals returns the requests that got the status 429, oldest first.
func (s *Server) Refusals() []Request {
	return slices.DeleteFunc(s.Requests(), func(q Request) bool { return q.Status != http.StatusTooManyRequests })
}
