package provider

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// This file holds answers that providers have given and that are easily read as
// failures, by which the same work is paid for again.

// odd is a file whose base64 needs both odd characters and padding.
const odd = "\xfb\xef\xbe\xff\xff\xff\xfb"

// answerCase is an exchange whose files must be found with one call.
type answerCase struct {
	name string
	spec Spec
	says map[string][]said
	want []string
	// paid is the request that costs money.
	paid string
}

func ok(body string) []said { return []said{{status: 200, body: body}} }

// answerCases are named after what is odd in the answer.
func answerCases() []answerCase {
	coded := base64.StdEncoding.EncodeToString([]byte(odd))
	safe := strings.NewReplacer("+", "-", "/", "_").Replace(coded)
	file := []said{{status: 200, body: "made"}}
	openAI := Spec{Type: "openai", Model: "m"}
	image := func(name, value string) answerCase {
		return answerCase{name, openAI, map[string][]said{"POST /images/generations": ok(`{"data":[{"b64_json":"` + value + `"}]}`)}, []string{odd}, "POST /images/generations"}
	}
	list := func(name, body string) answerCase {
		return answerCase{name, openAI, map[string][]said{"POST /images/generations": ok(body), "GET /f": file}, []string{"made"}, "POST /images/generations"}
	}
	app := func(name, model, state, result string) answerCase {
		base := "/" + model
		return answerCase{name, Spec{Type: "fal", Model: model}, map[string][]said{
			"POST " + base: ok(`{"request_id":"r1"}`),
			"GET " + base + "/requests/r1/status?logs=1": ok(`{"status":"` + state + `"}`),
			"GET " + base + "/requests/r1":               ok(result), "GET /f": file,
		}, []string{"made"}, "POST " + base}
	}
	service := func(name, kind, body string) answerCase {
		return answerCase{name, Spec{Type: "http"}, map[string][]said{
			"POST /": {{status: 200, body: body, header: map[string]string{"Content-Type": kind}}}, "GET /f": file,
		}, []string{"made"}, "POST /"}
	}
	return []answerCase{
		image("o03-urlsafe", safe), image("o04-unpadded", strings.TrimRight(coded, "=")),
		image("o06-spaces", "data:image/png;base64, "+coded), image("wrapped", coded[:5]+`\n`+coded[5:]+`\r\n`),
		image("both-odd", "DATA:image/png;charset=x;BASE64,"+strings.TrimRight(safe, "=")),
		list("a link in b64_json", `{"data":[{"b64_json":"{{base}}/f"}]}`), list("a list of links", `{"data":["{{base}}/f"]}`),
		list("no list", `{"data":{"url":"{{base}}/f"}}`), list("images", `{"images":[{"url":"{{base}}/f"}]}`),
		list("nested", `{"result":{"image":{"url":"{{base}}/f"}},"prompt":"https://client.example/x"}`),
		list("a BOM", "\xef\xbb\xbf"+`{"created":NaN,"data":[{"url":"{{base}}/f"}],"usage":"odd"}`),
		list("one that can be read", `{"data":[{"b64_json":"%%%"},{"url":"{{base}}/f"}]}`),
		app("f06-fal-lower", "a/b", "completed", `{"images":[{"url":"{{base}}/f"}]}`),
		app("f03-fal-comfy-outputs", "comfy/me/flow", "COMPLETED", `{"outputs":{"9":{"images":[{"url":"{{base}}/f"}]},"8":{"images":[{"url":"{{base}}/x","type":"temp"}]}}}`),
		app("f02-fal-strings", "a/b", "COMPLETED", `{"images":["{{base}}/f"]}`),
		app("f07-fal-output-key", "a/b", "COMPLETED", `{"output":{"url":"{{base}}/f"},"prompt":"https://client.example/x"}`),
		service("h03-json-as-plain", "text/plain", `{"urls":["{{base}}/f"]}`),
		service("h05-json-octet", "application/octet-stream", "\xef\xbb\xbf"+`{"urls":["{{base}}/f"]}`),
		service("a url that is a list", "application/json", `{"url":["{{base}}/f"],"cost_usd":NaN}`+"\ndone"),
		service("files of another name", "application/json", `{"files":[{"href":"{{base}}/f"}]}`),
	}
}

// jobCases are those of a job's id and state.
func jobCases() []answerCase {
	file := []said{{status: 200, body: "made"}}
	job := func(name string, created said, id string, states ...said) answerCase {
		return answerCase{name, Spec{Type: "replicate", Model: "o/n"}, map[string][]said{
			"POST /v1/models/o/n/predictions": {created}, "GET /v1/predictions/" + id: states, "GET /f": file,
		}, []string{"made"}, "POST /v1/models/o/n/predictions"}
	}
	done := said{status: 200, body: `{"status":"succeeded","output":"{{base}}/f"}`}
	begun := said{status: 201, body: `{"id":"p1","status":"starting"}`}
	return []answerCase{
		job("r20-numeric-id", said{status: 201, body: `{"id":1001,"status":"starting"}`}, "1001", done),
		job("a long numeric id", said{status: 201, body: `{"id":12345678901234567890}`}, "12345678901234567890", done),
		job("an id next to odd fields", said{status: 201, body: `{"status":{"x":1},"id":"p1","urls":7,"cost":NaN}`}, "p1", done),
		job("an id before a cut", said{status: 201, body: `{"id":"p1","status":"sta`}, "p1", done),
		job("an id in an envelope", said{status: 201, body: `{"data":{"id":"p1"}}`}, "p1", done),
		job("an id in a link", said{status: 201, body: `{"urls":{"get":"https://api.replicate.com/v1/predictions/p1"}}`}, "p1", done),
		job("r21-status-upper", begun, "p1", said{status: 200, body: `{"status":"SUCCEEDED","output":"{{base}}/f"}`}),
		job("r30-new-status-pauses", begun, "p1", said{status: 200, body: `{"status":"contemplating"}`}, said{status: 200, body: `{"status":"queued"}`}, done),
		job("an output next to odd fields", begun, "p1", said{status: 200, body: `{"status":"succeeded","error":{},"metrics":{"x":NaN},"output":["{{base}}/f"]}` + "\nend"}),
		{"w02-runway-lower", Spec{Type: "runway", Model: "m"}, map[string][]said{
			"POST /v1/text_to_image": ok(`{"id":"t1"}`), "GET /v1/tasks/t1": ok(`{"status":"succeeded","output":["{{base}}/f"]}`), "GET /f": file,
		}, []string{"made"}, "POST /v1/text_to_image"},
		{"m03-minimax-lower", minimaxSpec, map[string][]said{
			minimaxSubmit: ok(`{"task_id":106,"base_resp":{"status_code":"0"}}`), minimaxTask: ok(`{"status":"success","file_id":"77"}`),
			"GET /v1/files/retrieve?file_id=77": ok(`{"file":{"download_url":"{{base}}/f"}}`), "GET /f": file,
		}, []string{"made"}, minimaxSubmit},
		{"an upper luma", lumaSpec, map[string][]said{
			"POST /dream-machine/v1/generations/video": ok(`{"id":7}`),
			"GET /dream-machine/v1/generations/7":      ok(`{"state":"COMPLETED","assets":{"video":{"url":"{{base}}/f"}}}`), "GET /f": file,
		}, []string{"made"}, "POST /dream-machine/v1/generations/video"},
	}
}

func TestEveryFormOfAnAnswerIsReadOfOneCall(t *testing.T) {
	t.Parallel()
	for _, c := range append(answerCases(), jobCases()...) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := script(t, c.says)
			files, f := s.generate(t, c.spec, generate.Request{Attempt: 1})
			if f != nil || !slices.Equal(files, c.want) {
				t.Errorf("got %q, %v; want %q", files, f, c.want)
			}
			if n := len(s.requests(c.paid)); n != 1 {
				t.Errorf("%d calls were paid for", n)
			}
		})
	}
}

func TestG02NoImageIsTriedAgainAFewTimes(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"NO_IMAGE":      `{"candidates":[{"finishReason":"NO_IMAGE"}]}`,
		"no parts":      `{"candidates":[{"finishReason":"STOP","content":{}}]}`,
		"a sentence":    `{"candidates":[{"finishReason":"STOP","content":{"parts":[{"text":"Here is a fox, which I cannot draw"}]}}]}`,
		"lower case":    `{"candidates":[{"finishReason":"stop","content":{"parts":[]}}]}`,
		"no_image":      `{"candidates":[{"finishReason":"no_image"}]}`,
		"no candidates": `{"usageMetadata":{"totalTokenCount":7}}`,
		"unspecified":   `{"promptFeedback":{"blockReason":"BLOCK_REASON_UNSPECIFIED"}}`,
	} {
		s := script(t, map[string][]said{"POST " + geminiPath + ":generateContent": ok(body)})
		for attempt, class := range []order.Class{order.Retry, order.Retry, order.Hold} {
			_, f := s.generate(t, Spec{Type: "gemini", Model: "gemini-image"}, generate.Request{Attempt: attempt + 1})
			wantFailure(t, f, class, order.CodeNoOutput, order.ChargeFull)
			if (f.Hint != "") != (class == order.Hold) {
				t.Errorf("%s: hint %q", name, f.Hint)
			}
		}
	}
}

// An error inside a 200 means what it means with its status.
func TestAnErrorInsideASuccessIsAnError(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]order.Failure{
		`{"error":{"code":429,"message":"slow down"}}`:                                         {Class: order.Wait, Code: order.CodeProviderRateLimited, Charge: order.ChargeNone},
		`{"error":{"code":"429"}}`:                                                             {Class: order.Wait, Code: order.CodeProviderRateLimited, Charge: order.ChargeNone},
		`{"error":{"type":"rate_limit_error"}}`:                                                {Class: order.Wait, Code: order.CodeProviderRateLimited, Charge: order.ChargeNone},
		`{"error":{"status":"RESOURCE_EXHAUSTED"}}`:                                            {Class: order.Wait, Code: order.CodeProviderRateLimited, Charge: order.ChargeNone},
		`{"error":"Rate limit reached, try later"}`:                                            {Class: order.Wait, Code: order.CodeProviderRateLimited, Charge: order.ChargeNone},
		`{"errors":[],"error":[{"code":503}]}`:                                                 {Class: order.Retry, Code: order.CodeOutage, Charge: order.ChargeNone},
		`{"status":503,"message":"overloaded"}`:                                                {Class: order.Retry, Code: order.CodeOutage, Charge: order.ChargeNone},
		`{"error":{"type":"server_error","message":"x"}}`:                                      {Class: order.Retry, Code: order.CodeOutage, Charge: order.ChargeUnknown},
		`{"error":{"code":"insufficient_quota"}}`:                                              {Class: order.Hold, Code: order.CodeNoCredit, Charge: order.ChargeNone},
		`{"error":{"code":"invalid_api_key"}}`:                                                 {Class: order.Hold, Code: order.CodeProviderKeyRefused, Charge: order.ChargeNone},
		`{"error":{"code":"moderation_blocked"},"data":[]}`:                                    {Class: order.Fail, Code: order.CodeRefused, Charge: order.ChargeNone},
		`{"error":{"message":"Your request was rejected by our safety system."},"data":null}`:  {Class: order.Fail, Code: order.CodeRefused, Charge: order.ChargeNone},
		`{"data":[{"revised_prompt":"a fox"}]}`:                                                {Class: order.Hold, Code: order.CodeNoOutput},
		`{"data":[{"b64_json":"%%%"}]}`:                                                        {Class: order.Hold, Code: order.CodeBadAnswer},
		`{"error":{"message":"something odd"}}`:                                                {Class: order.Hold, Code: order.CodeBadAnswer, Charge: order.ChargeUnknown},
		`{"data":[],"error":{"message":"something odd"}}`:                                      {Class: order.Hold, Code: order.CodeBadAnswer, Charge: order.ChargeUnknown},
		`{"data":[],"error":null,"status":200}`:                                                {Class: order.Fail, Code: order.CodeRefused},
		`{"images":` + "[" + strings.Repeat(`"https://a.example/x",`, 20) + `"data:,x"]` + `}`: {Class: order.Hold, Code: order.CodeBadAnswer},
	} {
		s := script(t, map[string][]said{"POST /images/generations": ok(body)})
		_, f := s.generate(t, Spec{Type: "openai", Model: "m"}, generate.Request{})
		wantFailure(t, f, want.Class, want.Code, want.Charge)
		if t.Failed() {
			t.Fatal(body)
		}
	}
}

func TestAnErrorInsideAPollLeavesTheJobPending(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]order.Failure{
		`{"error":{"code":429}}`:                      {Class: order.Wait, Code: order.CodeProviderRateLimited, Charge: order.ChargePending},
		`{"error":{"message":"Service Unavailable"}}`: {Class: order.Retry, Code: order.CodeOutage, Charge: order.ChargePending},
		`{}`: {Class: order.Retry, Code: order.CodeBadAnswer, Charge: order.ChargePending},
		`{"status":"failed","error":"NSFW content"}`:             {Class: order.Fail, Code: order.CodeRefused},
		`{"status":"FAILED","error":{"message":"out of paint"}}`: {Class: order.Retry, Code: order.CodeProviderFailed},
	} {
		s := script(t, map[string][]said{"GET /v1/predictions/p1": ok(body)})
		_, f := s.resumed(t, Spec{Type: "replicate", Model: "o/n"}, "p1")
		wantFailure(t, f, want.Class, want.Code, want.Charge)
	}
}

// Work is never paid for again when the provider has accepted it in words that cannot
// be read.
func TestASuccessWithoutAnIDIsHeldAtOnce(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"ok":true}`, `{"id":null}`, `{"id":{"x":1}}`, "", "<html>"} {
		for place, spec := range map[string]Spec{
			"POST /v1/models/o/n/predictions": {Type: "replicate", Model: "o/n"}, "POST /a/b": {Type: "fal", Model: "a/b"},
			"POST /v1/text_to_image": {Type: "runway", Model: "m"}, "POST " + lumaPath + "/video": lumaSpec, minimaxSubmit: minimaxSpec,
		} {
			s := script(t, map[string][]said{place: {{status: 201, body: body}}})
			_, f := s.generate(t, spec, generate.Request{})
			wantFailure(t, f, order.Hold, order.CodeBadAnswer, order.ChargeUnknown)
			if !strings.Contains(fmt.Sprint(f.Hint), "paid for") || len(s.requests(place)) != 1 {
				t.Errorf("%s %q: hint %q", spec.Type, body, f.Hint)
			}
		}
	}
}

func TestAServiceMayRefuseOrFailWithASuccess(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]order.Failure{
		`{"refused":"true","reason":"no logos"}`: {Class: order.Fail, Code: order.CodeRefused},
		`{"error":{"code":429}}`:                 {Class: order.Wait, Code: order.CodeProviderRateLimited, Charge: order.ChargeNone},
		`{"message":"made"}`:                     {Class: order.Hold, Code: order.CodeNoOutput, Charge: order.ChargePending},
	} {
		s := script(t, map[string][]said{"POST /": {{status: 200, body: body, header: map[string]string{"Content-Type": "application/json"}}}})
		_, f := s.generate(t, Spec{Type: "http"}, generate.Request{Call: generate.Call{Key: "k"}})
		wantFailure(t, f, want.Class, want.Code, want.Charge)
	}
	// A text that names no files is the file.
	s := script(t, map[string][]said{"POST /": {{status: 200, body: `{"poem":"roses","status":404}`, header: map[string]string{"Content-Type": "text/plain"}}}})
	if files, f := s.generate(t, Spec{Type: "http"}, generate.Request{}); f != nil || len(files) != 1 {
		t.Errorf("got %q, %v", files, f)
	}
}
