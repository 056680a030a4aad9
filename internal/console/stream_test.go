package console

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

// event is what a stream sends.
type event struct{ name, data string }

// events follows a page and passes on what its stream sends; the channel is closed at the
// end of the stream.
func (s *site) events(page string) (list <-chan event, stop func()) {
	s.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/live?on="+url.QueryEscape(page), nil)
	if err != nil {
		s.Fatal(err)
	}
	res, err := s.client.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		s.Fatalf("the stream of %s: %d %s", page, res.StatusCode, res.Header.Get("Content-Type"))
	}
	out := make(chan event, 100)
	go func() {
		defer close(out)
		defer res.Body.Close()
		var e event
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				out <- e
				e = event{}
			}
		}
	}()
	return out, cancel
}

// until waits for an event that fits.
func (s *site) until(list <-chan event, what string, fits func(event) bool) event {
	s.Helper()
	end := time.After(time.Minute)
	for {
		select {
		case e, ok := <-list:
			if !ok {
				s.Fatalf("the stream ended before %s", what)
			}
			if fits(e) {
				return e
			}
		case <-end:
			s.Fatalf("no %s within a minute", what)
		}
	}
}

// ended waits for the end of a stream, and returns the last event.
func (s *site) ended(list <-chan event) (last event) {
	s.Helper()
	end := time.After(time.Minute)
	for {
		select {
		case e, ok := <-list:
			if !ok {
				return last
			}
			last = e
		case <-end:
			s.Fatal("the stream has not ended within a minute")
		}
	}
}

func blockWith(name, text string) func(event) bool {
	return func(e event) bool {
		var b block
		return e.name == "block" && json.Unmarshal([]byte(e.data), &b) == nil && b.Name == name && strings.Contains(b.HTML, text)
	}
}

func TestAnOpenPageLearnsOfAChange(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	s.place(order.Facts{ID: "ord_0", Status: order.Paid, Brief: "a fox"})
	now, _ := s.events("/")
	list, _ := s.events("/orders?show=all")
	s.until(now, "the page as it is", blockWith("head", "Nothing needs you"))
	s.until(list, "the list as it is", blockWith("orders", "a fox"))
	s.place(order.Facts{ID: "ord_1", Status: order.PendingQuote, Brief: "a birthday garden"})
	s.until(now, "what needs the owner", blockWith("needs", "a birthday garden"))
	s.until(now, "the title", blockWith("title", "1 needs you"))
	e := s.until(list, "the new order", blockWith("orders", "a birthday garden"))
	if !strings.Contains(e.data, "a fox") {
		t.Error("a block is not whole")
	}
	// What stays is not sent again.
	quiet, stop := s.events("/orders?show=done")
	defer stop()
	s.until(quiet, "a sign of life", func(e event) bool { return e.name == "sign" })
	e = s.until(quiet, "a second sign of life", func(e event) bool { return e.name != "block" || strings.Contains(e.data, `"orders"`) })
	if e.name != "sign" {
		t.Errorf("an empty list is sent again: %s", e.data)
	}
}

func TestStreamsEndWithTheirSession(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	token := s.token()
	list, _ := s.events("/")
	s.until(list, "the page", func(e event) bool { return e.name == "block" })
	s.want(s.send(http.MethodPost, "/logout", url.Values{"token": {token}}), http.StatusSeeOther)
	if last := s.ended(list); last != (event{"end", "reload"}) {
		t.Errorf("the stream ended with %v", last)
	}
	s.want(s.get("/live?on=/"), http.StatusSeeOther)
}

// TestAUserWhoIsRemovedIsCutOff also covers the command, which knows no streams.
func TestAUserWhoIsRemovedIsCutOff(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.reader()
	list, _ := s.events("/")
	s.until(list, "the page", func(e event) bool { return e.name == "block" })
	if err := s.access.RemoveUser(t.Context(), "ben"); err != nil {
		t.Fatal(err)
	}
	if last := s.ended(list); last != (event{"end", "reload"}) {
		t.Errorf("the stream ended with %v", last)
	}
}

func TestASessionHasFewStreams(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	first, _ := s.events("/")
	s.until(first, "the page", func(e event) bool { return e.name == "block" })
	var rest []<-chan event
	for range streamsOfSession {
		list, _ := s.events("/")
		rest = append(rest, list)
	}
	if last := s.ended(first); last != (event{"end", "replaced"}) {
		t.Errorf("the oldest stream ended with %v", last)
	}
	for _, list := range rest {
		s.until(list, "a sign of life", func(e event) bool { return e.name == "sign" })
	}
}

func TestOnlyPagesAreFollowed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.get("/live?on=/"), http.StatusSeeOther)
	s.want(s.link(), http.StatusSeeOther)
	for _, page := range []string{"/nothing", "/logout", "/static/x/console.css", "/orders/ord_unknown", "/live?on=/"} {
		s.want(s.get("/live?on="+url.QueryEscape(page)), http.StatusNotFound)
	}
}
