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

// FakeHost is the host of a Fake and of the links to its files.
const FakeHost = "fake.test"

// Part is the purpose of a request to a provider.
type Part string

// The parts that a Fake distinguishes.
const (
	Submit Part = "submit" // the call that is paid for
	Poll   Part = "poll"   // asks about a job
	Fetch  Part = "fetch"  // a finished file
	Cancel Part = "cancel" // ends a job
	Other  Part = "other"  // probes, uploads
)

// Request is a request that a Fake got.
type Request struct {
	Part   Part
	Host   string
	URL    string
	Header http.Header
	Body   []byte
	At     time.Time
}

// job is work that the provider began and charges for.
type job struct {
	id    string
	key   string // idempotency key, where the provider knows one
	ready time.Time
	// waits: it has not begun yet.
	waits bool
	// size is that of more bytes in its file.
	size int
}

// Fake is a provider as an http.Handler. Its shapes are written from the provider's
// documentation and not from the back end, so that a mistake in one shows in the
// other.
type Fake struct {
	shape shape
	key   string
	delay time.Duration
	// numbered: ids are numbers.
	numbered bool
	// size is that of more bytes in each file.
	size int
	// steady: of several answers about a job that runs, it gives the first.
	steady bool

	mu                sync.Mutex
	cancelled, erased int // jobs that ran or waited, and jobs that were done
	jobs              []*job
	requests          []Request
	answers           map[Part]http.HandlerFunc
}

// NewFake returns a provider of the given type that demands the key and takes delay
// for each job.
func NewFake(typ, key string, delay time.Duration) *Fake {
	s, there := shapes[typ]
	if !there {
		panic("gentest: no fake of type " + typ)
	}
	return newFake(s, key, delay)
}

func newFake(s shape, key string, delay time.Duration) *Fake {
	return &Fake{shape: s, key: key, delay: delay, answers: map[Part]http.HandlerFunc{}}
}

// Answer sets the handler for every request of the part. Nil restores the default.
func (f *Fake) Answer(p Part, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[p] = h
}

// Lose has each call accepted and charged for, and its answer lost.
func (f *Fake) Lose() {
	f.Answer(Submit, func(_ http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.shape.serve(f, httptest.NewRecorder(), r)
		f.mu.Unlock()
		panic(http.ErrAbortHandler)
	})
}

// Forget has the provider forget all its jobs.
func (f *Fake) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delay = -1 << 62
	for _, j := range f.jobs {
		j.id = "forgotten " + j.id
	}
}

// Paid returns how many calls began work that costs money.
func (f *Fake) Paid() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.jobs)
}

// Done reports whether the first job is done.
func (f *Fake) Done() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.jobs) > 0 && f.jobs[0].done()
}

// Serve answers as the provider does, whatever Answer has set.
func (f *Fake) Serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shape.serve(f, w, r)
}

// Requests returns the requests so far.
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
	cancels, ends := f.shape.cancelled(f, r)
	if ends {
		part = Cancel
	}
	f.requests = append(f.requests, Request{part, r.Host, r.URL.String(), r.Header, body, time.Now()})
	answer := f.answers[part]
	f.mu.Unlock()
	switch {
	case r.Host != FakeHost:
		w.WriteHeader(http.StatusTeapot) // no request should come here
	case answer != nil:
		answer(w, r)
	case part != Fetch && !f.shape.signed(r, body, f.key):
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"error":"a wrong key"}`)
	case part == Cancel:
		f.cancel(w, cancels)
	default:
		f.Serve(w, r)
	}
}

// cancel ends a job. Like some providers do, it erases one that is done.
func (f *Fake) cancel(w http.ResponseWriter, id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	j := f.find(id)
	switch {
	case id == "":
	case j == nil:
		w.WriteHeader(http.StatusNotFound)
		return
	case j.done():
		f.erased++
		j.id = "erased " + j.id
	default:
		f.cancelled++
		j.id = "cancelled " + j.id
	}
	say(w, http.StatusOK, fields{})
}

// Cancelled returns how many jobs were cancelled before they were done.
func (f *Fake) Cancelled() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cancelled
}

// begin starts a job, or returns the one with the same key.
func (f *Fake) begin(key string) *job {
	for _, j := range f.jobs {
		if key != "" && j.key == key {
			return j
		}
	}
	name := "job-%d"
	if f.numbered {
		name = "100%d"
	}
	j := &job{id: fmt.Sprintf(name, len(f.jobs)+1), key: key, ready: time.Now().Add(f.delay), size: f.size}
	f.jobs = append(f.jobs, j)
	return j
}

// find returns a job by its id, or nil.
func (f *Fake) find(id string) *job {
	for _, j := range f.jobs {
		if j.id == id {
			return j
		}
	}
	return nil
}

func (j *job) done() bool { return !time.Now().Before(j.ready) }

// link returns the address of the job's file.
func (j *job) link() string { return "http://" + FakeHost + "/files/" + j.id }

// onePixel is a PNG. Bytes after its end make each file different.
var onePixel = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" +
	"\x00\x00\x00\rIDATx\x9cc\xfc\xcf\xc0P\x0f\x00\x04\x85\x01\x80\x84\xa9\x8c!\x00\x00\x00\x00IEND\xaeB`\x82")

var referenceBase64 = base64.StdEncoding.EncodeToString(onePixel)

// file returns what the job made. Its base64 has both odd characters and padding.
func (j *job) file() []byte {
	more := strings.Repeat("\xfb\xff\xfe", j.size/3)
	return append(onePixel[:len(onePixel):len(onePixel)], more+j.id+"\xfb\xff\xfe\xfb"...)
}

func (j *job) base64() string { return base64.StdEncoding.EncodeToString(j.file()) }

// aside is a picture that is not the result, in base64.
var aside = base64.StdEncoding.EncodeToString(append(onePixel[:len(onePixel):len(onePixel)], "aside"...))

// say answers with JSON.
func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// fields is a JSON object.
type fields = map[string]any

// last returns the last part of a path.
func last(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// wire returns the body as a JSON object, which is empty if it is none.
func wire(r *http.Request) (v fields) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	_ = json.Unmarshal(body, &v)
	return v
}
