package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/generate/recipe"
	"atelierd/internal/order"
	"atelierd/internal/secret"
)

// ownRun makes one request of a service, and returns what Generate returns.
func ownRun(t *testing.T, url string, key string, params map[string]any, req generate.Request) (generate.Result, error) {
	t.Helper()
	spec := Spec{Type: "http", BaseURL: url, Params: params, PollInterval: time.Millisecond}
	if key != "" {
		spec.Key = func() (secret.Text, error) { return secret.New(key), nil }
	}
	p, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	req.OutputDir = t.TempDir()
	return p.Generate(t.Context(), req)
}

// verified reports whether a request is signed with the key.
func verified(r *http.Request, body []byte, key string) bool {
	stamp, sum, ok := strings.Cut(strings.TrimPrefix(r.Header.Get("X-Atelierd-Signature"), "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(stamp + "." + string(body)))
	return ok && sum == hex.EncodeToString(mac.Sum(nil))
}

func TestAServiceGetsTheWholeOrderSigned(t *testing.T) {
	t.Parallel()
	const key = "owners-secret"
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.Method+" "+r.URL.Path)
		if !verified(r, body, key) {
			t.Errorf("%s is not signed: %v", r.URL.Path, r.Header)
		}
		if head, _ := json.Marshal(r.Header); strings.Contains(string(head), key) || strings.Contains(string(body), key) {
			t.Error("the key itself was sent")
		}
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, "made")
			return
		}
		var got map[string]any
		if err := json.Unmarshal(body, &got); err != nil {
			t.Error(err)
		}
		want := `{"attempt":2,"brief":"a <boat>","brief_english":"","brief_spec":null,"instructions":"less blue","messages":[{"at":"2026-01-02T03:04:05Z","from":"client","text":"bluer"}],"notes":["n"],` +
			`"order_id":"o1","params":{"style":"ink"},"piece":{"number":3,"request":"the third"},"previous_deliverables":[],"previous_takes":[{"instructions":"","take":1,"urls":["https://x/1.png"]}],"prompt":"p",` +
			`"references":[{"data":"cGljdHVyZQ==","media_type":"image/png","url":"https://example.com/picture.png"}],` +
			`"requirement_answers":[{"q":1}],"round":1,"service":{"category":"art","deliverables":[],"title":"s"}}`
		if text, _ := json.Marshal(got); strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(text)) != want {
			t.Errorf("sent %s\nwant %s", text, want)
		}
		if r.Header.Get("Idempotency-Key") != "call-1" {
			t.Errorf("the idempotency key is %q", r.Header.Get("Idempotency-Key"))
		}
		w.Header().Set("Location", "/jobs/7#x")
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	var ticket string
	made, err := ownRun(t, server.URL+"/make", key, map[string]any{"style": "ink", "health": "/up"}, generate.Request{
		OrderID: "o1", Round: 1, Attempt: 2, Piece: 3, Ask: "the third", Prompt: "p", Brief: "a <boat>", Notes: []string{"n"},
		RequirementAnswers: json.RawMessage(`[{"q":1}]`), References: pictures(t, 1), Instructions: "less blue",
		PreviousTakes: []generate.Take{{Number: 1, Files: []string{"/1.png"}, URLs: []string{"https://x/1.png"}}},
		Messages:      []generate.Message{{From: "client", Text: "bluer", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}},
		Service:       generate.Service{Title: "s", Category: "art"},
		Call:          generate.Call{Key: "call-1", Submitted: func(id string) error { ticket = id; return nil }},
	})
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(made.Files[0]); string(b) != "made" || ticket != "/jobs/7#x" {
		t.Errorf("got %q under ticket %q", b, ticket)
	}
	// A path is relative to the host, as in any Location, and not to /make.
	if want := []string{"POST /make", "GET /jobs/7"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}

func TestAServiceWithoutAKeyGetsNoSignature(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{"POST /": {{status: 200, body: "made"}}})
	if _, err := ownRun(t, s.url, "", nil, generate.Request{}); err != nil {
		t.Fatal(err)
	}
	if got := s.requests("POST /")[0].header; got.Get("X-Atelierd-Signature") != "" || got.Get("Idempotency-Key") != "" {
		t.Errorf("sent %v", got)
	}
}

func TestAServiceAnswersWithAFileOrLinksAndACost(t *testing.T) {
	t.Parallel()
	plain := map[string]string{"Content-Type": "image/png", "X-Cost-USD": "0.05"}
	object := map[string]string{"Content-Type": "application/json; charset=utf-8", "X-Cost-USD": "0.05"}
	tests := []struct {
		body   string
		header map[string]string
		files  int
		cost   order.USD
	}{
		{"png", plain, 1, 50_000},
		{`{"url":"{{base}}/f"}`, object, 1, 50_000},
		{`{"urls":["{{base}}/f","{{base}}/f"],"cost_usd":"0.04"}`, object, 2, 40_000},
		{`{"url":"{{base}}/f","urls":["{{base}}/f"],"cost_usd":0.03}`, object, 2, 30_000},
		{`{"url":"{{base}}/f","cost_usd":"much"}`, object, 1, 0},
		{`{"url":"{{base}}/f","cost_usd":"-1"}`, object, 1, 0},
	}
	for _, test := range tests {
		s := script(t, map[string][]said{"POST /": {{status: 200, body: test.body, header: test.header}}, "GET /f": {{status: 200, body: "made"}}})
		made, err := ownRun(t, s.url, "", nil, generate.Request{})
		if err != nil || len(made.Files) != test.files || made.Cost != test.cost {
			t.Errorf("%s: %d files for %s, %v", test.body, len(made.Files), made.Cost, err)
		}
	}
}

func TestAServicesFileMayBeLargerThanOtherAnswers(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", maxAsked+1)
	s := script(t, map[string][]said{"GET /j": {{status: 200, body: large, header: map[string]string{"Content-Type": "video/mp4"}}}})
	files, f := s.resumed(t, Spec{Type: "http"}, "/j")
	if f != nil || !slices.Equal(files, []string{large}) {
		t.Errorf("got %d files, %v", len(files), f)
	}
}

func TestAServiceMayRefuseOrFail(t *testing.T) {
	t.Parallel()
	no := said{status: 422, body: `{"refused":true,"reason":"no logos"}`, header: map[string]string{"X-Cost-USD": "0.01"}}
	s := script(t, map[string][]said{
		"POST /": {no}, "GET /j": {no}, "GET /broken": {{status: 422, body: `{"reason":"out of paint"}`}},
		"GET /refunded": {{status: 422, body: `{"reason":"out of paint","cost_usd":0}`}},
		"GET /old":      {{status: 410}}, "GET /busy": {{status: 500}},
	})
	_, f := s.generate(t, Spec{Type: "http"}, generate.Request{})
	wantFailure(t, f, order.Fail, order.CodeRefused, order.ChargeNone)
	if f.Cost != 10_000 || !strings.Contains(f.Error(), "no logos") {
		t.Errorf("got %v, cost %s", f, f.Cost)
	}
	for ticket, want := range map[string]order.Failure{
		"/j":        {Class: order.Fail, Code: order.CodeRefused},
		"/broken":   {Class: order.Retry, Code: order.CodeProviderFailed},
		"/refunded": {Class: order.Retry, Code: order.CodeProviderFailed, Charge: order.ChargeNone},
		"/old":      {Class: order.Wait, Code: order.CodeExpired, Charge: order.ChargePending},
		"/missing":  {Class: order.Wait, Code: order.CodeExpired, Charge: order.ChargePending},
		"/busy":     {Class: order.Retry, Code: order.CodeOutage, Charge: order.ChargePending},
	} {
		_, f := s.resumed(t, Spec{Type: "http"}, ticket)
		wantFailure(t, f, want.Class, want.Code, want.Charge)
	}
	s.says["POST /"] = []said{{status: 422, body: `{"detail":"no such field"}`}}
	_, f = s.generate(t, Spec{Type: "http"}, generate.Request{})
	wantFailure(t, f, order.Hold, order.CodeProviderRejected, order.ChargeNone)
}

// A service may answer 409 while it still works on the first request.
func TestABusyServiceIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{"POST /": {{status: 409}}})
	_, f := s.generate(t, Spec{Type: "http"}, generate.Request{Call: generate.Call{Key: "k", Resumed: true}})
	wantFailure(t, f, order.Wait, order.CodeBusy, order.ChargePending)
	_, f = s.generate(t, Spec{Type: "http"}, generate.Request{Call: generate.Call{Key: "k", Resumed: true, Began: time.Now().Add(-25 * time.Hour)}})
	wantFailure(t, f, order.Hold, order.CodeOverdue, order.ChargePending)
	// A restored database does not know that it has made the call.
	_, f = s.generate(t, Spec{Type: "http"}, generate.Request{Call: generate.Call{Key: "k"}})
	wantFailure(t, f, order.Wait, order.CodeBusy, order.ChargePending)
	_, f = s.generate(t, Spec{Type: "http"}, generate.Request{})
	wantFailure(t, f, order.Hold, order.CodeProviderRejected, order.ChargeNone)
}

func TestALocationStaysAtTheService(t *testing.T) {
	t.Parallel()
	for _, location := range []string{
		"https://elsewhere.example/j", "//elsewhere.example/j", "x:@elsewhere.example/j", "mailto:a@b",
		"http://user@{{host}}/j", "http:/", "%zz",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				t.Errorf("%s was asked for", r.URL)
			}
			w.Header().Set("Location", strings.ReplaceAll(location, "{{host}}", r.Host))
			w.WriteHeader(http.StatusAccepted)
		}))
		_, err := ownRun(t, server.URL, "k-123", nil, generate.Request{})
		f, _ := errors.AsType[*order.Failure](err)
		if f == nil || f.Class != order.Hold || f.Code != order.CodeElsewhere {
			t.Errorf("%s: got %v", location, err)
		}
		server.Close()
	}
	s := script(t, map[string][]said{"POST /": {{status: 202}}})
	_, f := s.generate(t, Spec{Type: "http"}, generate.Request{})
	wantFailure(t, f, order.Hold, order.CodeBadAnswer, order.ChargeUnknown)
}

func TestAServiceIsReadyWhenItAnswers(t *testing.T) {
	t.Parallel()
	for status, alive := range map[int]bool{200: true, 404: true, 405: true, 401: false, 403: false, 500: false} {
		s := script(t, map[string][]said{"GET /": {{status: status}}})
		if err := s.provider(t, Spec{Type: "http"}).Check(t.Context()); (err == nil) != alive {
			t.Errorf("%d: %v", status, err)
		}
	}
	s := script(t, map[string][]said{"GET /up": {{status: 200}}})
	if err := s.provider(t, Spec{Type: "http", Params: map[string]any{"health": "/up"}}).Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.provider(t, Spec{Type: "http", Params: map[string]any{"health": "/down"}}).Check(t.Context()); err == nil {
		t.Error("a health that is not there is taken")
	}
	for _, health := range []any{"up", "http://elsewhere.example/", 3} {
		if _, err := New(Spec{Type: "http", BaseURL: s.url, Params: map[string]any{"health": health}}); err == nil {
			t.Errorf("health %v is taken", health)
		}
	}
}

// The type of a text shows in its name only.
func TestATextGetsTheEndingOfItsType(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"text/plain; charset=utf-8": "result-1.txt", "text/markdown": "result-1.md", "image/png": "result-1", "": "result-1"} {
		s := script(t, map[string][]said{"POST /": {{status: 200, body: "a story", header: map[string]string{"Content-Type": kind}}}})
		made, err := ownRun(t, s.url, "", nil, generate.Request{})
		if err != nil || filepath.Base(made.Files[0]) != want {
			t.Errorf("%s: got %v, %v", kind, made.Files, err)
		}
	}
	s := script(t, map[string][]said{
		"POST /":            {{status: 200, body: `{"url":"{{base}}/story.md?a=1"}`, header: map[string]string{"Content-Type": "application/json"}}},
		"GET /story.md?a=1": {{status: 200, body: "a story"}},
	})
	made, err := ownRun(t, s.url, "", nil, generate.Request{})
	if err != nil || filepath.Base(made.Files[0]) != "result-1.md" {
		t.Errorf("got %v, %v", made.Files, err)
	}
}

func TestNothingIsSentWithoutAPrompt(t *testing.T) {
	t.Parallel()
	for _, needs := range Types() {
		typ := needs.Type
		spec := Spec{Type: typ, BaseURL: "http://127.0.0.1:1", Model: "a/b", Key: key, Recipe: recipe.Shipped()[0], Workflow: []byte(`{"1":{"class_type":"x","inputs":{"a":"{{reference_1}}"}}}`)}
		p, err := New(spec)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Generate(t.Context(), generate.Request{OrderID: "o1", OutputDir: t.TempDir()})
		f, _ := errors.AsType[*order.Failure](err)
		if f == nil {
			t.Fatalf("%s: got %v", typ, err)
		}
		if held := f.Code == order.CodeNoPrompt; held != (typ != "http" && typ != "comfyui") || held && (f.Class != order.Hold || f.Charge != order.ChargeNone) {
			t.Errorf("%s: got %s %s %q", typ, f.Class, f.Code, f.Charge)
		}
	}
}
