package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// market is a sandbox behind HTTP with one agent and one service.
type market struct {
	t          *testing.T
	s          *Server
	http       *http.Client
	base       string
	agent, key string
}

// reply is an answer as a client sees it.
type reply struct {
	status  int
	header  http.Header
	data    any
	problem string
	text    string
}

func (r reply) row() map[string]any { row, _ := r.data.(map[string]any); return row }

func open(t *testing.T, o Options) *market {
	t.Helper()
	s := New(o)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return furnish(t, s, server.Client(), server.URL)
}

// openPiped is open for a test in a synctest bubble, where a socket would keep the time
// from passing.
func openPiped(t *testing.T, o Options) *market {
	t.Helper()
	s := New(o)
	return furnish(t, s, servePiped(t, s), "http://sandbox.test")
}

// servePiped serves a handler without sockets and returns a client for it.
func servePiped(t *testing.T, h http.Handler) *http.Client {
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: h}
	served := make(chan error, 1)
	go func() { served <- server.Serve(p) }()
	transport := &http.Transport{DialContext: p.dial, DisableKeepAlives: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		<-served
	})
	return &http.Client{Transport: transport}
}

// furnish adds an agent and a service.
func furnish(t *testing.T, s *Server, client *http.Client, base string) *market {
	t.Helper()
	x := &market{t: t, s: s, http: client, base: base}
	var err error
	if x.agent, x.key, err = s.AddAgent("", "", ""); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.services = append(s.services, &service{Service{
		ID: "svc_1", AgentID: x.agent, Title: "Pictures", Category: "image_gen",
		Description: strings.Repeat("Pictures of all kinds. ", 3), PriceUSD: "5.00", PriceType: "fixed", MaxRevisions: 3, Moderation: moderationOK, Active: true,
	}})
	s.mu.Unlock()
	return x
}

// pipes is a network without sockets.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }
func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// send makes one request. A nil reply means that there was no answer.
func (x *market) send(ctx context.Context, method, path string, header http.Header, body io.Reader) *reply {
	x.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, x.base+path, body)
	if err != nil {
		x.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+x.key)
	for k := range header {
		req.Header.Set(k, header.Get(k))
	}
	resp, err := x.http.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil
	}
	out := &reply{status: resp.StatusCode, header: resp.Header, text: string(text)}
	var envelope struct {
		Success *bool
		Data    any
		Error   any
	}
	if json.Unmarshal(text, &envelope) == nil {
		out.data = envelope.Data
		out.problem, _ = envelope.Error.(string)
		if envelope.Success != nil && *envelope.Success != (out.status < 300) {
			x.t.Errorf("%s %s: status %d with the body %s", method, path, out.status, text)
		}
	}
	return out
}

// call makes a request with a JSON body and expects the status want.
func (x *market) call(want int, method, path, body string) reply {
	x.t.Helper()
	r := x.send(x.t.Context(), method, path, nil, strings.NewReader(body))
	if r == nil {
		x.t.Fatalf("%s %s: no answer", method, path)
	}
	if r.status != want {
		x.t.Fatalf("%s %s %.80s: got %d %s, want %d", method, path, body, r.status, r.text, want)
	}
	if want >= 400 && r.problem == "" {
		x.t.Errorf("%s %s: %d without an error text: %s", method, path, r.status, r.text)
	}
	return *r
}

func (x *market) order(n NewOrder) string {
	x.t.Helper()
	id, err := x.s.PlaceOrder(n)
	if err != nil {
		x.t.Fatal(err)
	}
	return id
}

func (x *market) snapshot(id string) Order {
	x.t.Helper()
	o, found := x.s.Order(id)
	if !found {
		x.t.Fatalf("order %s is gone", id)
	}
	return o
}

func (x *market) poll(query string) []any {
	x.t.Helper()
	rows, isList := x.call(200, "GET", "/api/agents/"+x.agent+"/orders"+query, "").data.([]any)
	if !isList {
		x.t.Fatal("the list of orders is not an array")
	}
	return rows
}

func png(size int) []byte {
	return append([]byte("\x89PNG\x0D\x0A\x1A\x0A"), bytes.Repeat([]byte{7}, size-8)...)
}

// uploadRequest returns the Content-Type and the body of a multipart request.
func uploadRequest(t *testing.T, field, name, kind string, content []byte) (string, []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", multipart.FileContentDisposition(field, name))
	h.Set("Content-Type", kind)
	part, err := w.CreatePart(h)
	if err == nil {
		_, err = part.Write(content)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}

func (x *market) upload(name, kind string, content []byte) *reply {
	x.t.Helper()
	contentType, body := uploadRequest(x.t, "file", name, kind, content)
	return x.send(x.t.Context(), "POST", "/api/upload", http.Header{"Content-Type": {contentType}}, bytes.NewReader(body))
}

const oneFile = `{"deliverable_url":"https://cdn.example/a.png","deliverable_media_type":"image"}`

// mustAt expects two times to be equal.
func mustAt(t *testing.T, what string, got, want time.Time) {
	t.Helper()
	if !got.Equal(want) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
