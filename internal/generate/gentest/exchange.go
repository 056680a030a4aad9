package gentest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/generate"
)

// Exchange is what a provider's description says of one job: each request and its
// answer. It is written from the description and not from the recipe, so that a mistake
// in one shows in the other. These words stand for what differs from job to job: JOB,
// KEY, CALL (the id of the call), LINK (the file's address), BASE64 (the file), BASE
// (the address of the API), REFERENCE (the client's picture in base64), and ANY.
type Exchange struct {
	// Source and Date say which description it is, and when it was read.
	Source string `json:"source"`
	Date   string `json:"date"`
	// Model, Makes and Params are the generator's.
	Model  string         `json:"model"`
	Makes  string         `json:"makes"`
	Params map[string]any `json:"params"`
	// Headers are those of each request.
	Headers map[string]string `json:"headers"`
	// Fresh are headers whose value must be new in each request.
	Fresh  []string `json:"fresh"`
	Submit Step     `json:"submit"`
	// Plain is the submission of an order without pictures. Its answer is that of Submit.
	Plain *Step `json:"plain"`
	// Poll asks about the job. Waiting are its answers while the job runs, Answer is that
	// of a finished one.
	Poll    *Step    `json:"poll"`
	Waiting []Answer `json:"waiting"`
	// CostUSD is what the answer of a finished job says that it cost, such as "0.63".
	CostUSD string `json:"cost_usd"`
	// Unseen are answers of a finished job that shows no file yet.
	Unseen []json.RawMessage `json:"unseen"`
	// Result and Lookup are further requests, if the provider has them.
	Result *Step `json:"result"`
	Lookup *Step `json:"lookup"`
	Cancel *Step `json:"cancel"`
	Probe  Step  `json:"probe"`
	// Refusals are answers to a submission ("submit") or a poll ("poll").
	Refusals []Refusal `json:"refusals"`
	// Failures are answers that report something else.
	Failures []Failure `json:"failures"`
	// Keyed: the provider knows a call by its key and does it once.
	Keyed bool `json:"keyed"`
	// Reference is how the client's picture is sent: base64, link, or empty.
	Reference string `json:"reference"`
}

// Step is a request and its answer.
type Step struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	// Headers are those of this request only.
	Headers map[string]string `json:"headers"`
	Body    map[string]any    `json:"body"`
	Answer
}

// Answer is an answer of a provider. Status 0 is 200. An empty Body is sent as nothing.
type Answer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	Body   json.RawMessage   `json:"answer"`
}

// Refusal is an answer that refuses the content.
type Refusal struct {
	To Part `json:"to"`
	Answer
}

// Failure is an answer that reports what Means names: credit (the account is empty), key,
// rate, outage, wrong (the request), failed (the job), or gone (the job is not known).
type Failure struct {
	To    Part   `json:"to"`
	Means string `json:"means"`
	// Free: the description says that a failed job costs nothing.
	Free bool `json:"free"`
	Answer
}

// ReadExchange reads an exchange.
func ReadExchange(t *testing.T, file string) Exchange {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.DisallowUnknownFields()
	var x Exchange
	if err := dec.Decode(&x); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if _, err := time.Parse(time.DateOnly, x.Date); err != nil || x.Source == "" {
		t.Errorf("%s has no source or date", file)
	}
	return x
}

// RunExchange takes a back end through all that can happen to a call at the provider of
// the exchange, as RunRemote does.
func RunExchange(t *testing.T, x Exchange, newGenerator func(Place) (generate.Generator, error)) {
	runShape(t, x.shape(), newGenerator)
}

// shape returns the provider of the exchange.
func (x Exchange) shape() shape {
	s := shape{
		jobs: x.Poll != nil, links: x.Poll == nil && bytes.Contains(x.Submit.Answer.Body, []byte(`"LINK"`)),
		again: x.Keyed || x.Lookup != nil, keyed: x.Keyed, forgets: true, reference: x.Reference,
		fresh: x.Fresh, wordless: x.wordless(), part: x.part, serve: x.serve,
		signed: func(r *http.Request, _ []byte, key string) bool {
			for name, value := range x.Headers {
				value = strings.ReplaceAll(value, "KEY", key)
				if got := r.Header.Get(name); got != value && (value != "ANY" || got == "") {
					return false
				}
			}
			return true
		},
	}
	if x.Cancel != nil {
		s.cancels = func(_ *Fake, r *http.Request) (string, bool) { return x.Cancel.id(r) }
	}
	for _, body := range x.Unseen {
		s.unseen = append(s.unseen, string(body))
	}
	s.more = x.scenarios()
	for _, r := range x.Refusals {
		s.refusals = append(s.refusals, refusal{r.To, r.status(), r.header(), string(r.Body)})
	}
	for _, r := range x.Failures {
		s.failures = append(s.failures, failure{refusal{r.To, r.status(), r.header(), string(r.Body)}, r.Means, r.Free})
	}
	return s
}

// wordless reports whether the provider names no state of a job.
func (x Exchange) wordless() bool {
	return !slices.ContainsFunc(x.Waiting, func(a Answer) bool { return stateField.Match(compact(a.Body)) })
}

// compact returns JSON without spaces.
func compact(text json.RawMessage) []byte {
	var b bytes.Buffer
	if len(text) > 0 {
		if err := json.Compact(&b, text); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

func (a Answer) header() http.Header {
	header := http.Header{}
	for name, value := range a.Header {
		header.Set(name, value)
	}
	return header
}

func (x Exchange) part(r *http.Request) Part {
	switch {
	case strings.HasPrefix(r.URL.Path, "/files/"):
		return Fetch
	case x.Submit.is(r), x.Plain.is(r):
		return Submit
	case x.Poll != nil && x.Poll.is(r), x.Result != nil && x.Result.is(r):
		return Poll
	}
	return Other
}

// is reports whether the request is the step's. JOB and CALL in its path are any text.
func (s *Step) is(r *http.Request) bool {
	_, ok := s.id(r)
	return ok
}

// id returns what stands in the place of JOB or CALL, and whether the request is the
// step's.
func (s *Step) id(r *http.Request) (string, bool) {
	if s == nil || r.Method != s.method() {
		return "", false
	}
	at, path := r.URL.RequestURI(), strings.ReplaceAll(s.Path, "CALL", "JOB")
	before, after, has := strings.Cut(path, "JOB")
	if !has {
		return "", at == path
	}
	id, ok := strings.CutPrefix(at, before)
	id, ended := strings.CutSuffix(id, after)
	return id, ok && ended && id != "" && !strings.ContainsAny(id, "/?&")
}

func (s *Step) method() string {
	if s.Method == "" {
		return http.MethodGet
	}
	return s.Method
}

func (a Answer) status() int {
	if a.Status == 0 {
		return http.StatusOK
	}
	return a.Status
}

func (x Exchange) serve(f *Fake, w http.ResponseWriter, r *http.Request) {
	switch part := x.part(r); {
	case part == Fetch:
		if j := f.find(last(r.URL.Path)); j != nil {
			w.Write(j.file())
			return
		}
	case part == Submit:
		x.submitted(f, w, r)
		return
	case x.Lookup.is(r):
		key, _ := x.Lookup.id(r)
		for _, j := range f.jobs {
			if j.key == key {
				x.Lookup.send(w, j)
				return
			}
		}
	case part == Poll:
		x.polled(f, w, r)
		return
	case x.Probe.is(r):
		x.Probe.send(w, &job{})
		return
	}
	w.WriteHeader(http.StatusNotFound)
}

// submitted answers the call. A request other than the described one is an error.
func (x Exchange) submitted(f *Fake, w http.ResponseWriter, r *http.Request) {
	got, step := wire(r), x.Submit
	if x.Plain.is(r) && (!x.Submit.is(r) || differs("", x.Plain.Body, got) == "") {
		step.Body = x.Plain.Body
	}
	call := r.Header.Get("Idempotency-Key")
	if text, _ := json.Marshal(step.Body); call == "" && strings.Contains(string(text), `"CALL"`) {
		call = callIn(step.Body, got)
	}
	why := differs("the body", step.Body, got)
	for name, value := range x.Submit.Headers {
		if got := r.Header.Get(name); got != value {
			why = fmt.Sprintf("the header %s is %q, want %q", name, got, value)
		}
	}
	if x.Keyed && call == "" {
		why = "the idempotency key is missing"
	}
	if why != "" {
		say(w, http.StatusBadRequest, fields{"error": why, "detail": why, "message": why})
		return
	}
	key := ""
	if x.Keyed {
		key = call
	}
	j := f.begin(key)
	if j.key = call; x.Poll == nil && !j.done() {
		j.ready = time.Time{} // the answer is the result
	}
	x.Submit.send(w, j)
}

func (x Exchange) polled(f *Fake, w http.ResponseWriter, r *http.Request) {
	step := x.Poll
	id, ok := step.id(r)
	if !ok {
		step = x.Result
		id, _ = step.id(r)
	}
	switch j := f.find(id); {
	case j == nil:
		w.WriteHeader(http.StatusNotFound)
	case !j.done() && len(x.Waiting) > 0 && f.steady:
		x.Waiting[0].send(w, j)
	case !j.done() && len(x.Waiting) > 0:
		x.Waiting[len(f.requests)%len(x.Waiting)].send(w, j)
	default:
		step.send(w, j)
	}
}

// send sends the answer about a job.
func (a Answer) send(w http.ResponseWriter, j *job) {
	for name, value := range a.Header {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status())
	if a.status() == http.StatusNoContent || len(a.Body) == 0 {
		return
	}
	text := strings.NewReplacer("JOB", j.id, "LINK", j.link(), "BASE64", j.base64(), "BASE", "http://"+FakeHost, "CALL", j.key).Replace(string(compact(a.Body)))
	io.WriteString(w, text)
}

// differs returns what is wrong with a part of a request, or "".
func differs(at string, want, got any) string {
	wantTable, isTable := want.(map[string]any)
	gotTable, _ := got.(map[string]any)
	wantList, isList := want.([]any)
	gotList, _ := got.([]any)
	text, _ := want.(string)
	switch {
	case isTable:
		for name := range wantTable {
			if why := differs(at+"."+name, wantTable[name], gotTable[name]); why != "" {
				return why
			}
		}
		for name := range gotTable {
			if _, known := wantTable[name]; !known {
				return fmt.Sprintf("%s has an unknown field %s", at, name)
			}
		}
		return ""
	case isList && len(wantList) == len(gotList):
		for i := range wantList {
			if why := differs(fmt.Sprintf("%s[%d]", at, i), wantList[i], gotList[i]); why != "" {
				return why
			}
		}
		return ""
	case text == "ANY" && got != nil, text == "CALL" && got != nil:
		return ""
	case strings.Contains(text, "REFERENCE"):
		want = strings.ReplaceAll(text, "REFERENCE", referenceBase64)
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Sprintf("%s is %.80v, want %.80v", at, got, want)
	}
	return ""
}

// callIn returns the value that a request has where the described one has CALL.
func callIn(want, got any) string {
	switch want := want.(type) {
	case string:
		if s, _ := got.(string); want == "CALL" {
			return s
		}
	case map[string]any:
		inner, _ := got.(map[string]any)
		for name := range want {
			if s := callIn(want[name], inner[name]); s != "" {
				return s
			}
		}
	}
	return ""
}
