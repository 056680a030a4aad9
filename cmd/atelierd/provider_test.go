package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// charging is a server that makes pictures for money, in the shapes of three providers:
// one that knows idempotency keys, one whose jobs can be looked up, and one whose jobs
// only have an id. It loses some of its answers after it has charged for them.
type charging struct {
	url   string
	delay time.Duration // of each job
	// anyBody: a key may come again with another body.
	anyBody bool
	// strict: a key that comes again with another body is refused.
	strict bool
	// late: some results are not there at first.
	late bool

	mu     sync.Mutex
	lost   float64 // the share of answers that are lost, of those to submits four times as many
	free   bool    // slow jobs are done
	rng    *rand.Rand
	jobs   []*paidJob
	faults []string // what must never happen
}

// paidJob is work that was charged for.
type paidJob struct {
	id, key string
	what    string // the order, with its round and piece
	body    string
	ready   time.Time
	slow    bool // until release
	asked   bool // the caller has asked about it, so it knows the id
	cancels int  // requests to cancel it
	odd     int  // how many answers are not the result yet
}

// The shapes, as generators of a configuration. PROVIDER is the server's address.
var providerShapes = map[string]string{
	"a key": `
type = "http"
base_url = "PROVIDER/keyed"
poll_interval = "100ms"
cost_usd = "0.04"
`,
	"a lookup": `
type = "comfyui"
base_url = "PROVIDER/comfy"
workflow = "workflow.json"
poll_interval = "100ms"
`,
	"an id": `
type = "replicate"
base_url = "PROVIDER/replicate"
model = "test/model"
key_env = "PROVIDER_KEY"
poll_interval = "100ms"
cost_usd = "0.04"
`,
}

const comfyWorkflow = `{"6": {"class_type": "Text", "inputs": {"text": "{{prompt}}"}}, "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x"}}}`

// onePixel is a whole PNG. Whatever follows it makes it another file.
const onePixel = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xfc\xcf\xc0P\x0f\x00\x04\x85\x01\x80\x84\xa9\x8c!\x00\x00\x00\x00IEND\xaeB`\x82"

// newCharging starts a server that ends with a test. cleanup registers that.
func newCharging(cleanup func(func()), seed uint64, lost float64) *charging {
	p := &charging{delay: 150 * time.Millisecond, lost: lost, rng: rand.New(rand.NewPCG(seed, 2))}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /keyed", p.keyed)
	mux.HandleFunc("GET /keyed/{job}", p.keyedJob)
	mux.HandleFunc("POST /comfy/prompt", p.prompt)
	mux.HandleFunc("GET /comfy/history/{job}", p.history)
	mux.HandleFunc("GET /comfy/queue", p.queue)
	mux.HandleFunc("GET /comfy/view", p.view)
	mux.HandleFunc("POST /replicate/v1/models/test/model/predictions", p.predict)
	mux.HandleFunc("GET /replicate/v1/predictions/{job}", p.prediction)
	mux.HandleFunc("POST /replicate/v1/predictions/{job}/cancel", p.cancel)
	mux.HandleFunc("GET /replicate/files/{job}", p.file)
	mux.HandleFunc("GET /openai/models", listModels)
	mux.HandleFunc("GET /", func(http.ResponseWriter, *http.Request) {}) // probes
	server := httptest.NewServer(p.losing(mux))
	cleanup(server.Close)
	p.url = server.URL
	return p
}

// losing loses some answers: the request has its effect, and the connection is closed or
// 500 is answered.
func (p *charging) losing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		fate := p.rng.Float64()
		lost := p.lost
		p.mu.Unlock()
		if r.Method == http.MethodPost {
			lost *= 4
		}
		if fate >= lost {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(httptest.NewRecorder(), r)
		if fate < lost/2 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusInternalServerError)
	})
}

// release has slow jobs done.
func (p *charging) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = true
}

// done reports whether a job is done. The caller holds mu.
func (p *charging) done(j *paidJob) bool {
	return (p.free || !j.slow) && !time.Now().Before(j.ready)
}

// heal has no more answers lost.
func (p *charging) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = 0
}

var pictureName = regexp.MustCompile(`picture \d+`)

// begin charges for a job. The caller holds mu.
func (p *charging) begin(id, key, what string, body []byte) *paidJob {
	j := &paidJob{id: id, key: key, what: what, body: string(body), ready: time.Now().Add(p.delay), slow: bytes.Contains(body, []byte("slow"))}
	if p.late {
		j.odd = max(0, p.rng.IntN(4)-1)
	}
	p.jobs = append(p.jobs, j)
	return j
}

// find returns the job with the id of a path, or nil after an answer that there is none.
// The caller holds mu.
func (p *charging) find(w http.ResponseWriter, r *http.Request) *paidJob {
	i := slices.IndexFunc(p.jobs, func(j *paidJob) bool { return j.id == r.PathValue("job") })
	if i < 0 {
		http.Error(w, `{"detail":"not found"}`, http.StatusNotFound)
		return nil
	}
	p.jobs[i].asked = true
	return p.jobs[i]
}

// keyed charges once for a key, and refuses what is indecent. Every second job is
// answered with its file at once.
func (p *charging) keyed(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var wish struct {
		OrderID string `json:"order_id"`
		Round   int    `json:"round"`
		Piece   *struct {
			Number int `json:"number"`
		} `json:"piece"`
	}
	if err != nil || json.Unmarshal(body, &wish) != nil {
		panic(http.ErrAbortHandler)
	}
	if bytes.Contains(body, []byte("indecent")) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"refused":true,"reason":"it is indecent"}`)
		return
	}
	what := fmt.Sprint(wish.OrderID, " round ", wish.Round)
	if wish.Piece != nil {
		what = fmt.Sprint(wish.OrderID, " piece ", wish.Piece.Number)
	}
	key := r.Header.Get("Idempotency-Key")
	p.mu.Lock()
	i := slices.IndexFunc(p.jobs, func(j *paidJob) bool { return j.key == key })
	var j *paidJob
	switch {
	case i < 0:
		j = p.begin(fmt.Sprint("job-", len(p.jobs)), key, what, body)
	case p.jobs[i].body != string(body) && p.strict:
		p.mu.Unlock()
		http.Error(w, `{"error":"the idempotency key was used with another body"}`, http.StatusConflict)
		return
	case p.jobs[i].body != string(body) && !p.anyBody:
		p.faults = append(p.faults, fmt.Sprintf("%s: its key came with another body: %s, before %s", what, body, p.jobs[i].body))
		fallthrough
	default:
		j = p.jobs[i]
	}
	p.mu.Unlock()
	if !j.slow && len(j.key) > 0 && j.key[0]%2 == 0 {
		select {
		case <-time.After(time.Until(j.ready)):
		case <-r.Context().Done(): // whoever asked is dead
			return
		}
		w.Header().Set("Content-Type", "image/png")
		fmt.Fprint(w, onePixel, what)
		return
	}
	w.Header().Set("Location", "/keyed/"+j.id)
	w.WriteHeader(http.StatusAccepted)
}

func (p *charging) keyedJob(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch j := p.find(w, r); {
	case j == nil:
	case !p.done(j):
		w.WriteHeader(http.StatusAccepted)
	default:
		p.send(w, j)
	}
}

// prompt runs whatever it gets, also an id that it knows, as ComfyUI does.
func (p *charging) prompt(w http.ResponseWriter, r *http.Request) {
	var wish struct {
		ID string `json:"prompt_id"`
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &wish) != nil {
		panic(http.ErrAbortHandler)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begin(wish.ID, wish.ID, string(pictureName.Find(body)), body)
	fmt.Fprintf(w, `{"prompt_id":%q,"number":1,"node_errors":{}}`, wish.ID)
}

func (p *charging) history(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if j := p.find(httptest.NewRecorder(), r); j != nil && p.done(j) {
		fmt.Fprintf(w, `{%q:{"outputs":{"9":{"images":[{"filename":"%s.png","subfolder":"","type":"output"}]}},"status":{"status_str":"success","completed":true,"messages":[]}}}`, j.id, j.id)
		return
	}
	fmt.Fprint(w, `{}`)
}

func (p *charging) queue(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	running := []string{}
	for _, j := range p.jobs {
		if !p.done(j) {
			running = append(running, fmt.Sprintf(`[0,%q,{},{},[]]`, j.id))
		}
	}
	fmt.Fprintf(w, `{"queue_running":[%s],"queue_pending":[]}`, strings.Join(running, ","))
}

// predict charges for each request. The caller must not begin a job for what it has
// asked about already.
func (p *charging) predict(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	what := string(pictureName.Find(body))
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.ContainsFunc(p.jobs, func(j *paidJob) bool { return j.what == what && j.asked && j.cancels == 0 }) {
		p.faults = append(p.faults, what+": paid for again, although the id of its job was known")
	}
	j := p.begin(fmt.Sprint("job-", len(p.jobs)), "", what, body)
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"id":%q,"status":"starting"}`, j.id)
}

func (p *charging) prediction(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch j := p.find(w, r); {
	case j == nil:
	case j.cancels > 0:
		fmt.Fprintf(w, `{"id":%q,"status":"canceled"}`, j.id)
	case !p.done(j):
		fmt.Fprintf(w, `{"id":%q,"status":"processing"}`, j.id)
	case j.odd == 2:
		j.odd--
		fmt.Fprintf(w, `{"id":%q,"status":"SUCCEEDED","output":null}`, j.id)
	case p.late:
		fmt.Fprintf(w, `{"id":%q,"status":"Succeeded","output":["%s/replicate/files/%s"]}`, j.id, p.url, j.id)
	default:
		file := base64.StdEncoding.EncodeToString([]byte(onePixel + j.what))
		fmt.Fprintf(w, `{"id":%q,"status":"succeeded","output":["data:image/png;base64,%s"]}`, j.id, file)
	}
}

// charges returns how often each thing was paid for.
func (p *charging) charges() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := map[string]int{}
	for _, j := range p.jobs {
		n[j.what]++
	}
	return n
}

// paid returns how many jobs were paid for.
func (p *charging) paid() (n int) {
	for _, times := range p.charges() {
		n += times
	}
	return n
}

// checkPaid checks that nothing was paid for twice. Where once is false, a job whose
// answer was lost may have been paid for again, because it has neither key nor known id.
func (p *charging) checkPaid(t *testing.T, once bool) {
	t.Helper()
	for what, n := range p.charges() {
		if once && n != 1 {
			t.Errorf("%s was paid for %d times", what, n)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		t.Error(f)
	}
}
