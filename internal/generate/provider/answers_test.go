package provider

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/secret"
)

// answered has a back end make one call that gets the answer, and returns what was
// sent.
func answered(t *testing.T, s Spec, status int, answer string) (made generate.Result, f *order.Failure, sent map[string]any) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	defer server.Close()
	s.BaseURL = server.URL
	p, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	made, err = p.Generate(context.Background(), generate.Request{OrderID: "ord_1", Attempt: 1, Prompt: "a fox", OutputDir: t.TempDir()})
	if err != nil {
		f = order.Classify(context.Background(), err)
	}
	return made, f, sent
}

func key() (secret.Text, error) { return secret.New("k"), nil }

func content(t *testing.T, made generate.Result) (list []string) {
	t.Helper()
	for _, file := range made.Files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(b))
	}
	return list
}

func TestADraftOfAModelIsNotAResult(t *testing.T) {
	t.Parallel()
	made, f, _ := answered(t, Spec{Type: "gemini", Model: "m", Key: key}, 200, `{"candidates":[{"content":{"parts":[
		{"thought":true,"inlineData":{"mimeType":"image/png","data":"ZHJhZnQ="}},{"inlineData":{"mimeType":"image/png","data":"ZmluYWw="}}]}}]}`)
	if f != nil {
		t.Fatal(f)
	}
	if got := content(t, made); len(got) != 1 || got[0] != "final" {
		t.Errorf("got %q", got)
	}
}

func TestAWrongKeyIsRecognisedInEveryForm(t *testing.T) {
	t.Parallel()
	_, f, _ := answered(t, Spec{Type: "gemini", Model: "m", Key: key}, 400, `{"error":{"code":400,"details":[{"reason":"API_KEY_INVALID"}]}}`)
	if f == nil || f.Code != order.CodeProviderKeyRefused {
		t.Errorf("got %v", f)
	}
}

func TestAModelIsAddedToOtherSettings(t *testing.T) {
	t.Parallel()
	made, f, sent := answered(t, Spec{Type: "a1111", Model: "sd", Params: map[string]any{"override_settings": map[string]any{"CLIP_stop_at_last_layers": 2}}},
		200, `{"images":["Z3JpZA==","b25l","dHdv"],"info":"{\"index_of_first_image\":1}"}`)
	if f != nil {
		t.Fatal(f)
	}
	settings, _ := sent["override_settings"].(map[string]any)
	if settings["sd_model_checkpoint"] != "sd" || settings["CLIP_stop_at_last_layers"] != 2.0 {
		t.Errorf("sent %v", sent)
	}
	if got := content(t, made); len(got) != 2 || got[0] != "one" {
		t.Errorf("got %q", got)
	}
}

func TestNoPathLeadsToAnotherHost(t *testing.T) {
	t.Parallel()
	p, err := New(Spec{Type: "a1111", BaseURL: "https://own.example/api"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.connect()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"": "https://own.example/api", "/a": "https://own.example/api/a", "https://own.example/b": "https://own.example/b",
		"@evil.example/x": "", "//evil.example/x": "", "https://evil.example/x": "", "http://own.example/x": "", "https://own.example:8443/x": "",
		"https://a@own.example/x": "", ".evil.example": "", "b": "",
	} {
		got, err := c.target(path)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", path, got, err, want)
		}
	}
}

func TestTheModelOfReplicateMayNameAVersion(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]string{"owner/name": "", "owner/name:c0ffee": "c0ffee", "c0ffee": "c0ffee"} {
		_, f, sent := answered(t, Spec{Type: "replicate", Model: model, Key: key}, 500, "")
		if got, _ := sent["version"].(string); f == nil || got != want {
			t.Errorf("%s: sent %v", model, sent)
		}
	}
}

func TestFlaggedPicturesOfFalAreARefusal(t *testing.T) {
	t.Parallel()
	for body, good := range map[string]bool{
		`{"images":[{"url":"https://a.example/1"}],"has_nsfw_concepts":[true]}`:                                     false,
		`{"images":[{"url":"https://a.example/1"},{"url":"https://a.example/2"}],"has_nsfw_concepts":[true,false]}`: true,
		`{"images":[{"url":"https://a.example/1"}]}`:                                                                true,
	} {
		out, err := falFiles(answer{status: 200, body: []byte(body), redact: strings.NewReplacer()})
		if (out != nil) != good || (err == nil) != good || good && out.blobs[len(out.blobs)-1].link == "https://a.example/1" && len(out.blobs) > 1 {
			t.Errorf("%s: %v, %v", body, out, err)
		}
	}
}

func TestAnErrorShowsTheMessageAndNotTheMarkup(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"error":{"code":400,"message":"API key not valid"}}`:              "API key not valid",
		`{"error":"brief too long"}`:                                        "brief too long",
		`{"detail":[{"loc":["body"],"msg":"field required","type":"x"}]}`:   "field required",
		`{"base_resp":{"status_code":1004,"status_msg":"login fail"}}`:      "login fail",
		`{"error":{"message":""},"message":"` + "two\nlines\x1b[31m" + `"}`: `{"error":{"message":""},"message":"two lines\x1b[31m"}`,
		`{"message":"two\nlines"}`:                                          "two lines",
		"\n<html><body>503</body></html>":                                   "a web page",
		"gateway down":                                                      "gateway down",
		"":                                                                  "an empty answer",
		`{"data":[]}`:                                                       `{"data":[]}`,
	} {
		if got := (answer{body: []byte(body), redact: strings.NewReplacer()}).snippet(); got != want {
			t.Errorf("%q: got %s, want %s", body, got, want)
		}
	}
	f := answer{status: 400, body: []byte("x"), redact: strings.NewReplacer()}.withStatus(http.StatusUnauthorized).failure()
	if f.Code != order.CodeProviderKeyRefused || !strings.HasPrefix(f.Error(), "the provider answered 400") {
		t.Errorf("got %s, %v", f.Code, f)
	}
}
