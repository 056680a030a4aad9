package atelier

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

func TestARequestWithoutAConnectionIsNotSent(t *testing.T) {
	t.Parallel()
	unresolved := func(o *Options) {
		o.Transport = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "gone.example", IsNotFound: true}
		}}
	}
	s, seen := serve(t, answer(200, `{"success":true}`))
	t.Cleanup(func() { // after the subtests
		if n := len(seen()); n != 0 {
			t.Errorf("the server saw %d requests", n)
		}
	})
	noTLS := func(o *Options) { o.BaseURL = parse(t, "https"+strings.TrimPrefix(s.URL, "http")+"/api") }
	silent := func(o *Options) { // a transport that does not report its connections
		o.Transport = roundTripper(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("network is unreachable")}
		})
	}
	for name, change := range map[string]func(*Options){"refused": func(*Options) {}, "no such host": unresolved, "no TLS": noTLS, "no report": silent} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, meter := client(t, "http://127.0.0.1:1", change) // no server listens on port 1
			err := c.Deliver(t.Context(), "ord_1", onePiece)
			f, e := failed(t, err)
			if !errors.Is(err, ErrNotSent) || OutcomeUnknown(err) || f.Class != order.Retry || f.Code != order.CodeUnreachable || e.Status != 0 {
				t.Errorf("not sent %v, unknown %v, %+v", errors.Is(err, ErrNotSent), OutcomeUnknown(err), f)
			}
			if len(meter.answers) != 1 || meter.answers[0].Status != 0 || meter.answers[0].Error == "" {
				t.Errorf("the meter got %+v", meter.answers)
			}
		})
	}
}

func TestALostAnswerLeavesTheOutcomeUnknown(t *testing.T) {
	t.Parallel()
	hijack := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, answer)
				conn.Close()
			}
		}
	}
	for name, handle := range map[string]http.HandlerFunc{
		"connection closed":  hijack(""),
		"half a header":      hijack("HTTP/1.1 200 OK\r\nContent-"),
		"not HTTP, with key": hijack(testKey + "\r\n\r\n"),
		"half a body":        hijack("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"success\":true"),
		"an HTML page":       answer(200, "<html><title>Parked</title></html>", "Content-Type", "text/html"),
		"an empty body":      answer(200, ""),
		"no content":         answer(204, ""),
		"an empty object":    answer(200, "{}"),
		"a list":             answer(200, "[]"),
		"data that is cut":   answer(200, `{"success":true,"data":"`+strings.Repeat("x", answerLimit)),
		"not modified":       answer(304, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := serve(t, handle)
			c, meter := client(t, s.URL)
			err := c.Deliver(t.Context(), "ord_1", onePiece)
			f, _ := failed(t, err)
			if f.Class != order.Retry || !OutcomeUnknown(err) || errors.Is(err, ErrNotSent) {
				t.Errorf("%+v, unknown %v", f, OutcomeUnknown(err))
			}
			if f.Code != order.CodeNoAnswer && name != "not modified" {
				t.Errorf("code = %s", f.Code)
			}
			if strings.Contains(err.Error(), testKey) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
				t.Errorf("text = %q", err)
			}
			if len(meter.answers) != 1 || meter.answers[0].Error != err.Error() {
				t.Errorf("the meter got %+v", meter.answers)
			}
		})
	}
}

// silent is a marketplace that takes requests and never answers. Each request is
// reported on the channel.
func silent(t *testing.T) (address string, arrived chan struct{}) {
	arrived = make(chan struct{})
	s, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	return s.URL, arrived
}

func TestTheOutcomeOfALateRequestIsUnknown(t *testing.T) {
	t.Parallel()
	address, arrived := silent(t)
	c, _ := client(t, address, func(o *Options) { o.DeliverTimeout = 2 * time.Second })
	go func() { <-arrived }()
	err := c.Deliver(t.Context(), "ord_1", onePiece)
	f, _ := failed(t, err)
	if f.Code != order.CodeNoAnswer || f.Class != order.Retry || !OutcomeUnknown(err) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%+v", f)
	}
	if !strings.Contains(err.Error(), "no answer within 2s") {
		t.Errorf("text = %q", err)
	}
}

func TestTheOutcomeOfACancelledRequestIsUnknown(t *testing.T) {
	t.Parallel()
	address, arrived := silent(t)
	c, _ := client(t, address)
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-arrived; cancel(order.ErrStopping) }()
	err := c.Deliver(ctx, "ord_1", onePiece)
	failed(t, err)
	if !OutcomeUnknown(err) || !errors.Is(err, context.Canceled) {
		t.Errorf("unknown %v: %v", OutcomeUnknown(err), err)
	}
	if f := order.Classify(ctx, err); f.Class != order.Stopped {
		t.Errorf("class = %s, want stopped", f.Class)
	}
}

func TestARequestCancelledBeforeItIsSentHasNoOutcome(t *testing.T) {
	t.Parallel()
	address, _ := silent(t)
	c, meter := client(t, address)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := c.Deliver(ctx, "ord_1", onePiece)
	failed(t, err)
	if !errors.Is(err, ErrNotSent) || OutcomeUnknown(err) || len(meter.answers) != len(meter.taken) {
		t.Errorf("%v; meter %+v", err, meter.answers)
	}
}

// once is a connection that accepts one write and fails the next, like one that the
// server closed while it was idle.
type once struct {
	net.Conn
	used bool
}

func (c *once) Write(p []byte) (int, error) {
	if c.used {
		return 0, net.ErrClosed
	}
	c.used = true
	return c.Conn.Write(p)
}

func TestAClosedConnectionIsReplacedAndTheWholeBodySent(t *testing.T) {
	t.Parallel()
	s, seen := serve(t, answer(200, `{"success":true}`))
	c, meter := client(t, s.URL, func(o *Options) {
		o.Transport = &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return &once{Conn: conn}, err
		}}
	})
	for range 2 {
		if err := c.Deliver(t.Context(), "ord_1", onePiece); err != nil {
			t.Fatal(err)
		}
	}
	if all := seen(); len(all) != 2 || all[0].body == "" || all[1].body != all[0].body || len(meter.answers) != 2 {
		t.Errorf("server saw %+v; meter %v", all, meter.taken)
	}
}
