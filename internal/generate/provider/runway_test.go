package provider

import (
	"os"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// mostRunwayPicture is the number of bytes above which a picture goes as a link. 5 MB of
// base64 hold more.
const mostRunwayPicture = 3 << 20

var runwaySpec = Spec{Type: "runway", Model: "gen4", Params: map[string]any{"ratio": "1280:720", "reference_limit": int64(3), "prompt_limit": int64(1000)}}

const runwayTask = "GET /v1/tasks/t1"

func TestRunwayChoosesThePathByOutputAndInput(t *testing.T) {
	t.Parallel()
	tests := []struct {
		makes      string
		references int
		path       string
	}{
		{"image", 0, "/v1/text_to_image"},
		{"image", 4, "/v1/text_to_image"},
		{"video", 0, "/v1/text_to_video"},
		{"video", 2, "/v1/image_to_video"},
	}
	for _, test := range tests {
		s := script(t, map[string][]said{
			"POST " + test.path: {{status: 200, body: `{"id":"t1"}`}},
			runwayTask:          {{status: 200, body: `{"status":"PENDING"}`}, {status: 200, body: `{"status":"THROTTLED"}`}, {status: 200, body: `{"status":"SUCCEEDED","output":["{{base}}/f"]}`}},
			"GET /f":            {{status: 200, body: "made"}},
		})
		spec := runwaySpec
		spec.Makes = test.makes
		files, f := s.generate(t, spec, generate.Request{References: pictures(t, test.references)})
		if f != nil || !slices.Equal(files, []string{"made"}) {
			t.Fatalf("%+v: got %q, %v", test, files, f)
		}
		sent := s.requests("POST " + test.path)[0]
		if sent.header.Get("X-Runway-Version") != "2024-11-06" || sent.header.Get("Authorization") != "Bearer k-123" || sent.body["ratio"] != "1280:720" ||
			sent.body["reference_limit"] != nil || sent.body["prompt_limit"] != nil {
			t.Errorf("%+v: sent %v %v", test, sent.header, sent.body)
		}
		list, _ := sent.body["referenceImages"].([]any)
		if want := min(test.references, 3); test.makes == "image" && len(list) != want || test.makes == "video" && list != nil {
			t.Errorf("%+v: sent the references %v", test, list)
		}
		if len(list) > 0 && list[0].(map[string]any)["uri"] != pictureURI {
			t.Errorf("%+v: sent the reference %v", test, list[0])
		}
		if first := sent.body["promptImage"]; (first == pictureURI) != (test.path == "/v1/image_to_video") {
			t.Errorf("%+v: sent the first picture %v", test, first)
		}
	}
}

// Its models take from 1,000 to 32,000 characters, and from 3 to 16 references.
func TestRunwayHasOnlyTheLimitsThatTheOwnerSets(t *testing.T) {
	t.Parallel()
	const asked = " make the hat blue"
	for _, test := range []struct {
		params             map[string]any
		length, references int
	}{
		{nil, 2000 + len(asked), 5},
		{map[string]any{"prompt_limit": int64(1000), "reference_limit": int64(3)}, 1000, 3},
	} {
		s := script(t, map[string][]said{"POST /v1/text_to_image": {{status: 400}}})
		s.generate(t, Spec{Type: "runway", Model: "m", Params: test.params}, generate.Request{Prompt: strings.Repeat("x", 2000) + asked, References: pictures(t, 5)})
		sent := s.requests("POST /v1/text_to_image")[0].body
		text, _ := sent["promptText"].(string)
		list, _ := sent["referenceImages"].([]any)
		if len(text) != test.length || !strings.HasSuffix(text, asked) || len(list) != test.references {
			t.Errorf("%v: sent %d characters that end with %q, and %d pictures", test.params, len(text), text[max(len(text)-20, 0):], len(list))
		}
	}
}

func TestRunwayGetsALargePictureAsALink(t *testing.T) {
	t.Parallel()
	list := pictures(t, 1)
	if err := os.Truncate(list[0].Path, mostRunwayPicture+1); err != nil {
		t.Fatal(err)
	}
	s := script(t, map[string][]said{"POST /v1/image_to_video": {{status: 400}}})
	s.generate(t, Spec{Type: "runway", Model: "m", Makes: "video"}, generate.Request{References: list})
	if sent := s.requests("POST /v1/image_to_video")[0].body["promptImage"]; sent != list[0].URL {
		t.Errorf("sent %.60v", sent)
	}
}

func TestRunwayClassifiesTheEndOfATask(t *testing.T) {
	t.Parallel()
	tests := []struct {
		answer   said
		class    order.Class
		code     order.Code
		spending order.Charge
	}{
		{said{status: 200, body: `{"status":"FAILED","failureCode":"SAFETY.INPUT.TEXT"}`}, order.Fail, order.CodeRefused, order.ChargeFull},
		{said{status: 200, body: `{"status":"FAILED","failureCode":"INPUT_PREPROCESSING.SAFETY.TEXT"}`}, order.Fail, order.CodeRefused, order.ChargeFull},
		{said{status: 200, body: `{"status":"FAILED","failureCode":"INPUT_PREPROCESSING.INTERNAL"}`}, order.Retry, order.CodeProviderFailed, order.ChargeFull},
		{said{status: 200, body: `{"status":"FAILED","failureCode":"INTERNAL.BAD_OUTPUT.CODE01","failure":"it went wrong"}`}, order.Retry, order.CodeProviderFailed, order.ChargeFull},
		{said{status: 200, body: `{"status":"CANCELLED"}`}, order.Retry, order.CodeProviderFailed, order.ChargeFull},
		{said{status: 200, body: `{"status":"FAILED","failureCode":"INTERNAL","cost":{"credits":0}}`}, order.Retry, order.CodeProviderFailed, order.ChargeNone},
		{said{status: 200, body: `{"status":"CANCELLED","cost":{"credits":0}}`}, order.Retry, order.CodeProviderFailed, order.ChargeNone},
		{said{status: 200, body: `{"status":"FAILED","failureCode":"SAFETY.INPUT.TEXT","cost":{"credits":"0"}}`}, order.Fail, order.CodeRefused, order.ChargeNone},
		{said{status: 200, body: `{"status":"FAILED","failureCode":"SAFETY.OUTPUT","cost":{"credits":25}}`}, order.Fail, order.CodeRefused, order.ChargeFull},
		{said{status: 200, body: `{"status":"FAILED","cost":"none"}`}, order.Retry, order.CodeProviderFailed, order.ChargeFull},
		{said{status: 200, body: `{"status":"SUCCEEDED","output":[]}`}, order.Wait, order.CodeNotVisible, order.ChargePending},
		{said{status: 404}, order.Wait, order.CodeExpired, order.ChargePending},
	}
	for _, test := range tests {
		s := script(t, map[string][]said{runwayTask: {test.answer}})
		_, f := s.resumed(t, runwaySpec, "t1")
		wantFailure(t, f, test.class, test.code, test.spending)
	}
}

func TestRunwayReportsItsCredits(t *testing.T) {
	t.Parallel()
	for cost, want := range map[string]order.USD{
		`{"credits":25}`: 250_000, `{"credits":"0.5"}`: 5_000, `{"credits":null}`: 0, `{"credits":-3}`: 0, `{"credits":1e300}`: 0, `7`: 0,
	} {
		s := script(t, map[string][]said{
			runwayTask: {{status: 200, body: `{"status":"SUCCEEDED","output":["{{base}}/f"],"cost":` + cost + `}`}}, "GET /f": {{status: 200, body: "made"}},
		})
		made, err := s.provider(t, runwaySpec).Generate(t.Context(), generate.Request{OutputDir: t.TempDir(), Call: generate.Call{Ticket: "t1"}})
		if err != nil || made.Cost != want {
			t.Errorf("%s: cost %d, %v; want %d", cost, made.Cost, err, want)
		}
	}
	s := script(t, map[string][]said{runwayTask: {{status: 200, body: `{"status":"FAILED","cost":{"credits":25}}`}}})
	if _, f := s.resumed(t, runwaySpec, "t1"); f == nil || f.Cost != 250_000 {
		t.Errorf("a failed task: %+v", f)
	}
}

func TestRunwayReadsRefusalsFromTheErrorOnly(t *testing.T) {
	t.Parallel()
	const place = "POST /v1/text_to_image"
	s := script(t, map[string][]said{place: {{status: 400, body: `{"error":"The prompt did not pass content moderation."}`}}})
	_, f := s.generate(t, runwaySpec, generate.Request{})
	wantFailure(t, f, order.Fail, order.CodeRefused, order.ChargeNone)

	s = script(t, map[string][]said{place: {{status: 400, body: `{"error":"Validation of body failed","issues":[{"path":["contentModeration"]}]}`}}})
	_, f = s.generate(t, runwaySpec, generate.Request{})
	wantFailure(t, f, order.Hold, order.CodeProviderRejected, order.ChargeNone)
}

func TestRunwayChecksTheKeyByTheOrganization(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{"GET /v1/organization": {{status: 200, body: `{}`}, {status: 401}}})
	p := s.provider(t, runwaySpec)
	if err := p.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := p.Check(t.Context()); err == nil {
		t.Error("a refused key was taken")
	}
}
