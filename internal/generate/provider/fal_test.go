package provider

import (
	"encoding/base64"
	"strings"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/secret"
)

var falSpec = Spec{Type: "fal", Model: "fal-ai/flux/dev"}

const (
	falSubmit = "POST /fal-ai/flux/dev"
	falStatus = "GET /fal-ai/flux/requests/r1/status?logs=1"
	falResult = "GET /fal-ai/flux/requests/r1"
)

func TestFalPollsBelowTheFirstTwoPartsOfTheModel(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{
		falSubmit: {{status: 200, body: `{"request_id":"r1","status_url":"https://elsewhere.example/status"}`}},
		falStatus: {
			{status: 202, body: `{"status":"IN_QUEUE"}`},
			{status: 202, body: `{"status":"IN_PROGRESS"}`},
			{status: 200, body: `{"status":"COMPLETED"}`},
		},
		falResult: {{status: 200, body: `{"images":[{"url":"{{base}}/1"},{"url":"{{base}}/2"}],"video":null}`}},
		"GET /1":  {{status: 200, body: "one"}},
		"GET /2":  {{status: 200, body: "two"}},
	})
	var ticket string
	spec := falSpec
	spec.Params = map[string]any{"image_input": "start_image", "seed": 7}
	files, f := s.generate(t, spec, generate.Request{
		References: pictures(t, 1),
		Call:       generate.Call{Submitted: func(id string) error { ticket = id; return nil }},
	})
	if f != nil {
		t.Fatal(f)
	}
	if ticket != "r1" || strings.Join(files, " ") != "one two" {
		t.Errorf("got ticket %q and files %q", ticket, files)
	}
	sent := s.requests(falSubmit)[0]
	if sent.header.Get("Authorization") != "Key k-123" || sent.header.Get("X-Fal-No-Retry") != "1" {
		t.Errorf("sent the header %v", sent.header)
	}
	if sent.body["start_image"] != pictureURI || sent.body["image_url"] != nil || sent.body["image_input"] != nil || sent.body["seed"] != 7.0 {
		t.Errorf("sent %v", sent.body)
	}
}

func TestFalFindsTheFilesOfAnyApp(t *testing.T) {
	t.Parallel()
	for _, result := range []string{`{"image":{"url":"{{base}}/f"}}`, `{"video":{"url":"{{base}}/f"}}`, `{"videos":[{"url":"{{base}}/f"}]}`} {
		s := script(t, map[string][]said{
			falStatus: {{status: 200, body: `{"status":"COMPLETED"}`}},
			falResult: {{status: 200, body: result}}, "GET /f": {{status: 200, body: "made"}},
		})
		if files, f := s.resumed(t, falSpec, "r1"); f != nil || len(files) != 1 || files[0] != "made" {
			t.Errorf("%s: got %q, %v", result, files, f)
		}
	}
}

func TestFalClassifiesTheEndOfARequest(t *testing.T) {
	t.Parallel()
	done := said{status: 200, body: `{"status":"COMPLETED"}`}
	broken := said{status: 200, body: `{"status":"COMPLETED","error":"the runner was lost","error_type":"runner_disconnected"}`}
	tests := []struct {
		name          string
		state, result said
		class         order.Class
		code          order.Code
		spending      order.Charge
	}{
		{"a refusal in the list", done, said{status: 422, body: `{"detail":[{"type":"value_error","msg":"x"},{"type":"content_policy_violation","msg":"flagged"}]}`}, order.Fail, order.CodeRefused, order.ChargeFull},
		{"a refusal in the header", done, said{status: 422, body: `{"detail":"no"}`, header: map[string]string{"X-Fal-Error-Type": "content_policy_violation"}}, order.Fail, order.CodeRefused, order.ChargeFull},
		{"a refusal in the state", said{status: 200, body: `{"status":"COMPLETED","error_type":"content_policy_violation"}`}, said{status: 500}, order.Fail, order.CodeRefused, order.ChargeFull},
		{"an input that the app does not take", done, said{status: 422, body: `{"detail":[{"type":"image_too_small"}]}`}, order.Retry, order.CodeProviderFailed, order.ChargeFull},
		{"an app that gave nothing", done, said{status: 200, body: `{"images":[]}`}, order.Hold, order.CodeNoOutput, order.ChargePending},
		{"a result that is gone", done, said{status: 410}, order.Wait, order.CodeExpired, order.ChargePending},
		{"a gateway that is down", done, said{status: 502}, order.Retry, order.CodeOutage, order.ChargePending},
		{"too many questions", done, said{status: 429}, order.Wait, order.CodeProviderRateLimited, order.ChargePending},
		{"a slow gateway", done, said{status: 408}, order.Retry, order.CodeOutage, order.ChargePending},
		{"a request that failed", broken, said{status: 503}, order.Retry, order.CodeProviderFailed, order.ChargeNone},
		{"a request whose end says why", done, said{status: 500, header: map[string]string{"X-Fal-Error-Type": "runner_disconnected"}}, order.Retry, order.CodeProviderFailed, order.ChargeNone},
		{"too many questions about one that failed", broken, said{status: 429}, order.Wait, order.CodeProviderRateLimited, order.ChargePending},
		{"a request that is gone", said{status: 404}, said{}, order.Wait, order.CodeExpired, order.ChargePending},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := script(t, map[string][]said{falStatus: {test.state}, falResult: {test.result}})
			_, f := s.resumed(t, falSpec, "r1")
			wantFailure(t, f, test.class, test.code, test.spending)
			if len(s.requests(falSubmit)) > 0 {
				t.Error("submitted again")
			}
		})
	}
}

func TestFalChargesNothingForAnImmediateRefusal(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{falSubmit: {{status: 422, body: `{"detail":[{"type":"content_policy_violation","msg":"flagged"}]}`}}})
	_, f := s.generate(t, falSpec, generate.Request{})
	wantFailure(t, f, order.Fail, order.CodeRefused, order.ChargeNone)
	if !strings.Contains(f.Error(), "flagged") {
		t.Errorf("got %v, want its reason", f)
	}
}

func TestFalIsPolledAtTheAddressThatItNames(t *testing.T) {
	t.Parallel()
	const at = "/workflows/me/flow/deep/requests/r1"
	s := script(t, map[string][]said{
		"POST /workflows/me/flow/deep": {{status: 200, body: `{"request_id":"r1","response_url":"{{base}}` + at + `"}`}},
		"GET " + at + "/status?logs=1": {{status: 200, body: `{"status":"COMPLETED"}`}},
		"GET " + at:                    {{status: 200, body: `{"image":{"url":"{{base}}/f"}}`}},
		"GET /f":                       {{status: 200, body: "made"}},
	})
	if files, f := s.generate(t, Spec{Type: "fal", Model: "workflows/me/flow/deep"}, generate.Request{}); f != nil || len(files) != 1 {
		t.Errorf("got %q, %v", files, f)
	}
	// Another host gets no key, so the address is made from the model.
	s = script(t, map[string][]said{
		"POST /comfy/me/flow":                          {{status: 200, body: `{"request_id":"r1","response_url":"https://elsewhere.example/requests/r1"}`}},
		"GET /comfy/me/flow/requests/r1/status?logs=1": {{status: 404}},
	})
	_, f := s.generate(t, Spec{Type: "fal", Model: "comfy/me/flow"}, generate.Request{})
	wantFailure(t, f, order.Wait, order.CodeExpired, order.ChargePending)
}

func TestFalMayAnswerWithThePictures(t *testing.T) {
	t.Parallel()
	large := base64.StdEncoding.EncodeToString(make([]byte, 5<<20))
	s := script(t, map[string][]said{
		falStatus: {{status: 200, body: `{"status":"COMPLETED"}`}},
		falResult: {{status: 200, body: `{"images":[{"url":"data:image/png;base64,` + large + `"}]}`}},
	})
	if files, f := s.resumed(t, falSpec, "r1"); f != nil || len(files) != 1 || len(files[0]) != 5<<20 {
		t.Errorf("got %d files, %v", len(files), f)
	}
}

func TestFalKeepsAJobPendingWhenTheAddressChanged(t *testing.T) {
	t.Parallel()
	s := script(t, nil)
	_, f := s.resumed(t, falSpec, "https://elsewhere.example/fal-ai/flux/requests/r1")
	wantFailure(t, f, order.Hold, order.CodeElsewhere, order.ChargePending)
}

func TestFalRecognisesAnEmptyAccount(t *testing.T) {
	t.Parallel()
	for body, code := range map[string]order.Code{`{"detail":"User is locked. Reason: Exhausted balance."}`: order.CodeNoCredit, `{"detail":"forbidden"}`: order.CodeProviderKeyRefused} {
		s := script(t, map[string][]said{falSubmit: {{status: 403, body: body}}})
		_, f := s.generate(t, falSpec, generate.Request{})
		wantFailure(t, f, order.Hold, code, order.ChargeNone)
	}
}

func TestFalChecksTheKeyWithAnUnknownRequest(t *testing.T) {
	t.Parallel()
	const place = "GET /fal-ai/flux/requests/00000000-0000-0000-0000-000000000000/status"
	for status, alive := range map[int]bool{200: true, 400: true, 404: true, 422: true, 401: false, 403: false, 500: false} {
		s := script(t, map[string][]said{place: {{status: status}}})
		if err := s.provider(t, falSpec).Check(t.Context()); (err == nil) != alive {
			t.Errorf("%d: got %v, want alive %v", status, err, alive)
		}
	}
}

func TestFalDemandsThePathOfAnApp(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"flux", "/flux", "fal-ai/"} {
		_, err := New(Spec{Type: "fal", Model: model, BaseURL: "https://queue.fal.run", Key: func() (secret.Text, error) { return secret.Text{}, nil }})
		if err == nil {
			t.Errorf("%q was taken", model)
		}
	}
}
