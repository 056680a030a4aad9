package provider

import (
	"os"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

var runwaySpec = Spec{Type: "runway", Model: "gen4", Params: map[string]any{"ratio": "1280:720"}}

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
		if sent.header.Get("X-Runway-Version") != "2024-11-06" || sent.header.Get("Authorization") != "Bearer k-123" || sent.body["ratio"] != "1280:720" {
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

func TestRunwayKeepsTheEndOfALongPrompt(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{"POST /v1/text_to_image": {{status: 400}}})
	s.generate(t, Spec{Type: "runway", Model: "m"}, generate.Request{Prompt: strings.Repeat("x", 2000) + " make the hat blue"})
	text, _ := s.requests("POST /v1/text_to_image")[0].body["promptText"].(string)
	if len(text) != runwayNeeds.PromptLimit || !strings.HasSuffix(text, "make the hat blue") {
		t.Errorf("sent %d characters that end with %q", len(text), text[max(len(text)-20, 0):])
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
		{said{status: 200, body: `{"status":"SUCCEEDED","output":[]}`}, order.Wait, order.CodeNotVisible, order.ChargePending},
		{said{status: 404}, order.Wait, order.CodeExpired, order.ChargePending},
	}
	for _, test := range tests {
		s := script(t, map[string][]said{runwayTask: {test.answer}})
		_, f := s.resumed(t, runwaySpec, "t1")
		wantFailure(t, f, test.class, test.code, test.spending)
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
