package provider

import (
	"bufio"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// frame returns a frame of a WebSocket as a server sends it.
func frame(first byte, body string) string {
	switch n := len(body); {
	case n < 126:
		return string([]byte{first, byte(n)}) + body
	case n < 1<<16:
		return string(binary.BigEndian.AppendUint16([]byte{first, 126}, uint16(n))) + body
	default:
		return string(binary.BigEndian.AppendUint64([]byte{first, 127}, uint64(n))) + body
	}
}

// listened resumes a job of a ComfyUI that speaks over its WebSocket as ws does, and is done
// once done reports it. It returns what was reported, each once.
func listened(t *testing.T, ws http.HandlerFunc, done func([]order.Progress) bool) []order.Progress {
	t.Helper()
	var finished atomic.Bool
	mux := http.NewServeMux()
	mux.HandleFunc("/ws", ws)
	mux.HandleFunc("/queue", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"queue_running":[[1,"r1"]],"queue_pending":[]}`)
	})
	mux.HandleFunc("/history/r1", func(w http.ResponseWriter, _ *http.Request) {
		if !finished.Load() {
			_, _ = io.WriteString(w, `{}`)
			return
		}
		_, _ = io.WriteString(w, `{"r1":{"status":{"status_str":"success","completed":true},"outputs":{"9":{"images":[{"filename":"f","type":"output"}]}}}}`)
	})
	mux.HandleFunc("/view", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "made") })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p, err := New(Spec{Type: "comfyui", BaseURL: server.URL, PollInterval: time.Millisecond, Workflow: []byte(`{"1":{"class_type":"A","inputs":{"text":"{{prompt}}"}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	var list []order.Progress
	var last order.Progress
	_, err = p.Generate(t.Context(), generate.Request{OutputDir: t.TempDir(), Prompt: "a fox", Call: generate.Call{
		Ticket: "r1", Resumed: true, Progress: func(next order.Progress) {
			if next = next.After(last); next != last {
				last = next
				list = append(list, next)
			}
			if done(list) {
				finished.Store(true)
			}
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// switching returns a handler that speaks the frames, and closes ended once the client has
// left.
func switching(ended chan<- struct{}, frames ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		if r.URL.Query().Get("clientId") != "r1" || r.Header.Get("Upgrade") != "websocket" || r.Header.Get("Sec-Websocket-Key") == "" {
			return
		}
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"+strings.Join(frames, ""))
		_, _ = io.Copy(io.Discard, c) // until the client leaves
	}
}

// TestComfyUISaysHowFarANodeIs guards that previews, parts of texts and other jobs are
// passed over, and that nothing is left open when the job is done.
func TestComfyUISaysHowFarANodeIs(t *testing.T) {
	t.Parallel()
	said := func(id, value, most string) string {
		return frame(0x81, `{"type":"progress","data":{"value":`+value+`,"max":`+most+`,"prompt_id":"`+id+`","node":"3"}}`)
	}
	ended := make(chan struct{})
	got := listened(t, switching(ended,
		frame(0x81, `{"type":"status","data":{"status":{"exec_info":{"queue_remaining":1}}}}`),
		frame(0x82, strings.Repeat("preview ", 20_000)), frame(0x81, strings.Repeat("long ", 20_000)), frame(0x89, "ping"),
		frame(0x01, `{"type":`), frame(0x80, `"progress"}`), frame(0x81, `no JSON`), frame(0x81, ""),
		said("another", "19", "20"), said("r1", "1", "1"), said("r1", "20", "20"), said("r1", "NaN", "20"), said("r1", "-3", "20"), said("r1", "5", "0"),
		said("r1", "9", "20"),
	), func(list []order.Progress) bool { return list[len(list)-1].Fraction == 0.45 })
	if i := slices.IndexFunc(got, func(p order.Progress) bool { return p.Fraction > 0 }); i < 0 || got[i] != (order.Progress{Phase: order.PhaseMaking, Fraction: 0.45}) {
		t.Errorf("got %+v", got)
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("the connection is left open")
	}
}

// TestAComfyUIThatSaysNothingIsPolled guards that a job does not wait for its progress.
func TestAComfyUIThatSaysNothingIsPolled(t *testing.T) {
	t.Parallel()
	for name, ws := range map[string]http.HandlerFunc{
		"no WebSocket": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"a page":       func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"no answer":    func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"no frame":     switching(make(chan struct{})),
		"half a frame": switching(make(chan struct{}), "\x81\x7f\x00"),
		"too large":    switching(make(chan struct{}), "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"),
		"masked":       switching(make(chan struct{}), "\x81\x84abcdefgh"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := listened(t, ws, func(list []order.Progress) bool { return list[0].Phase == order.PhaseMaking })
			if len(got) == 0 || got[0] != (order.Progress{Phase: order.PhaseMaking}) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func FuzzFramesOfAWebSocket(f *testing.F) {
	f.Add([]byte(frame(0x81, "text") + frame(0x82, "preview") + frame(0x88, "")))
	f.Fuzz(func(_ *testing.T, data []byte) {
		r := bufio.NewReader(strings.NewReader(string(data)))
		for {
			if _, err := readFrame(r); err != nil {
				return
			}
		}
	})
}
