package provider

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

var lumaSpec = Spec{Type: "luma", Model: "ray-2", Makes: "video", Params: map[string]any{"aspect_ratio": "16:9"}}

const lumaJob = "GET /dream-machine/v1/generations/g1"

func TestLumaGetsReferencesAsLinks(t *testing.T) {
	t.Parallel()
	const frame = `{"frame0":{"type":"image","url":"https://example.com/picture.png"}}`
	const ref = `{"url":"https://example.com/picture.png"}`
	tests := []struct {
		makes, link, path, field, want string
		references                     int
	}{
		{"video", "https://example.com/picture.png", lumaPath + "/video", "keyframes", frame, 2},
		{"video", "http://example.com/picture.png", lumaPath + "/video", "keyframes", "null", 1},
		{"video", "", lumaPath + "/video", "keyframes", "null", 0},
		{"image", "https://example.com/picture.png", lumaPath + "/image", "image_ref", "[" + ref + "," + ref + "," + ref + "," + ref + "]", 5},
		{"image", "data:image/png;base64,eA==", lumaPath + "/image", "image_ref", "null", 1},
	}
	for _, test := range tests {
		s := script(t, map[string][]said{
			"POST " + test.path: {{status: 201, body: `{"id":"g1"}`}},
			lumaJob:             {{status: 200, body: `{"state":"queued"}`}, {status: 200, body: `{"state":"dreaming"}`}, {status: 200, body: `{"state":"completed","assets":{"` + test.makes + `":"{{base}}/f"}}`}},
			"GET /f":            {{status: 200, body: "made"}},
		})
		references := pictures(t, test.references)
		for i := range references {
			references[i].URL = test.link
		}
		spec := lumaSpec
		spec.Makes = test.makes
		files, f := s.generate(t, spec, generate.Request{References: references})
		if f != nil || !slices.Equal(files, []string{"made"}) {
			t.Fatalf("%+v: got %q, %v", test, files, f)
		}
		sent := s.requests("POST " + test.path)[0].body
		got, err := json.Marshal(sent[test.field])
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != test.want || sent["aspect_ratio"] != "16:9" || sent["model"] != "ray-2" {
			t.Errorf("%+v: sent %v", test, sent)
		}
	}
}

func TestLumaDeliversAVideoWithoutItsPreview(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{
		lumaJob:     {{status: 200, body: `{"state":"completed","assets":{"image":"{{base}}/preview","video":"{{base}}/film"}}`}},
		"GET /film": {{status: 200, body: "film"}},
	})
	if files, f := s.resumed(t, lumaSpec, "g1"); f != nil || !slices.Equal(files, []string{"film"}) {
		t.Errorf("got %q, %v", files, f)
	}
}

func TestLumaClassifiesTheEndOfAJob(t *testing.T) {
	t.Parallel()
	tests := []struct {
		answer   said
		class    order.Class
		code     order.Code
		spending order.Charge
	}{
		{said{status: 200, body: `{"state":"failed","failure_reason":"Advanced prompt moderation failed"}`}, order.Fail, order.CodeRefused, order.ChargeFull},
		{said{status: 200, body: `{"state":"failed","failure_reason":"Contains blacklisted words"}`}, order.Fail, order.CodeRefused, order.ChargeFull},
		{said{status: 200, body: `{"state":"failed","failure_reason":"Failed to read user input frames"}`}, order.Retry, order.CodeProviderFailed, order.ChargeFull},
		{said{status: 200, body: `{"state":"failed","failure_reason":null}`}, order.Retry, order.CodeProviderFailed, order.ChargeFull},
		{said{status: 200, body: `{"state":"completed","assets":null}`}, order.Wait, order.CodeNotVisible, order.ChargePending},
		{said{status: 404}, order.Wait, order.CodeExpired, order.ChargePending},
	}
	for _, test := range tests {
		s := script(t, map[string][]said{lumaJob: {test.answer}})
		_, f := s.resumed(t, lumaSpec, "g1")
		wantFailure(t, f, test.class, test.code, test.spending)
	}
}

func TestLumaChecksTheKeyByTheCredits(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{"GET /dream-machine/v1/credits": {{status: 200, body: `{}`}, {status: 403}}})
	p := s.provider(t, lumaSpec)
	if err := p.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := p.Check(t.Context()); err == nil {
		t.Error("a refused key was taken")
	}
}

func TestAProbeSeesAnEmptyAccount(t *testing.T) {
	t.Parallel()
	for place, spec := range map[string]Spec{"GET /dream-machine/v1/credits": lumaSpec, "GET /v1/organization": {Type: "runway", Model: "m"}} {
		for body, code := range map[string]order.Code{`{"credit_balance":0,"creditBalance":0}`: order.CodeNoCredit, `{"credit_balance":12.5,"creditBalance":3}`: "", `{}`: ""} {
			s := script(t, map[string][]said{place: {{status: 200, body: body}}})
			err := s.provider(t, spec).Check(t.Context())
			f, _ := errors.AsType[*order.Failure](err)
			if (err != nil) != (code != "") || f != nil && f.Code != code {
				t.Errorf("%s %s: got %v", place, body, err)
			}
		}
	}
}

func TestRunwayRecognisesAnEmptyAccount(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{"POST /v1/text_to_image": {{status: 400, body: `{"error":"You do not have enough credits to run this task."}`}}})
	_, f := s.generate(t, Spec{Type: "runway", Model: "m"}, generate.Request{})
	wantFailure(t, f, order.Hold, order.CodeNoCredit, order.ChargeNone)
}
