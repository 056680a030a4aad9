package provider

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

const geminiPath = "/v1beta/models/gemini-image"

func TestGeminiPutsParamsWhereTheyBelong(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{"POST " + geminiPath + ":generateContent": {{
		status: 200,
		body:   `{"candidates":[{"content":{"parts":[{"text":"here"}]}},{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"b25l"}},{"inlineData":{"data":"dHdv"}}]}}]}`,
	}}})
	spec := Spec{Type: "gemini", Model: "gemini-image", Params: map[string]any{"aspectRatio": "16:9", "imageSize": "2K", "temperature": 0.5}}
	files, f := s.generate(t, spec, generate.Request{References: pictures(t, 1)})
	if f != nil || !slices.Equal(files, []string{"one", "two"}) {
		t.Fatalf("got %q, %v", files, f)
	}
	got := s.requests("POST " + geminiPath + ":generateContent")[0]
	text, err := json.Marshal(got.body)
	want := `{"contents":[{"parts":[{"text":"a lighthouse"},{"inlineData":{"data":"cGljdHVyZQ==","mimeType":"image/png"}}],"role":"user"}],` +
		`"generationConfig":{"imageConfig":{"aspectRatio":"16:9","imageSize":"2K"},"responseModalities":["TEXT","IMAGE"],"temperature":0.5}}`
	if err != nil || string(text) != want || got.header.Get("X-Goog-Api-Key") != "k-123" {
		t.Errorf("sent %s with %v\nwant %s", text, got.header, want)
	}
}

func TestGeminiRefusesWithStatus200(t *testing.T) {
	t.Parallel()
	tests := []struct{ body, reason string }{
		{`{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}`, "PROHIBITED_CONTENT"},
		{`{"candidates":[{"finishReason":"IMAGE_SAFETY","finishMessage":"not this"}]}`, "not this"},
		{`{"candidates":[{"finishReason":"image_safety"}]}`, "image_safety"},
	}
	for _, test := range tests {
		s := script(t, map[string][]said{"POST " + geminiPath + ":generateContent": {{status: 200, body: test.body}}})
		_, f := s.generate(t, Spec{Type: "gemini", Model: "gemini-image"}, generate.Request{})
		if f == nil || f.Class != order.Fail || f.Code != order.CodeRefused || !strings.Contains(f.Error(), test.reason) {
			t.Errorf("%s: got %v", test.body, f)
		}
	}
}

// Another call may succeed when the model was cut off or failed.
func TestGeminiDistinguishesAnErrorFromARefusal(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"IMAGE_OTHER", "OTHER", "MAX_TOKENS", "MALFORMED_FUNCTION_CALL"} {
		s := script(t, map[string][]said{"POST " + geminiPath + ":generateContent": {{status: 200, body: `{"candidates":[{"finishReason":"` + end + `"}]}`}}})
		_, f := s.generate(t, Spec{Type: "gemini", Model: "gemini-image"}, generate.Request{})
		wantFailure(t, f, order.Retry, order.CodeProviderFailed, order.ChargeFull)
	}
}

func TestGeminiDistinguishesARateLimitFromAnEmptyAccount(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"error":{"message":"You exceeded your current quota, please check your plan and billing details","details":[{"retryDelay":"3600s"}]}}`: "provider_rate_limited 1h0m0s",
		`{"error":{"message":"Your prepayment credits are depleted"}}`:                                                                           "no_credit 0s",
		`{"error":{"message":"Quota exceeded for metric x, limit: 0, model: gemini-image"}}`:                                                     "no_credit 0s",
	} {
		_, f, _ := answered(t, Spec{Type: "gemini", Model: "gemini-image", Key: key}, 429, body)
		if got := fmt.Sprint(f.Code, " ", f.After); got != want || f.Charge != order.ChargeNone {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
}

func TestGeminiPutsRequestSettingsNextToTheConfig(t *testing.T) {
	t.Parallel()
	_, _, sent := answered(t, Spec{Type: "gemini", Model: "m", Key: key, Params: map[string]any{"safetySettings": []any{"x"}, "temperature": 1}}, 500, "")
	config, _ := sent["generationConfig"].(map[string]any)
	if sent["safetySettings"] == nil || config["safetySettings"] != nil || config["temperature"] == nil {
		t.Errorf("sent %v", sent)
	}
}
