package console

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"atelierd/internal/console/access"
)

const (
	// lookEvery is how often a stream asks whether anything has changed.
	lookEvery = time.Second
	// renewEvery is how often it makes the blocks in any case: times pass, and how far the
	// work is stands in no database.
	renewEvery = 5 * time.Second
	// signEvery is the longest silence of a stream. A page that hears nothing for 5 s
	// says so.
	signEvery = 2 * time.Second
	// checkEvery is how often a stream asks whether its session still stands.
	checkEvery = 5 * time.Second
	// slowest is how long a browser may take to accept what was sent.
	slowest = 10 * time.Second
	// streamsOfSession and streamsInAll are how many pages are live at a time. Browsers
	// open 6 connections to a host, and have to load other pages on the rest.
	streamsOfSession = 3
	streamsInAll     = 12
)

// streams are the pages that are live, so that a session has few, and its end ends them.
type streams struct {
	mu   sync.Mutex
	open map[string][]*stream // by session, the oldest first
}

// stream sends one page's blocks to a browser.
type stream struct {
	cancel context.CancelCauseFunc
	w      http.ResponseWriter
	sent   map[string][sha256.Size]byte // by block
	// signed, renewed and checked are when it last sent anything, made the blocks, and
	// looked for its session.
	signed, renewed, checked time.Time
	version                  uint64
}

var (
	errReplaced  = errors.New("newer pages of the session are live instead")
	errLoggedOut = errors.New("the session has ended")
)

// begin adds a stream of a session. Beyond the most, it ends the oldest one.
func (s *streams) begin(ctx context.Context, session string, w http.ResponseWriter) (context.Context, *stream) {
	ctx, cancel := context.WithCancelCause(ctx)
	st := &stream{cancel: cancel, w: w, sent: map[string][sha256.Size]byte{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string][]*stream{}
	}
	if list := s.open[session]; len(list) >= streamsOfSession {
		list[0].cancel(errReplaced)
		s.open[session] = list[1:]
	}
	s.open[session] = append(s.open[session], st)
	return ctx, st
}

// end removes a stream that is over.
func (s *streams) end(session string, st *stream) {
	st.cancel(nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[session] = slices.DeleteFunc(s.open[session], func(o *stream) bool { return o == st })
	if len(s.open[session]) == 0 {
		delete(s.open, session)
	}
}

// logout ends the streams of a session.
func (s *streams) logout(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.open[session] {
		st.cancel(errLoggedOut)
	}
}

// changes asks for the version of the ledger once for all streams.
type changes struct {
	ask     func() (uint64, error)
	mu      sync.Mutex
	asked   time.Time
	version uint64
}

func (c *changes) get() (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.asked) < lookEvery*9/10 {
		return c.version, nil
	}
	version, err := c.ask()
	if err == nil {
		c.version, c.asked = version, time.Now()
	}
	return version, err
}

// follow streams the blocks of a page, each when it has changed.
func (c *console) follow(w http.ResponseWriter, v visit) {
	on, err := url.Parse(local(v.URL.Query().Get("on")))
	if err != nil {
		http.Error(w, "This is no address of a page.", http.StatusBadRequest)
		return
	}
	a, err := c.build(v, on)
	switch {
	case errors.Is(err, errNotFound):
		http.Error(w, "There is no page at this address.", http.StatusNotFound)
		return
	case err != nil:
		c.fail(w, v.Request, err)
		return
	}
	ctx, s := c.streams.begin(v.Context(), v.session, w)
	defer c.streams.end(v.session, s)
	v.Request = v.WithContext(ctx)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy would keep it back
	s.checked = time.Now()
	if err = s.send("hello", c.static.url("console.js")+" "+s.checked.UTC().Format(time.RFC3339Nano)); err == nil {
		err = c.show(s, a)
	}
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	for err == nil {
		select {
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-every.C:
			err = c.look(s, v, on)
		}
	}
	switch {
	case errors.Is(err, errReplaced):
		_ = s.send("end", "replaced") // it is over in any case
	case errors.Is(err, errLoggedOut), errors.Is(err, errNotFound):
		_ = s.send("end", "reload")
	case v.Context().Err() == nil && !errors.Is(err, errGone):
		c.Log.Error("a page of the console is no longer live", "path", on.Path, "error", err)
	}
}

// look sends what has changed, or a sign of life.
func (c *console) look(s *stream, v visit, on *url.URL) error {
	now := time.Now()
	if now.Sub(s.checked) >= checkEvery {
		s.checked = now
		who, err := c.Access.Session(v.Context(), v.session)
		if errors.Is(err, access.ErrRefused) || err == nil && who != v.who {
			return errLoggedOut
		}
		if err != nil {
			return err
		}
	}
	version, err := c.changes.get()
	if err != nil {
		return err
	}
	if version != s.version || now.Sub(s.renewed) >= renewEvery {
		a, err := c.build(v, on)
		if err != nil {
			return err
		}
		s.version = version
		if err := c.show(s, a); err != nil {
			return err
		}
	}
	if now.Sub(s.signed) >= signEvery {
		return s.send("sign", "")
	}
	return nil
}

// show sends the blocks of a page that differ from those sent last.
func (c *console) show(s *stream, a *asked) error {
	s.renewed = time.Now()
	list, err := c.blocks(a)
	if err != nil {
		return err
	}
	for _, b := range list {
		sum := sha256.Sum256([]byte(b.HTML))
		if s.sent[b.Name] == sum {
			continue
		}
		s.sent[b.Name] = sum
		text, err := json.Marshal(b)
		if err != nil {
			return err
		}
		if err := s.send("block", string(text)); err != nil {
			return err
		}
	}
	return nil
}

// errGone says that the browser has left, or takes nothing more.
var errGone = errors.New("the browser is gone")

// send sends an event of one line. A browser that takes it too slowly is cut off.
func (s *stream) send(event, data string) error {
	out := http.NewResponseController(s.w)
	if err := out.SetWriteDeadline(time.Now().Add(slowest)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", event, data); err != nil {
		return errGone
	}
	if err := out.Flush(); err != nil {
		return errGone
	}
	s.signed = time.Now()
	return nil
}
