package gentest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/pipenet"
	"atelierd/internal/secret"
)

// Place is where a back end finds its provider. User goes with the key where the
// provider wants a password.
type Place struct {
	BaseURL   string
	User      string
	Key       func() (secret.Text, error)
	Transport http.RoundTripper
	Timeout   time.Duration
	Log       *slog.Logger
}

// remoteKey is the key that no error, log or address may show.
const (
	remoteKey  = "sk-c0ffee-0000-secret"
	remoteUser = "owner"
)

// remoteTimeout is how long a run may take; a job takes remoteDelay.
const (
	remoteTimeout = 10 * time.Minute
	remoteDelay   = 30 * time.Second
)

// bench is one provider with a back end before it, in simulated time.
type bench struct {
	*testing.T
	fake *Fake
	net  *pipenet.Listener
	gen  generate.Generator
	dir  string
	logs *bytes.Buffer
	sent atomic.Int64 // bytes of endless answers
	key  error        // what reading the key gives
}

// RunRemote takes the back end for a provider of the given type through all that
// can happen to it: success, each refusal, each status, lost, slow, endless and
// torn answers, and crashes between its steps.
func RunRemote(t *testing.T, typ string, newGenerator func(Place) (generate.Generator, error)) {
	s := shapes[typ]
	run := func(name string, f func(b *bench)) {
		t.Run(name, func(t *testing.T) {
			t.Helper()
			remote(t, typ, newGenerator, f)
		})
	}
	run("success", (*bench).success)
	for i, r := range s.refusals {
		run(fmt.Sprintf("refusal %d", i+1), func(b *bench) { b.refusal(r) })
	}
	for status, want := range paidStatuses {
		run(fmt.Sprintf("status %d to the call", status), func(b *bench) { b.status(Submit, status, want) })
	}
	run("a limit that names its end", (*bench).limited)
	run("a redirect gets no key", (*bench).redirected)
	for name, spoil := range spoiled {
		run(name+" to the call", func(b *bench) { b.spoiled(spoil) })
	}
	run("an endless answer to the call", func(b *bench) { b.endless(Submit) })
	run("nobody there", (*bench).unreachable)
	for i, r := range s.refusals {
		run(fmt.Sprintf("refusal %d with the key in its reason", i+1), func(b *bench) { b.tellingRefusal(r) })
	}
	run("an answer that shows what was sent", func(b *bench) { b.echo(Submit) })
	run("two orders at once", (*bench).two)
	run("a lost answer", (*bench).lost)
	run("a stop", (*bench).stopped)
	run("a stop before it begins", (*bench).stoppedBefore)
	run("no key", (*bench).keyless)
	run("a check", (*bench).check)
	run("a check without an answer", (*bench).checkSilent)
	if !s.jobs {
		return
	}
	for status, want := range askedStatuses {
		if s.forgets || status != http.StatusNotFound && status != http.StatusGone {
			run(fmt.Sprintf("status %d to a question", status), func(b *bench) { b.status(Poll, status, want) })
		}
	}
	for name, spoil := range spoiled {
		run(name+" to a question", func(b *bench) { b.asked(spoil) })
	}
	run("a question that shows what was sent", func(b *bench) { b.echo(Poll) })
	run("a redirected question", (*bench).redirectedQuestion)
	run("nobody there to be asked", (*bench).unreachableQuestion)
	run("a crash before the first question", (*bench).crashBeforePoll)
	run("a crash before the file is there", (*bench).crashBeforeFile)
	run("a job that takes too long", (*bench).slow)
	run("a job that is never done", (*bench).overdue)
	run("a key that is gone while a job runs", (*bench).keyLost)
	run("a forgotten job", (*bench).forgotten)
	if !s.bare {
		run("an expired file", (*bench).expired)
		run("an endless file", func(b *bench) { b.endless(Fetch) })
		run("an empty file", (*bench).emptyFile)
		for _, name := range []string{"a truncated one", "a stalled one", "a silent one"} {
			run(name+" for a file", func(b *bench) { b.brokenFile(spoiled[name]) })
		}
		for _, status := range []int{408, 429, 500, 503} {
			run(fmt.Sprintf("status %d to a file", status), func(b *bench) {
				b.brokenFile(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
			})
		}
		if s.reference != "upload" { // whose files lie below the base URL
			run("a file wants no key", (*bench).fileWithoutKey)
			for _, link := range []string{"http://169.254.169.254/latest/meta-data", "http://127.0.0.1:8080/x", "file:///etc/passwd", "https://10.0.0.1/x"} {
				run("a result at "+link, func(b *bench) { b.linked(link) })
			}
		}
	}
}

func remote(t *testing.T, typ string, newGenerator func(Place) (generate.Generator, error), f func(*bench)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, fake: NewFake(typ, remoteKey, remoteDelay), net: pipenet.New(), dir: dir, logs: &bytes.Buffer{}}
		server := &http.Server{Handler: b.fake, ErrorLog: log.New(io.Discard, "", 0)}
		ended := make(chan struct{})
		go func() { defer close(ended); server.Serve(b.net) }()
		key := func() (secret.Text, error) { return secret.New(remoteKey), b.key }
		transport := &http.Transport{DialContext: b.net.Dial, DisableKeepAlives: true}
		gen, err := newGenerator(Place{"http://" + FakeHost, remoteUser, key, transport, remoteTimeout,
			slog.New(slog.NewTextHandler(b.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		if err != nil {
			t.Fatal(err)
		}
		b.gen = gen
		t.Cleanup(func() {
			server.Close()
			<-ended
			transport.CloseIdleConnections()
		})
		f(b)
		b.noLeak(b.logs.String(), "the log")
		for _, r := range b.fake.Requests() {
			b.noLeak(r.URL, "an address")
		}
	})
}

func (b *bench) noLeak(text, where string) {
	b.Helper()
	coded := base64.StdEncoding.EncodeToString([]byte(remoteUser + ":" + remoteKey))
	if strings.Contains(text, remoteKey[:6]) || strings.Contains(text, coded[:12]) {
		b.Errorf("the key is in %s: %.300s", where, text)
	}
}

// request is an order of a first attempt, with its call not yet made.
func (b *bench) request() generate.Request {
	b.Helper()
	picture := filepath.Join(b.dir, "reference.png")
	if err := os.WriteFile(picture, onePixel, 0o600); err != nil {
		b.Fatal(err)
	}
	return generate.Request{OrderID: "ord_1", Attempt: 1, Brief: "a fox", Prompt: "a red fox", OutputDir: filepath.Join(b.dir, "out"),
		References: []generate.Reference{{Path: picture, MIME: "image/png", URL: "https://client.example/reference.png"}},
		Call:       generate.Call{Key: "11111111-2222-4333-8444-555555555555", Submitted: func(string) error { return nil }}}
}

// run runs the back end, and gives its failure, of which nothing may show the
// key.
func (b *bench) run(ctx context.Context, r generate.Request) (generate.Result, *order.Failure) {
	b.Helper()
	made, err := b.gen.Generate(ctx, r)
	if err == nil {
		return made, nil
	}
	b.noLeak(err.Error(), "an error")
	f, ok := errors.AsType[*order.Failure](err)
	if !ok {
		b.Fatalf("the error is no failure: %v", err)
	}
	b.noLeak(f.Hint+f.Log, "a hint or log")
	if strings.ContainsAny(f.Error(), "\n\x1b") || len(f.Error()) > 700 {
		b.Errorf("the error is not one line of a sane length: %q", f.Error())
	}
	return made, f
}

// fails runs the back end and wants a failure.
func (b *bench) fails(r generate.Request, want outcome) *order.Failure {
	b.Helper()
	_, f := b.run(b.Context(), r)
	b.want(f, want)
	return f
}

func (b *bench) want(f *order.Failure, want outcome) {
	b.Helper()
	if f == nil {
		b.Fatalf("it succeeded; want %+v", want)
	}
	if f.Class != want.class || want.code != "" && f.Code != want.code || f.Spending != want.spending || f.Outage != want.outage {
		b.Fatalf("%s %s, spending %q, outage %t: %v; want %+v", f.Class, f.Code, f.Spending, f.Outage, f, want)
	}
}

// done runs the back end and wants the file of job n.
func (b *bench) done(r generate.Request, n int) {
	b.Helper()
	made, f := b.run(b.Context(), r)
	if f != nil {
		b.Fatalf("%s %s: %v", f.Class, f.Code, f)
	}
	if len(made.Files) != 1 || filepath.Dir(made.Files[0]) != r.OutputDir {
		b.Fatalf("files %q", made.Files)
	}
	got, err := os.ReadFile(made.Files[0])
	b.fake.mu.Lock()
	want := b.fake.jobs[n-1].file()
	b.fake.mu.Unlock()
	if err != nil || !bytes.Equal(got, want) {
		b.Fatalf("the file is %.150q, %v; want %.150q", got, err, want)
	}
}

func (b *bench) paid(want int) {
	b.Helper()
	if got := b.fake.Paid(); got != want {
		b.Errorf("%d calls were paid for, want %d", got, want)
	}
}

// outcome is what a failure has to say.
type outcome struct {
	class    order.Class
	code     string
	spending order.Spending
	outage   bool
}

// paidStatuses are what a status means for the call that is paid for.
var paidStatuses = map[int]outcome{
	400: {order.Hold, "rejected", order.SpentNothing, false},
	401: {order.Hold, "key_refused", order.SpentNothing, false},
	402: {order.Hold, "no_credit", order.SpentNothing, false},
	403: {order.Hold, "key_refused", order.SpentNothing, false},
	404: {order.Hold, "not_found", order.SpentNothing, false},
	408: {order.Retry, "outage", order.SpentUnknown, false},
	409: {order.Hold, "rejected", order.SpentNothing, false},
	413: {order.Hold, "rejected", order.SpentNothing, false},
	415: {order.Hold, "rejected", order.SpentNothing, false},
	422: {order.Hold, "rejected", order.SpentNothing, false},
	425: {order.Wait, "rate_limited", order.SpentNothing, false},
	429: {order.Wait, "rate_limited", order.SpentNothing, false},
	500: {order.Retry, "outage", order.SpentUnknown, false},
	501: {order.Hold, "rejected", order.SpentNothing, false},
	502: {order.Retry, "outage", order.SpentUnknown, false},
	503: {order.Retry, "outage", order.SpentNothing, true},
	504: {order.Retry, "outage", order.SpentUnknown, false},
	520: {order.Retry, "outage", order.SpentUnknown, false},
	529: {order.Retry, "outage", order.SpentNothing, true},
	204: {order.Retry, "", order.SpentUnknown, false},
	304: {order.Hold, "redirected", order.SpentNothing, false},
}

// askedStatuses are what a status means for a question about a job: the job goes
// on, unless the provider knows it no more.
var askedStatuses = map[int]outcome{
	400: {order.Hold, "rejected", order.SpentStill, false},
	401: {order.Hold, "key_refused", order.SpentStill, false},
	404: {order.Retry, "expired", order.Spent, false},
	410: {order.Retry, "expired", order.Spent, false},
	429: {order.Wait, "rate_limited", order.SpentStill, false},
	500: {order.Retry, "outage", order.SpentStill, true},
	503: {order.Retry, "outage", order.SpentStill, true},
	302: {order.Hold, "redirected", order.SpentStill, false},
}

// spoiled are whole answers of status 200 that are not what the API promises.
var spoiled = map[string]http.HandlerFunc{
	"a page":    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>be right back</html>") },
	"nothing":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) },
	"torn JSON": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"id":"job-1","sta`) },
	"a list":    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `[1,2,3]`) },
	"numbers": func(w http.ResponseWriter, _ *http.Request) {
		say(w, 200, fields{"id": 1, "status": 2, "data": 3, "state": 4, "request_id": 5, "candidates": 6, "images": 7, "task_id": fields{}, "base_resp": 8, "prompt_id": 9, "queue_running": 1})
	},
	"a truncated one": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"id":`)
	},
	"a stalled one": func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"id":`)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	},
	"a silent one": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
}

func (b *bench) success() {
	r := b.request()
	var tickets []string
	r.Call.Submitted = func(ticket string) error {
		tickets = append(tickets, ticket)
		for _, q := range b.fake.Requests() {
			if q.Part == Poll {
				b.Error("the job was asked about before its id was durable")
			}
		}
		return nil
	}
	b.done(r, 1)
	b.paid(1)
	if (len(tickets) == 1) != b.fake.shape.jobs {
		b.Errorf("tickets %q", tickets)
	}
	var said bool
	var all []byte
	for _, q := range b.fake.Requests() {
		said = said || q.Part == Submit && bytes.Contains(q.Body, []byte("a red fox"))
		all = append(all, q.Body...)
	}
	if !said {
		b.Error("the prompt did not reach the provider")
	}
	want := map[string]string{"base64": "iVBORw0KGgo", "multipart": string(onePixel), "upload": string(onePixel), "link": "https://client.example/reference.png"}[b.fake.shape.reference]
	if !bytes.Contains(all, []byte(want)) {
		b.Error("the reference did not reach the provider")
	}
}

func (b *bench) refusal(r refusal) {
	b.fake.Answer(r.part, func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range r.header {
			w.Header()[name] = values
		}
		w.WriteHeader(r.status)
		io.WriteString(w, r.body)
	})
	before := b.fake.Paid()
	_, f := b.run(b.Context(), b.request())
	if f == nil || f.Class != order.Fail || f.Code != "refused" || len(f.Error()) < len("the provider refuses: x") {
		b.Fatalf("got %+v, want a refusal with its reason", f)
	}
	if n := b.fake.Paid() - before; n > 1 {
		b.Errorf("%d calls were made", n)
	}
}

// status answers with the status, and with the key in the text, as some do.
func (b *bench) status(p Part, status int, want outcome) {
	b.fake.Answer(p, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		if status != http.StatusNoContent && status != http.StatusNotModified {
			fmt.Fprintf(w, `{"error":"%s\n %s is a bad key"}`, strings.Repeat("x", 150), remoteKey)
		}
	})
	f := b.fails(b.request(), want)
	if f.Class == order.Hold && f.Hint == "" {
		b.Errorf("the owner is told nothing to do: %v", f)
	}
	if p == Submit {
		b.paid(0)
		return
	}
	b.paid(1)
	if want.spending == order.SpentStill {
		b.fake.Answer(p, nil)
		b.done(b.resumed(), 1)
		b.paid(1)
	}
}

// resumed is the request of a run after one that has stored the first job's id.
func (b *bench) resumed() generate.Request {
	r := b.request()
	b.fake.mu.Lock()
	r.Call.Ticket, r.Call.Resumed = b.fake.jobs[0].id, true
	b.fake.mu.Unlock()
	if b.fake.shape.bare {
		r.Call.Ticket = "/jobs/" + r.Call.Ticket
	}
	return r
}

func (b *bench) limited() {
	for value, want := range map[string]time.Duration{"90": 90 * time.Second, time.Now().Add(2 * time.Minute).UTC().Format(http.TimeFormat): 2 * time.Minute,
		"soon": 30 * time.Second, "999999999": 6 * time.Hour, "-5": 0} {
		b.fake.Answer(Submit, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		if f := b.fails(b.request(), outcome{order.Wait, "rate_limited", order.SpentNothing, false}); f.After != want {
			b.Errorf("Retry-After %s: it waits %s, want %s", value, f.After, want)
		}
	}
}

func (b *bench) redirected() {
	for _, status := range []int{301, 302, 303, 307, 308} {
		b.fake.Answer(Submit, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://elsewhere.test/take-it")
			w.WriteHeader(status)
		})
		b.fails(b.request(), outcome{order.Hold, "redirected", order.SpentNothing, false})
	}
	b.stayed()
}

// spoiled wants that an answer of no use is never taken for a result, or for one
// that has cost nothing.
func (b *bench) spoiled(h http.HandlerFunc) {
	b.fake.Answer(Submit, h)
	began := time.Now()
	_, f := b.run(b.Context(), b.request())
	if f == nil && b.fake.shape.bare {
		return // it is a file, which is judged as one
	}
	if f == nil || f.Spending != order.SpentUnknown && f.Spending != order.Spent {
		b.Fatalf("got %+v", f)
	}
	if f.Class != order.Retry && f.Code != "refused" && f.Class != order.Hold {
		b.Errorf("%s %s: %v", f.Class, f.Code, f)
	}
	if took := time.Since(began); took > remoteTimeout {
		b.Errorf("it took %s", took)
	}
}

// asked wants that a spoiled answer to a question leaves the job to be asked
// about again.
func (b *bench) asked(h http.HandlerFunc) {
	if b.fake.shape.bare {
		return // it is a file, which is judged as one
	}
	b.fake.Answer(Poll, h)
	began := time.Now()
	_, f := b.run(b.Context(), b.request())
	if f == nil || f.Class != order.Retry || f.Spending != order.SpentStill || !f.Outage {
		b.Fatalf("got %+v", f) // it says nothing about the job, and is no attempt at it
	}
	if took := time.Since(began); took > remoteTimeout-time.Minute {
		b.Errorf("one answer was waited for %s", took)
	}
	b.fake.Answer(Poll, nil)
	b.done(b.resumed(), 1)
	b.paid(1)
}

// endless sends more than anybody would take, and counts how much was taken.
func (b *bench) endless(p Part) {
	b.fake.Answer(p, func(w http.ResponseWriter, r *http.Request) {
		chunk := bytes.Repeat([]byte(" "), 1<<20)
		for r.Context().Err() == nil {
			n, err := w.Write(chunk)
			if b.sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	_, f := b.run(b.Context(), b.request())
	if f == nil || f.Class != order.Retry && (p != Fetch || f.Class != order.Hold) || f.Spending == order.SpentNothing {
		b.Fatalf("got %+v", f)
	}
	if n := b.sent.Load(); n > 100<<20 {
		b.Errorf("%d bytes were taken", n)
	}
}

func (b *bench) unreachable() {
	b.net.Refuse.Store(true)
	b.fails(b.request(), outcome{order.Retry, "unreachable", order.SpentNothing, true})
	b.paid(0)
}

func (b *bench) unreachableQuestion() {
	r := b.request()
	r.Call.Submitted = func(string) error { b.net.Refuse.Store(true); return nil }
	b.fails(r, outcome{order.Retry, "unreachable", order.SpentStill, true})
	b.net.Refuse.Store(false)
	b.done(b.resumed(), 1)
	b.paid(1)
}

// tellingRefusal puts the key where the reason is cut, which leaves a part of it
// unless it is redacted before.
func (b *bench) tellingRefusal(r refusal) {
	for pad := 200; pad < 320; pad += 4 {
		text := strings.Repeat("y", pad) + " " + remoteKey + " "
		body := r.body
		for _, name := range []string{"message", "error", "reason", "msg", "failure", "failure_reason", "status_msg", "text"} {
			at := fmt.Sprintf("%q:\"", name)
			body = strings.Replace(body, at, at+text, 1)
		}
		b.refusal(refusal{r.part, r.status, r.header, body})
	}
}

// echo answers with the headers of the request, as a debugging proxy may.
func (b *bench) echo(p Part) {
	if p == Poll && b.fake.shape.bare {
		return // its answer is a file, which is judged as one
	}
	b.fake.Answer(p, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":{"message":"%v"},"detail":"%v"}`, r.Header["Authorization"], r.Header)
	})
	if _, f := b.run(b.Context(), b.request()); f == nil {
		b.Error("it succeeded")
	}
}

// two runs at once keep to their own orders.
func (b *bench) two() {
	var both sync.WaitGroup
	files := make([]string, 2)
	for i := range files {
		r := b.request()
		r.OrderID, r.OutputDir = fmt.Sprint("ord_", i), fmt.Sprint(r.OutputDir, i)
		r.Call.Key = fmt.Sprint("11111111-2222-4333-8444-55555555555", i)
		both.Go(func() {
			made, err := b.gen.Generate(b.Context(), r)
			if err != nil || len(made.Files) != 1 {
				b.Errorf("%v, %v", made, err)
				return
			}
			data, err := os.ReadFile(made.Files[0])
			if err != nil {
				b.Error(err)
			}
			files[i] = string(data)
		})
	}
	both.Wait()
	if files[0] == files[1] {
		b.Error("both got the same file")
	}
	b.paid(2)
}

func (b *bench) stoppedBefore() {
	ctx, cancel := context.WithCancelCause(b.Context())
	cancel(order.ErrStopping)
	_, f := b.run(ctx, b.request())
	b.want(f, outcome{order.Stopped, "stopped", order.SpentStill, false})
	if n := len(b.fake.Requests()); n != 0 {
		b.Errorf("%d requests were sent", n)
	}
}

func (b *bench) redirectedQuestion() {
	b.fake.Answer(Poll, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://elsewhere.test/take-it")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	b.fails(b.request(), outcome{order.Hold, "redirected", order.SpentStill, false})
	b.stayed()
}

// stayed wants that nothing went to another host than the provider's.
func (b *bench) stayed() {
	b.Helper()
	for _, r := range b.fake.Requests() {
		if r.Host != FakeHost {
			b.Errorf("%s was asked", r.Host)
		}
	}
}

func (b *bench) lost() {
	b.fake.Lose()
	b.fails(b.request(), outcome{order.Retry, "no_answer", order.SpentUnknown, false})
	b.paid(1)
	if !b.fake.shape.again {
		return
	}
	b.fake.Answer(Submit, nil)
	r := b.request()
	r.Call.Resumed = true
	made, f := b.run(b.Context(), r)
	if f != nil || len(made.Files) != 1 {
		b.Fatalf("the same call again: %+v, %v", made, f)
	}
	if b.fake.shape.jobs {
		b.paid(1)
	}
}

func (b *bench) stopped() {
	b.fake.Answer(Submit, spoiled["a silent one"])
	ctx, cancel := context.WithCancelCause(b.Context())
	time.AfterFunc(time.Second, func() { cancel(order.ErrStopping) })
	began := time.Now()
	_, f := b.run(ctx, b.request())
	b.want(f, outcome{order.Stopped, "stopped", order.SpentStill, false})
	if took := time.Since(began); took > time.Second {
		b.Errorf("it took %s", took)
	}
}

func (b *bench) keyless() {
	b.key = order.Failf(order.Hold, "misconfigured", "the key is not there").Nothing()
	b.fails(b.request(), outcome{order.Hold, "misconfigured", order.SpentNothing, false})
	if n := len(b.fake.Requests()); n != 0 {
		b.Errorf("%d requests were sent", n)
	}
}

func (b *bench) check() {
	if err := b.gen.Check(b.Context()); err != nil {
		b.Errorf("a provider that is well: %v", err)
	}
	hold := func(why string) {
		err := b.gen.Check(b.Context())
		f, ok := errors.AsType[*order.Failure](err)
		if !ok || f.Class != order.Hold || f.Hint == "" {
			b.Errorf("%s: %v", why, err)
		}
	}
	b.fake.Answer(Other, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	b.fake.Answer(Poll, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	hold("an outage")
	refuse := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }
	b.fake.Answer(Other, refuse)
	b.fake.Answer(Poll, refuse)
	hold("a wrong key")
	b.net.Refuse.Store(true)
	hold("nobody there")
	b.paid(0)
}

func (b *bench) checkSilent() {
	for _, p := range []Part{Submit, Poll, Other} {
		b.fake.Answer(p, spoiled["a silent one"])
	}
	began := time.Now()
	err := b.gen.Check(b.Context())
	f, ok := errors.AsType[*order.Failure](err)
	if !ok || f.Class != order.Hold || f.Hint == "" {
		b.Errorf("got %v", err)
	}
	if took := time.Since(began); took > time.Minute {
		b.Errorf("it took %s", took)
	}
}

func (b *bench) crashBeforePoll() {
	r := b.request()
	died := errors.New("the process has died")
	r.Call.Submitted = func(string) error { return died }
	if _, f := b.run(b.Context(), r); f == nil || !errors.Is(f, died) {
		b.Fatalf("got %v", f)
	}
	for _, q := range b.fake.Requests() {
		if q.Part == Poll {
			b.Error("the job was asked about though its id was not durable")
		}
	}
	b.done(b.resumed(), 1)
	b.paid(1)
}

func (b *bench) crashBeforeFile() {
	part := Fetch
	if b.fake.shape.bare {
		part = Poll
	}
	ctx, cancel := context.WithCancelCause(b.Context())
	b.fake.Answer(part, func(_ http.ResponseWriter, r *http.Request) {
		cancel(order.ErrStopping)
		<-r.Context().Done()
	})
	if _, f := b.run(ctx, b.request()); f == nil || f.Class != order.Stopped {
		b.Fatalf("got %+v", f)
	}
	b.fake.Answer(part, nil)
	b.done(b.resumed(), 1)
	b.paid(1)
}

func (b *bench) slow() {
	b.fake.mu.Lock()
	b.fake.delay = 3 * remoteTimeout / 2
	b.fake.mu.Unlock()
	b.fails(b.request(), outcome{order.Wait, "slow", order.SpentStill, false})
	b.done(b.resumed(), 1)
	b.paid(1)
}

// overdue wants a job that is never done to be held in the end.
func (b *bench) overdue() {
	b.fake.mu.Lock()
	b.fake.delay = 1000 * time.Hour
	b.fake.mu.Unlock()
	b.fails(b.request(), outcome{order.Wait, "slow", order.SpentStill, false})
	r := b.resumed()
	r.Call.Began = time.Now().Add(-25 * time.Hour)
	b.fails(r, outcome{order.Hold, "overdue", order.SpentStill, false})
	b.paid(1)
}

// keyLost takes the key away while a job runs: it is still there afterwards.
func (b *bench) keyLost() {
	r := b.request()
	r.Call.Submitted = func(string) error { return errors.New("the process has died") }
	b.run(b.Context(), r)
	b.key = order.Failf(order.Hold, "misconfigured", "the key is not there").Nothing()
	b.fails(b.resumed(), outcome{order.Hold, "misconfigured", order.SpentStill, false})
	b.key = nil
	b.done(b.resumed(), 1)
	b.paid(1)
}

func (b *bench) forgotten() {
	r := b.request()
	r.Call.Submitted = func(string) error { b.fake.Forget(); return nil }
	b.fails(r, outcome{order.Retry, "expired", order.Spent, false})
	b.paid(1)
}

func (b *bench) expired() {
	b.fake.Answer(Fetch, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	b.fails(b.request(), outcome{order.Retry, "expired", order.Spent, false})
	b.paid(1)
}

func (b *bench) emptyFile() {
	b.fake.Answer(Fetch, func(http.ResponseWriter, *http.Request) {})
	b.fails(b.request(), outcome{order.Retry, "bad_answer", order.Spent, false})
	b.paid(1)
}

// brokenFile wants that trouble with a file leaves the job, and no half file.
func (b *bench) brokenFile(h http.HandlerFunc) {
	b.fake.Answer(Fetch, h)
	r := b.request()
	_, f := b.run(b.Context(), r)
	if f == nil || f.Class != order.Retry && f.Class != order.Wait || f.Spending != order.SpentStill {
		b.Fatalf("got %+v", f)
	}
	if list, err := filepath.Glob(filepath.Join(r.OutputDir, "[^.]*")); err != nil || len(list) > 0 {
		b.Errorf("left %q, %v", list, err)
	}
	b.fake.Answer(Fetch, nil)
	b.done(b.resumed(), 1)
	b.paid(1)
}

func (b *bench) fileWithoutKey() {
	asked := false
	b.fake.Answer(Fetch, func(w http.ResponseWriter, r *http.Request) {
		asked = true
		b.noLeak(fmt.Sprint(r.Header), "the headers of a file's request")
		w.Write(b.fake.jobs[0].file())
	})
	b.done(b.request(), 1)
	if !asked {
		b.Error("no file was asked for")
	}
}

// linked has the provider name a file where only the owner may look.
func (b *bench) linked(link string) {
	b.fake.Answer(Poll, func(w http.ResponseWriter, r *http.Request) {
		b.fake.mu.Lock()
		defer b.fake.mu.Unlock()
		rec := httptest.NewRecorder()
		b.fake.shape.serve(b.fake, rec, r)
		w.WriteHeader(rec.Code)
		io.WriteString(w, strings.ReplaceAll(rec.Body.String(), b.fake.jobs[0].link(), link))
	})
	// To make another would most likely end in the same way.
	_, f := b.run(b.Context(), b.request())
	if f == nil || f.Class != order.Hold || f.Hint == "" || f.Spending == order.SpentNothing {
		b.Fatalf("got %+v", f)
	}
	b.stayed()
}
