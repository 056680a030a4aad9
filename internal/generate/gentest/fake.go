package gentest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// FakeHost is where a Fake says that it is: links to its files lead there.
const FakeHost = "fake.test"

// Part is what a request to a provider is for.
type Part string

// The parts that a Fake tells apart.
const (
	Submit Part = "submit" // the call that is paid for
	Poll   Part = "poll"   // a question about a job
	Fetch  Part = "fetch"  // a finished file
	Other  Part = "other"  // probes, uploads
)

// Request is one that a Fake was sent.
type Request struct {
	Part Part
	Host string
	URL  string
	Body []byte
	At   time.Time
}

// job is one piece of work that the provider has begun, and charges for.
type job struct {
	id    string
	key   string // idempotency key, where the provider knows one
	ready time.Time
}

// Fake is a provider in an http.Handler. It speaks the shapes that the provider
// has published, written from its documents and not from the back end: a field
// that both had wrong would otherwise never be found.
type Fake struct {
	shape shape
	key   string
	delay time.Duration

	mu       sync.Mutex
	jobs     []*job
	requests []Request
	answers  map[Part]http.HandlerFunc
}

// NewFake makes the provider of the given type, which wants the key and takes
// delay for each job.
func NewFake(typ, key string, delay time.Duration) *Fake {
	s, there := shapes[typ]
	if !there {
		panic("gentest: no fake of type " + typ)
	}
	return &Fake{shape: s, key: key, delay: delay, answers: map[Part]http.HandlerFunc{}}
}

// Answer has every request of the part answered so, until it is nil again.
func (f *Fake) Answer(p Part, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[p] = h
}

// Lose makes each call be taken, worked on and paid for, and its answer lost.
func (f *Fake) Lose() {
	f.Answer(Submit, func(_ http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.shape.serve(f, httptest.NewRecorder(), r)
		f.mu.Unlock()
		panic(http.ErrAbortHandler)
	})
}

// Forget makes the provider know none of its jobs any more.
func (f *Fake) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delay = -1 << 62
	for _, j := range f.jobs {
		j.id = "forgotten " + j.id
	}
}

// Paid is how many calls have begun work that costs money.
func (f *Fake) Paid() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.jobs)
}

// Requests are those that came so far.
func (f *Fake) Requests() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Request{}, f.requests...)
}

// ServeHTTP implements http.Handler.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.mu.Lock()
	part := f.shape.part(r)
	f.requests = append(f.requests, Request{part, r.Host, r.URL.String(), body, time.Now()})
	answer := f.answers[part]
	f.mu.Unlock()
	switch {
	case r.Host != FakeHost:
		w.WriteHeader(http.StatusTeapot) // nobody should have come here
	case answer != nil:
		answer(w, r)
	case part != Fetch && !f.shape.signed(r, body, f.key):
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"error":"a wrong key"}`)
	default:
		f.mu.Lock()
		defer f.mu.Unlock()
		f.shape.serve(f, w, r)
	}
}

// begin takes a job, unless one of the same key was taken before.
func (f *Fake) begin(key string) *job {
	for _, j := range f.jobs {
		if key != "" && j.key == key {
			return j
		}
	}
	j := &job{id: fmt.Sprintf("job-%d", len(f.jobs)+1), key: key, ready: time.Now().Add(f.delay)}
	f.jobs = append(f.jobs, j)
	return j
}

// find gives a job by its id, or nil.
func (f *Fake) find(id string) *job {
	for _, j := range f.jobs {
		if j.id == id {
			return j
		}
	}
	return nil
}

func (j *job) done() bool { return !time.Now().Before(j.ready) }

// link is where the job's file is.
func (j *job) link() string { return "http://" + FakeHost + "/files/" + j.id }

// onePixel is a PNG; what follows its end makes each file its own.
var onePixel = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" +
	"\x00\x00\x00\rIDATx\x9cc\xfc\xcf\xc0P\x0f\x00\x04\x85\x01\x80\x84\xa9\x8c!\x00\x00\x00\x00IEND\xaeB`\x82")

// file is what the job has made.
func (j *job) file() []byte { return append(onePixel[:len(onePixel):len(onePixel)], j.id...) }

func (j *job) base64() string { return base64.StdEncoding.EncodeToString(j.file()) }

// say answers with JSON.
func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// fields is a JSON object.
type fields = map[string]any

// last is the last part of a path.
func last(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// wire reads the body as JSON; what is none gives an empty object.
func wire(r *http.Request) (v fields) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	_ = json.Unmarshal(body, &v)
	return v
}
