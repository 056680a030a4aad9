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

// Place is where a back end finds its provider. User is the name that goes with the
// key where the provider wants a password.
type Place struct {
	BaseURL   string
	User      string
	Key       func() (secret.Text, error)
	Transport http.RoundTripper
	Timeout   time.Duration
	Log       *slog.Logger
}

// remoteKey is the key, which no error, log or address may show.
const (
	remoteKey  = "sk-c0ffee-0000-secret"
	remoteUser = "owner"
)

// remoteTimeout limits a run. A job takes remoteDelay.
const (
	remoteTimeout = 10 * time.Minute
	remoteDelay   = 30 * time.Second
)

// bench is one provider and its back end, in simulated time.
type bench struct {
	*testing.T
	fake *Fake
	net  *pipenet.Listener
	gen  generate.Generator
	dir  string
	logs *bytes.Buffer
	sent atomic.Int64 // bytes of endless answers
	key  error        // what reading the key returns
}

// scenario is one thing that can happen to a call.
type scenario struct {
	name string
	run  func(*bench)
}

// RunRemote takes the back end for a provider of the given type through all that
// can happen to it: success, each refusal, each status, lost, slow, endless and
// truncated answers, and crashes between its steps.
func RunRemote(t *testing.T, typ string, newGenerator func(Place) (generate.Generator, error)) {
	runShape(t, shapes[typ], newGenerator)
}

func runShape(t *testing.T, s shape, newGenerator func(Place) (generate.Generator, error)) {
	list := callScenarios(s)
	if s.jobs {
		list = append(list, jobScenarios(s)...)
	}
	if s.bare {
		list = append(list, scenario{"a result that is empty at first", func(b *bench) {
			b.late(Poll, order.CodeNotVisible, func(http.ResponseWriter, *http.Request) {})
		}})
	}
	for i, p := range s.progress {
		list = append(list, scenario{fmt.Sprintf("progress %d", i+1), func(b *bench) { b.progress(p) }})
	}
	list = append(list, cancelScenarios(s)...)
	if s.jobs && !s.bare {
		list = append(list, fileScenarios(s)...)
	}
	list = append(append(list, formScenarios(s)...), s.more...)
	for _, c := range list {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			remote(t, s, newGenerator, c.run)
		})
	}
}

// callScenarios are those of the call that is paid for, and of the check.
func callScenarios(s shape) []scenario {
	list := []scenario{
		{"success", (*bench).success},
		{"a rate limit that says when it ends", (*bench).limited},
		{"a redirect gets no key", (*bench).redirected},
		{"an endless answer to the call", func(b *bench) { b.endless(Submit) }},
		{"provider unreachable", (*bench).unreachable},
		{"an answer that repeats what was sent", func(b *bench) { b.echo(Submit) }},
		{"two orders at once", (*bench).two},
		{"a lost answer", (*bench).lost},
		{"a stop", (*bench).stopped},
		{"a stop before it begins", (*bench).stoppedBefore},
		{"no key", (*bench).noKey},
		{"a check", (*bench).check},
		{"a check without an answer", (*bench).checkSilent},
	}
	for i, r := range s.refusals {
		list = append(list,
			scenario{fmt.Sprintf("refusal %d", i+1), func(b *bench) { b.refusal(r) }},
			scenario{fmt.Sprintf("refusal %d with the key in its reason", i+1), func(b *bench) { b.refusalWithKey(r) }})
	}
	for i, f := range s.failures {
		list = append(list, scenario{fmt.Sprintf("failure %d, %s", i+1, f.means), func(b *bench) { b.failure(f) }})
	}
	for i, answer := range s.beside {
		list = append(list, scenario{fmt.Sprintf("other files next to the result %d", i+1), func(b *bench) { b.beside(answer) }})
	}
	for status, want := range paidStatuses {
		if s.keyed && status == http.StatusConflict {
			want = outcome{order.Wait, order.CodeBusy, order.ChargePending, false} // it works on the first request
		}
		list = append(list, scenario{fmt.Sprintf("status %d to the call", status), func(b *bench) { b.status(Submit, status, want) }})
	}
	if s.keyed {
		list = append(list, scenario{"a key that came with another body", (*bench).keyReused})
	}
	for name, spoil := range spoiled {
		list = append(list, scenario{name + " to the call", func(b *bench) { b.spoiled(spoil) }})
	}
	return list
}

// jobScenarios are those of a job that is polled.
func jobScenarios(s shape) []scenario {
	list := []scenario{
		{"a poll that repeats what was sent", func(b *bench) { b.echo(Poll) }},
		{"a redirected poll", (*bench).redirectedPoll},
		{"provider unreachable for a poll", (*bench).unreachablePoll},
		{"a crash before the first poll", (*bench).crashBeforePoll},
		{"a crash before the file arrives", (*bench).crashBeforeFile},
		{"a job that takes too long", (*bench).slow},
		{"a job that is never done", (*bench).overdue},
		{"a key that is lost while a job runs", (*bench).keyLost},
		{"a forgotten job", (*bench).forgotten},
	}
	for status, want := range polledStatuses {
		if s.forgets || status != http.StatusNotFound && status != http.StatusGone {
			list = append(list, scenario{fmt.Sprintf("status %d to a poll", status), func(b *bench) { b.status(Poll, status, want) }})
		}
	}
	for i, answer := range s.unseen {
		list = append(list, scenario{fmt.Sprintf("done before its result is visible %d", i+1), func(b *bench) {
			b.late(Poll, order.CodeNotVisible, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, answer) })
		}})
	}
	for name, spoil := range spoiled {
		list = append(list, scenario{name + " to a poll", func(b *bench) { b.spoiledPoll(spoil) }})
	}
	return list
}

// fileScenarios are those of a finished file that is fetched.
func fileScenarios(s shape) []scenario {
	list := []scenario{
		{"an endless file", func(b *bench) { b.endless(Fetch) }},
		{"a file that is empty at first", func(b *bench) { b.late(Fetch, order.CodeExpired, func(http.ResponseWriter, *http.Request) {}) }},
	}
	statuses := []int{404, 410}
	if s.reference != "upload" && s.download == "" { // without a key, these do not speak of it
		statuses = append(statuses, 401, 403, 451)
	}
	for _, status := range statuses {
		list = append(list, scenario{fmt.Sprintf("status %d to a file at first", status), func(b *bench) {
			b.late(Fetch, order.CodeExpired, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		}})
	}
	for _, name := range []string{"a truncated answer", "a stalled answer", "no answer"} {
		list = append(list, scenario{name + " for a file", func(b *bench) { b.brokenFile(spoiled[name]) }})
	}
	for _, status := range []int{408, 429, 500, 503} {
		list = append(list, scenario{fmt.Sprintf("status %d to a file", status), func(b *bench) {
			b.brokenFile(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		}})
	}
	if s.reference == "upload" {
		return list // its files lie below the base URL and are fetched with the key
	}
	if s.download == "" {
		list = append(list, scenario{"a file is fetched without the key", (*bench).fileWithoutKey})
	}
	for _, link := range []string{"http://169.254.169.254/latest/meta-data", "http://127.0.0.1:8080/x", "file:///etc/passwd", "https://10.0.0.1/x"} {
		list = append(list, scenario{"a result at " + link, func(b *bench) { b.linked(link) }})
	}
	return list
}

func remote(t *testing.T, s shape, newGenerator func(Place) (generate.Generator, error), f func(*bench)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, fake: newFake(s, remoteKey, remoteDelay), net: pipenet.New(), dir: dir, logs: &bytes.Buffer{}}
		server := &http.Server{Handler: b.fake, ErrorLog: log.New(io.Discard, "", 0)}
		ended := make(chan struct{})
		go func() { defer close(ended); server.Serve(b.net) }()
		key := func() (secret.Text, error) { return secret.New(remoteKey), b.key }
		transport := &http.Transport{DialContext: b.net.Dial, DisableKeepAlives: true}
		gen, err := newGenerator(Place{
			"http://" + FakeHost, remoteUser, key, transport, remoteTimeout,
			slog.New(slog.NewTextHandler(b.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
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
		b.fresh()
	})
}

func (b *bench) noLeak(text, where string) {
	b.Helper()
	coded := base64.StdEncoding.EncodeToString([]byte(remoteUser + ":" + remoteKey))
	if strings.Contains(text, remoteKey[:6]) || strings.Contains(text, coded[:12]) {
		b.Errorf("the key is in %s: %.300s", where, text)
	}
}

// fresh expects a new value in each request for the headers that need one.
func (b *bench) fresh() {
	seen := map[string]bool{"": true}
	for _, name := range b.fake.shape.fresh {
		for _, r := range b.fake.Requests() {
			if value := r.Header.Get(name); r.Part != Fetch {
				if seen[value] {
					b.Errorf("%s has %s %q, which is not new", r.URL, name, value)
				}
				seen[value] = true
			}
		}
	}
}

// request returns an order of a first attempt whose call was not made yet.
func (b *bench) request() generate.Request {
	b.Helper()
	picture := filepath.Join(b.dir, "reference.png")
	if err := os.WriteFile(picture, onePixel, 0o600); err != nil {
		b.Fatal(err)
	}
	return generate.Request{
		OrderID: "ord_1", Attempt: 1, Brief: "a fox", Prompt: "a red fox", OutputDir: filepath.Join(b.dir, "out"),
		References: []generate.Reference{{Path: picture, MIME: "image/png", URL: "https://client.example/reference.png"}},
		Call:       generate.Call{Key: "11111111-2222-4333-8444-555555555555", Submitted: func(string) error { return nil }},
	}
}

// run runs the back end and returns its failure, which must not show the key.
func (b *bench) run(ctx context.Context, r generate.Request) (generate.Result, *order.Failure) {
	b.Helper()
	made, err := b.gen.Generate(ctx, r)
	if err == nil {
		return made, nil
	}
	b.noLeak(err.Error(), "an error")
	f, ok := errors.AsType[*order.Failure](err)
	if !ok {
		b.Fatalf("the error is not a failure: %v", err)
	}
	b.noLeak(f.Hint+f.Log, "a hint or log")
	if strings.ContainsAny(f.Error(), "\n\x1b") || len(f.Error()) > 700 {
		b.Errorf("the error is not one short line: %q", f.Error())
	}
	return made, f
}

// fails runs the back end and expects a failure.
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
	if f.Class != want.class || want.code != "" && f.Code != want.code || f.Charge != want.charge || f.Outage != want.outage {
		b.Fatalf("%s %s, charge %q, outage %t: %v; want %+v", f.Class, f.Code, f.Charge, f.Outage, f, want)
	}
}

// done runs the back end and expects the file of job n.
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

func (b *bench) success() {
	r := b.request()
	var tickets []string
	r.Call.Submitted = func(ticket string) error {
		tickets = append(tickets, ticket)
		for _, q := range b.fake.Requests() {
			if q.Part == Poll {
				b.Error("the job was polled before its id was durable")
			}
		}
		return nil
	}
	b.done(r, 1)
	b.paid(1)
	if (len(tickets) == 1) != (b.fake.shape.jobs || b.fake.shape.links) {
		b.Errorf("tickets %q", tickets)
	}
	var sent bool
	var all []byte
	for _, q := range b.fake.Requests() {
		sent = sent || q.Part == Submit && bytes.Contains(q.Body, []byte("a red fox"))
		all = append(all, q.Body...)
	}
	if !sent {
		b.Error("the prompt did not reach the provider")
	}
	want := map[string]string{"base64": "iVBORw0KGgo", "multipart": string(onePixel), "upload": string(onePixel), "link": "https://client.example/reference.png"}[b.fake.shape.reference]
	if !bytes.Contains(all, []byte(want)) {
		b.Error("the reference did not reach the provider")
	}
}

// two runs orders at the same time, each of which gets its own file.
func (b *bench) two() {
	var both sync.WaitGroup
	files, requests := make([]string, 2), []generate.Request{b.request(), b.request()}
	for i, r := range requests {
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
