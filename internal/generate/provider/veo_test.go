package provider

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/secret"
)

const (
	veoPath      = "/v1beta/models/veo-3.1"
	veoOperated  = veoPath + "/operations/op-1"
	veoNamed     = "models/veo-3.1/operations/op-1"
	veoSubmitted = "POST " + veoPath + ":predictLongRunning"
)

var veoSpec = Spec{Type: "gemini", Makes: "video", Model: "veo-3.1"}

func TestVeoBeginsWithTheFirstPicture(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{
		veoSubmitted:                             {{status: 200, body: `{"name":"` + veoNamed + `"}`}},
		"GET " + veoOperated:                     {{status: 200, body: `{"name":"` + veoNamed + `","metadata":{}}`}, {status: 200, body: `{"name":"` + veoNamed + `","done":true,"response":{"generateVideoResponse":{"generatedSamples":[{"video":{"uri":"{{base}}/v1beta/files/f:download?alt=media"}}],"raiMediaFilteredCount":1}}}`}},
		"GET /v1beta/files/f:download?alt=media": {{status: 200, body: "film"}},
	})
	spec := veoSpec
	spec.Params = map[string]any{"durationSeconds": 8, "aspectRatio": "9:16"}
	files, f := s.generate(t, spec, generate.Request{References: pictures(t, 2)})
	if f != nil || !slices.Equal(files, []string{"film"}) {
		t.Fatalf("got %q, %v", files, f)
	}
	text, err := json.Marshal(s.requests(veoSubmitted)[0].body)
	want := `{"instances":[{"image":{"bytesBase64Encoded":"cGljdHVyZQ==","mimeType":"image/png"},"prompt":"a lighthouse"}],"parameters":{"aspectRatio":"9:16","durationSeconds":8}}`
	if err != nil || string(text) != want {
		t.Errorf("sent %s\nwant %s", text, want)
	}
}

func TestWhatBecameOfAnOperation(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		class  order.Class
		code   order.Code
		charge order.Charge
		reason string
	}{
		`{"done":true,"response":{"generateVideoResponse":{"raiMediaFilteredCount":2,"raiMediaFilteredReasons":["a face","sound"]}}}`: {order.Fail, order.CodeRefused, order.ChargeNone, "a face"},
		`{"done":true,"response":{"generateVideoResponse":{"raiMediaFilteredCount":"1"}}}`:                                            {order.Fail, order.CodeRefused, order.ChargeNone, "no reason given"},
		`{"done":true,"error":{"code":13,"message":"internal"}}`:                                                                      {order.Retry, order.CodeProviderFailed, order.ChargeFull, "internal"},
		`{"done":true,"error":{"code":3,"message":"durationSeconds"}}`:                                                                {order.Hold, order.CodeProviderFailed, order.ChargeFull, "durationSeconds"},
		`{"done":true,"error":"it broke"}`:                                                                                            {order.Retry, order.CodeProviderFailed, order.ChargeFull, "it broke"},
		`{"done":true,"response":{}}`:                                                                                                 {order.Wait, order.CodeNotVisible, order.ChargePending, ""},
		`{"done":true,"response":{"text":"no video"}}`:                                                                                {order.Hold, order.CodeNoOutput, order.ChargePending, ""},
		`{"error":{"code":404,"message":"no operation"}}`:                                                                             {order.Hold, order.CodeProviderNotFound, order.ChargePending, ""},
	} {
		s := script(t, map[string][]said{"GET " + veoOperated: {{status: 200, body: body}}})
		_, f := s.resumed(t, veoSpec, veoNamed)
		wantFailure(t, f, want.class, want.code, want.charge)
		if !strings.Contains(f.Error(), want.reason) {
			t.Errorf("%s: got %v", body, f)
		}
	}
	s := script(t, map[string][]said{"GET " + veoOperated: {{status: 200, body: `{"done":true,"response":{"generateVideoResponse":{"generatedSamples":[{"video":{"encodedVideo":"ZmlsbQ"}}]}}}`}}})
	if files, f := s.resumed(t, veoSpec, veoNamed); f != nil || !slices.Equal(files, []string{"film"}) {
		t.Errorf("a film inside the answer: got %q, %v", files, f)
	}
}

// redirects is a network in which a value of says that begins with https: is where the
// path redirects.
type redirects struct{ elsewhere }

func (e redirects) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := e.elsewhere.RoundTrip(r)
	at := r.URL.Host + r.URL.Path
	e.keys[at] = r.Header.Get("X-Goog-Api-Key")
	if to := e.says[at]; strings.HasPrefix(to, "https:") {
		resp.StatusCode = http.StatusFound
		resp.Header.Set("Location", to)
	}
	return resp, err
}

func TestTheKeyOfAVideoStaysAtTheProvider(t *testing.T) {
	t.Parallel()
	const google, other = "generativelanguage.googleapis.com", "video.usercontent.example"
	for name, test := range map[string]struct {
		uri   string
		says  map[string]string
		keyed []string
	}{
		"a redirect to another host": {
			"https://" + google + "/v1beta/files/f:download?alt=media",
			map[string]string{google + "/v1beta/files/f:download": "https://" + other + "/f", other + "/f": "film"},
			[]string{google + "/v1beta/files/f:download"},
		},
		"two redirects": {
			"https://" + google + "/v1beta/files/f:download?alt=media",
			map[string]string{
				google + "/v1beta/files/f:download":          "https://" + google + "/download/v1beta/files/f:download?alt=media",
				google + "/download/v1beta/files/f:download": "https://" + other + "/f", other + "/f": "film",
			},
			[]string{google + "/download/v1beta/files/f:download", google + "/v1beta/files/f:download"},
		},
		"a file at another host": {"https://" + other + "/f", map[string]string{other + "/f": "film"}, nil},
		"a name that looks alike": {
			"https://" + google + ".example/f", map[string]string{google + ".example/f": "film"}, nil,
		},
	} {
		net := redirects{elsewhere{keys: map[string]string{}, says: test.says}}
		net.says[google+veoOperated] = `{"name":"` + veoNamed + `","done":true,"response":{"generateVideoResponse":{"generatedSamples":[{"video":{"uri":"` + test.uri + `"}}]}}}`
		spec := veoSpec
		spec.BaseURL, spec.Transport, spec.PollInterval = "https://"+google, net, time.Millisecond
		spec.Key = func() (secret.Text, error) { return secret.New("k-123"), nil }
		p, err := New(spec)
		if err != nil {
			t.Fatal(err)
		}
		made, err := p.Generate(t.Context(), generate.Request{OutputDir: t.TempDir(), Call: generate.Call{Ticket: veoNamed}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if file, err := os.ReadFile(made.Files[0]); err != nil || string(file) != "film" {
			t.Errorf("%s: got %q, %v", name, file, err)
		}
		delete(net.keys, google+veoOperated)
		var keyed []string
		for at, key := range net.keys {
			if key != "" {
				keyed = append(keyed, at)
			}
		}
		if slices.Sort(keyed); !slices.Equal(keyed, test.keyed) {
			t.Errorf("%s: the key went to %v, want %v", name, keyed, test.keyed)
		}
	}
}

func TestAFileThatRedirectsWithoutEndIsLate(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{
		"GET " + veoOperated: {{status: 200, body: `{"done":true,"response":{"generateVideoResponse":{"generatedSamples":[{"video":{"uri":"{{base}}/f"}}]}}}`}},
		"GET /f":             {{status: 302, header: map[string]string{"Location": "/f"}}},
	})
	_, f := s.resumed(t, veoSpec, veoNamed)
	wantFailure(t, f, order.Wait, order.CodeExpired, order.ChargePending)
	if n := len(s.requests("GET /f")); n != mostRedirects+1 {
		t.Errorf("it was asked for %d times", n)
	}
}

func TestACheckSaysThatAModelMakesSomethingElse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ makes, methods, want string }{
		{"video", `["predictLongRunning"]`, ""},
		{"image", `["generateContent","countTokens"]`, ""},
		{"video", `["generateContent"]`, "predictLongRunning"},
		{"image", `["predictLongRunning"]`, "generateContent"},
		{"video", `[]`, ""},
		{"video", `7`, ""},
	} {
		s := script(t, map[string][]said{"GET " + veoPath: {{status: 200, body: `{"name":"models/veo-3.1","supportedGenerationMethods":` + test.methods + `}`}}})
		spec := veoSpec
		spec.Makes = test.makes
		f, _ := errors.AsType[*order.Failure](s.provider(t, spec).Check(t.Context()))
		switch {
		case (f != nil) != (test.want != ""):
			t.Errorf("%s with %s: %v", test.makes, test.methods, f)
		case f != nil && (!strings.Contains(f.Error(), test.want) || !strings.Contains(f.Hint, "makes")):
			t.Errorf("%s with %s: %v, hint %q", test.makes, test.methods, f, f.Hint)
		}
	}
}

func TestAVideoCostsByTheSecond(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{
		veoSubmitted:         {{status: 200, body: `{"name":"` + veoNamed + `"}`}},
		"GET " + veoOperated: {{status: 200, body: `{"done":true,"response":{"generateVideoResponse":{"generatedSamples":[{"video":{"uri":"{{base}}/f"}},{"video":{"uri":"{{base}}/f"}}],"raiMediaFilteredCount":1}}}`}},
		"GET /f":             {{status: 200, body: "film"}},
	})
	for _, test := range []struct {
		params map[string]any
		want   order.USD
	}{
		{map[string]any{usdPerSecond: 0.15, "durationSeconds": int64(6)}, 1_800_000},
		{map[string]any{usdPerSecond: "0.15", "durationSeconds": "6"}, 1_800_000},
		{map[string]any{usdPerSecond: int64(1)}, 16_000_000},
		{map[string]any{"durationSeconds": int64(6)}, 0},
	} {
		spec := veoSpec
		spec.Params = test.params
		made, err := s.provider(t, spec).Generate(t.Context(), generate.Request{Prompt: "a fox", OutputDir: t.TempDir()})
		if err != nil || made.Cost != test.want {
			t.Errorf("%v: got %s, %v, want %s", test.params, made.Cost, err, test.want)
		}
	}
	for _, sent := range s.requests(veoSubmitted) {
		if parameters, _ := sent.body["parameters"].(map[string]any); parameters[usdPerSecond] != nil {
			t.Errorf("sent %v", parameters)
		}
	}
	for _, wrong := range []map[string]any{{usdPerSecond: "much"}, {usdPerSecond: 0.15, "durationSeconds": "long"}} {
		spec := veoSpec
		spec.Params, spec.BaseURL = wrong, "https://example.com"
		spec.Key = func() (secret.Text, error) { return secret.New("k-123"), nil }
		if _, err := New(spec); err == nil || !strings.Contains(err.Error(), "params.") {
			t.Errorf("%v: got %v", wrong, err)
		}
	}
}
