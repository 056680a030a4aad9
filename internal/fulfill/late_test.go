package fulfill_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"atelierd/internal/fulfill"
	paid "atelierd/internal/generate/provider"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/secret"
)

// late is a provider whose first answers to one address are not the result.
type late struct {
	typ, model string
	submit     string // the answer to the call that is paid for
	poll       string // the answer about the job; {{link}} is the file's
	// at is the beginning of the address that answers late, and answers are what it
	// answers first.
	at      string
	answers []http.HandlerFunc

	minWidth    int // that the service requires
	paid, asked int
}

const lateHost = "http://late.test"

// RoundTrip implements http.RoundTripper.
func (l *late) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	l.serve(w, r)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

func (l *late) serve(w *httptest.ResponseRecorder, r *http.Request) {
	if r.Method == http.MethodPost {
		l.paid++
		if l.typ == "http" {
			w.Header().Set("Location", "/files/a")
			w.WriteHeader(http.StatusAccepted)
			return
		}
		l.say(w, l.submit, r)
		return
	}
	if strings.HasPrefix(r.URL.Path, l.at) {
		l.asked++
		if len(l.answers) > 0 {
			answer := l.answers[0]
			l.answers = l.answers[1:]
			answer(w, r)
			return
		}
	}
	switch {
	case strings.HasPrefix(r.URL.Path, "/files/"), r.URL.Path == "/view":
		fmt.Fprintf(w, "%slate", picture)
	case strings.HasPrefix(r.URL.Path, "/v1/files/retrieve"):
		l.say(w, `{"file":{"download_url":"{{link}}"},"base_resp":{"status_code":0}}`, r)
	case l.typ == "comfyui" && l.paid == 0:
		l.say(w, "{}", r)
	default:
		l.say(w, l.poll, r)
	}
}

func (l *late) say(w http.ResponseWriter, text string, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	fmt.Fprint(w, strings.NewReplacer("{{link}}", lateHost+"/files/a", "{{id}}", id).Replace(text))
}

// use makes l the provider of the service.
func (l *late) use(t *testing.T, w *world) {
	t.Helper()
	p, err := paid.New(paid.Spec{
		Type: l.typ, BaseURL: lateHost, Model: l.model, Transport: l,
		Workflow: []byte(`{"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{prompt}}"}}}`),
		Key:      func() (secret.Text, error) { return secret.New("k-123"), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.service = func(s *fulfill.Service) {
		s.Generators = []fulfill.Generator{{Name: "late", Backend: p, Price: price}}
		s.Requirements.MinWidth = l.minWidth
	}
	w.restart()
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

func replicateLate(at string, answers ...http.HandlerFunc) *late {
	return &late{
		typ: "replicate", model: "owner/model", submit: `{"id":"p1","status":"starting"}`,
		poll: `{"id":"p1","status":"succeeded","output":["{{link}}"]}`, at: at, answers: answers,
	}
}

func openAILate(answers ...http.HandlerFunc) *late {
	return &late{typ: "openai", model: "paint", submit: `{"data":[{"url":"{{link}}"}]}`, at: "/files/", answers: answers}
}

func httpLate(answers ...http.HandlerFunc) *late {
	return &late{typ: "http", at: "/files/", answers: answers}
}

// lateCases are what was seen at providers, by its name.
func lateCases() map[string]*late {
	denied := status(http.StatusForbidden, "<Error><Code>AccessDenied</Code></Error>")
	page := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!DOCTYPE html><title>Just a moment...</title>")
	}
	cut := status(http.StatusOK, string(picture[:40]))
	packed := func(w http.ResponseWriter, _ *http.Request) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		fmt.Fprintf(z, "%slate", picture)
		z.Close()
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(b.Bytes())
	}
	return map[string]*late{
		"08 openai, its link answers 403 at first":     openAILate(denied, denied),
		"10 replicate, its link answers 403 at first":  replicateLate("/files/", denied, denied),
		"11 replicate, its link shows a page at first": replicateLate("/files/", page, page),
		"12 openai, its link shows a page at first":    openAILate(page, page),
		"13 replicate, its link is empty at first":     replicateLate("/files/", status(200, ""), status(200, "")),
		"14 replicate, its link is cut without length": replicateLate("/files/", cut, cut),
		"15 replicate, its output is null at first": replicateLate("/v1/predictions/",
			status(200, `{"id":"p1","status":"succeeded","output":null}`), status(200, `{"id":"p1","status":"succeeded","output":null}`)),
		"17 comfyui, its view answers 404 at first": {
			typ: "comfyui", submit: `{"prompt_id":"p1"}`, at: "/view", answers: []http.HandlerFunc{status(404, "")},
			poll: `{"{{id}}":{"status":{"status_str":"success","completed":true},"outputs":{"9":{"images":[{"filename":"a.png","subfolder":"","type":"output"}]}}}}`,
		},
		"18 luma, its assets are null at first": {
			typ: "luma", model: "ray", submit: `{"id":"p1","state":"queued"}`, poll: `{"id":"p1","state":"completed","assets":{"image":"{{link}}"}}`,
			at: "/dream-machine/v1/generations/", answers: []http.HandlerFunc{status(200, `{"id":"p1","state":"completed","assets":null}`)},
		},
		"19 minimax, its file_id is empty at first": {
			typ: "minimax", model: "m", submit: `{"task_id":"p1","base_resp":{"status_code":0}}`,
			poll: `{"task_id":"p1","status":"Success","file_id":"f1","base_resp":{"status_code":0}}`,
			at:   "/v1/query/", answers: []http.HandlerFunc{status(200, `{"task_id":"p1","status":"Success","file_id":"","base_resp":{"status_code":0}}`)},
		},
		"runway, its output is missing at first": {
			typ: "runway", model: "r", submit: `{"id":"p1"}`, poll: `{"id":"p1","status":"SUCCEEDED","output":["{{link}}"]}`,
			at: "/v1/tasks/", answers: []http.HandlerFunc{status(200, `{"id":"p1","status":"SUCCEEDED"}`)},
		},
		"luma, only a preview is there at first": {
			typ: "luma", model: "ray", submit: `{"id":"p1"}`, poll: `{"id":"p1","state":"completed","assets":{"image":"{{link}}"}}`,
			at: "/dream-machine/v1/generations/", answers: []http.HandlerFunc{status(200, `{"state":"completed","assets":{"video":"http://late.test/x"}}`)},
		},
		"http, its location shows a page at first": httpLate(page, page),
		"http, its location is empty at first":     httpLate(status(200, ""), status(200, "")),
		"http, its location is cut without length": httpLate(cut, cut),
		"http, its location is not known at first": httpLate(status(404, "")),
		"replicate does not know the job at first": replicateLate("/v1/predictions/", status(404, "")),
		"40 replicate, its link is compressed":     replicateLate("/files/", packed),
	}
}

func TestALateResultIsWaitedForAndPaidForOnce(t *testing.T) {
	t.Parallel()
	for name, l := range lateCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				l.use(t, w)
				id := w.order()
				waits := len(l.answers)
				if strings.HasPrefix(name, "40") {
					waits = 0
				}
				for range waits {
					_, f := w.run(order.StageGenerate)
					if f == nil || !f.Late() || f.After > time.Minute {
						t.Fatalf("got %+v", f)
					}
					time.Sleep(f.After)
					w.restart() // the clock and the links are durable
				}
				w.must(order.StageGenerate)
				if l.paid != 1 || w.spent(id) != price || l.asked != waits+1 && waits > 0 {
					t.Errorf("%d calls were paid for, %s spent, asked %d times", l.paid, w.spent(id), l.asked)
				}
			})
		})
	}
}

// A result that never comes holds the order. Only the owner's redo pays again.
func TestAResultThatNeverComesIsHeldAndPaidAgainOnlyByARedo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		late *late
		code order.Code
	}{
		"a link that is gone":         {replicateLate("/files/", endless(status(404, ""))...), order.CodeExpired},
		"a link without a job":        {openAILate(endless(status(403, ""))...), order.CodeExpired},
		"a page at its link":          {replicateLate("/files/", endless(status(200, "<html></html>"))...), order.CodeExpired},
		"an output that is not shown": {replicateLate("/v1/predictions/", endless(status(200, `{"status":"succeeded","output":null}`))...), order.CodeNotVisible},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				c.late.use(t, w)
				id := w.order()
				began := time.Now()
				f := w.waitsLate(c.code)
				if took := time.Since(began); f.Class != order.Hold || took < order.LateLimit || took > order.LateLimit+time.Minute ||
					!strings.Contains(f.Hint, "redo") || w.spent(id) != price {
					t.Fatalf("after %s: %+v, spent %s", took, f, w.spent(id))
				}
				time.Sleep(time.Hour) // for more polls
				w.retry(id)           // it waits as long as before
				if f := w.waitsLate(c.code); f == nil || f.Class != order.Hold || f.Code != c.code {
					t.Fatalf("after a retry: %+v", f)
				}
				if c.late.paid != 1 {
					t.Errorf("%d calls were paid for", c.late.paid)
				}
				c.late.answers = nil
				w.redo(id, 0)
				w.must(order.StageGenerate)
				if c.late.paid != 2 || w.spent(id) != 2*price {
					t.Errorf("%d calls were paid for, %s spent", c.late.paid, w.spent(id))
				}
			})
		})
	}
}

func endless(h http.HandlerFunc) (list []http.HandlerFunc) {
	for range 200 {
		list = append(list, h)
	}
	return list
}

// waitsLate runs the stage until it no longer waits for the late result.
func (w *world) waitsLate(code order.Code) *order.Failure {
	w.t.Helper()
	for {
		_, f := w.run(order.StageGenerate)
		if f == nil || !f.Late() {
			return f
		}
		if f.Code != code {
			w.t.Fatalf("got %+v", f)
		}
		time.Sleep(f.After)
		w.poll()
	}
}

// A link may lead to another picture for a moment. The file is fetched once more before
// it is rejected, also when it was not there at first.
func TestAFetchedFileThatTheServiceRefusesIsFetchedOnceMore(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]*late{
		"at once": replicateLate("/files/"), "after it was late": replicateLate("/files/", status(404, "")), "at a location": httpLate(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				late.minWidth = 2
				late.use(t, w)
				w.order()
				waits := len(late.answers)
				for range waits {
					time.Sleep(w.fails(order.StageGenerate, order.Wait, order.CodeExpired).After)
				}
				w.fails(order.StageGenerate, order.Retry, order.CodeBadFile)
				if late.paid != 1 || late.asked != waits+2 {
					t.Errorf("%d calls were paid for, the file was fetched %d times", late.paid, late.asked)
				}
			})
		})
	}
}

// A job that runs again is late only from its own end.
func TestAJobThatRunsIsNotLate(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		runs := status(200, `{"id":"p1","status":"processing"}`)
		l := replicateLate("/v1/predictions/", status(404, ""), runs, status(404, ""))
		l.use(t, w)
		w.order()
		f := w.fails(order.StageGenerate, order.Wait, order.CodeExpired)
		time.Sleep(f.After + 2*order.LateLimit)
		w.poll()
		f = w.fails(order.StageGenerate, order.Wait, order.CodeExpired)
		time.Sleep(f.After)
		w.must(order.StageGenerate)
	})
}
