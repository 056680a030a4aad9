package provider

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// This file holds variants of the answers in cases_test.go at other providers.

// pixel is a PNG, which is recognised by its content.
const pixel = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"

// variantCases must find the file with one call.
func variantCases() []answerCase {
	coded := base64.StdEncoding.EncodeToString([]byte(pixel))
	file := []said{{status: 200, body: "made"}}
	fal := func(name, result, want string) answerCase {
		return answerCase{name, Spec{Type: "fal", Model: "a/b"}, map[string][]said{
			"POST /a/b": ok(`{"request_id":1001}`), "GET /a/b/requests/1001/status?logs=1": ok(`{"status":"COMPLETED"}`),
			"GET /a/b/requests/1001": ok(result), "GET /f": file,
		}, []string{want}, "POST /a/b"}
	}
	replicate := func(name, result, want string) answerCase {
		const at = "POST /v1/models/o/n/predictions"
		return answerCase{name, Spec{Type: "replicate", Model: "o/n"}, map[string][]said{
			at: ok(`{"id":"p1"}`), "GET /v1/predictions/p1": ok(result), "GET /f": file,
		}, []string{want}, at}
	}
	luma := func(name, result string) answerCase {
		return answerCase{name, lumaSpec, map[string][]said{
			"POST " + lumaPath + "/video": ok(`{"id":"7"}`), "GET " + lumaPath + "/7": ok(result), "GET /f": file,
		}, []string{"made"}, "POST " + lumaPath + "/video"}
	}
	openAI := func(name, result, want string) answerCase {
		const at = "POST /images/generations"
		return answerCase{name, Spec{Type: "openai", Model: "m"}, map[string][]said{at: ok(result), "GET /f": file}, []string{want}, at}
	}
	service := func(name, kind, body, want string) answerCase {
		return answerCase{name, Spec{Type: "http"}, map[string][]said{
			"POST /": {{status: 200, body: body, header: map[string]string{"Content-Type": kind}}}, "GET /f": file,
		}, []string{want}, "POST /"}
	}
	a1111 := func(name, body string) answerCase {
		const at = "POST /sdapi/v1/txt2img"
		return answerCase{name, Spec{Type: "a1111"}, map[string][]said{at: ok(body)}, []string{pixel}, at}
	}
	return []answerCase{
		fal("fal: a list", `[{"url":"{{base}}/f"}]`, "made"), fal("fal: a text", `"{{base}}/f"`, "made"),
		fal("fal: in an envelope", `{"data":{"images":["{{base}}/f"]}}`, "made"),
		fal("fal: base64 in a table", `{"images":[{"content":"`+coded+`","content_type":"image/png"}]}`, pixel),
		replicate("replicate: base64 alone", `{"status":"succeeded","output":["`+coded+`"]}`, pixel),
		replicate("replicate: base64 in a table", `{"status":"Succeeded","output":{"image":"`+coded+`","seed":"7"}}`, pixel),
		replicate("replicate: a data address with a space", `{"status":"succeeded","output":"data:image/png;base64, `+coded+`"}`, pixel),
		luma("luma: a list", `{"state":"completed","assets":["{{base}}/f"]}`),
		luma("luma: a text", `{"state":"Completed","assets":"{{base}}/f"}`),
		luma("luma: another name", `{"state":"completed","assets":{"video_url":"{{base}}/f"}}`),
		openAI("openai: one of two fields", `{"data":[{"b64_json":"%","url":"{{base}}/f"}]}`, "made"),
		{"openai: one field of two in one of two", Spec{Type: "openai", Model: "m"}, map[string][]said{
			"POST /images/generations": ok(`{"data":[{"b64_json":"%","url":"{{base}}/f"},{"b64_json":"` + coded + `"}]}`), "GET /f": file,
		}, []string{"made", pixel}, "POST /images/generations"},
		openAI("openai: a call of a response", `{"output":[{"type":"image_generation_call","result":"`+coded+`"}]}`, pixel),
		openAI("openai: a list", `[{"url":"{{base}}/f"}]`, "made"),
		openAI("openai: a link named twice", `{"result":{"image":"{{base}}/f","download":"{{base}}/f"}}`, "made"),
		service("http: another JSON", "application/vnd.api+json", `{"files":[{"href":"{{base}}/f"}]}`, "made"),
		service("http: base64", "application/json", `{"image":"`+coded+`"}`, pixel),
		service("http: as a page", "text/html", `{"url":"{{base}}/f"}`, "made"),
		a1111("a1111: not a list", `{"images":"`+coded+`","info":null}`),
		a1111("a1111: a table", `{"images":[{"data":"`+coded+`"}],"info":""}`),
		a1111("a1111: one that can be read", `{"images":["data:image/png;base64,`+strings.TrimRight(coded, "=")+`","%"]}`),
	}
}

func TestVariantsOfAnAnswerAreReadOfOneCall(t *testing.T) {
	t.Parallel()
	for _, c := range variantCases() {
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

// A result that is not visible yet is asked for again, wherever it is asked for.
func TestAResultThatIsNotVisibleYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	falDone := ok(`{"status":"COMPLETED"}`)
	const fal, falState = "GET /a/b/requests/r1", "GET /a/b/requests/r1/status?logs=1"
	minimax := func(file said) map[string][]said {
		return map[string][]said{minimaxTask: ok(`{"status":"Success","file_id":"77"}`), "GET /v1/files/retrieve?file_id=77": {file}}
	}
	for name, c := range map[string]struct {
		spec   Spec
		ticket string
		says   map[string][]said
	}{
		"fal: nothing":          {Spec{Type: "fal", Model: "a/b"}, "r1", map[string][]said{falState: falDone, fal: ok(`{}`)}},
		"fal: an empty field":   {Spec{Type: "fal", Model: "a/b"}, "r1", map[string][]said{falState: falDone, fal: ok(`{"images":null,"seed":7}`)}},
		"fal: null":             {Spec{Type: "fal", Model: "a/b"}, "r1", map[string][]said{falState: falDone, fal: ok(`null`)}},
		"fal: no body":          {Spec{Type: "fal", Model: "a/b"}, "r1", map[string][]said{falState: falDone, fal: ok("")}},
		"fal: not found":        {Spec{Type: "fal", Model: "a/b"}, "r1", map[string][]said{falState: falDone}},
		"fal: still running":    {Spec{Type: "fal", Model: "a/b"}, "r1", map[string][]said{falState: falDone, fal: {{status: 400, body: `{"detail":"Request is still in progress"}`}}}},
		"luma: only a preview":  {lumaSpec, "7", map[string][]said{"GET " + lumaPath + "/7": ok(`{"state":"completed","assets":{"video":null,"image":"{{base}}/f"}}`)}},
		"luma: only a progress": {lumaSpec, "7", map[string][]said{"GET " + lumaPath + "/7": ok(`{"state":"completed","assets":{"video":"","progress_video":"{{base}}/f"}}`)}},
		"runway: empty texts":   {Spec{Type: "runway", Model: "m"}, "t", map[string][]said{"GET /v1/tasks/t": ok(`{"status":"SUCCEEDED","output":["",null]}`)}},
		"replicate: blank":      {Spec{Type: "replicate", Model: "o/n"}, "p", map[string][]said{"GET /v1/predictions/p": ok(`{"status":"succeeded","output":" "}`)}},
		"minimax: no such file": {minimaxSpec, "106", minimax(said{status: 200, body: `{"base_resp":{"status_code":2013,"status_msg":"invalid params"}}`})},
		"minimax: no address":   {minimaxSpec, "106", minimax(said{status: 200, body: `{"file":{"download_url":null}}`})},
		"http: an empty file":   {Spec{Type: "http"}, "/jobs/1", map[string][]said{"GET /jobs/1": {{status: 200, header: map[string]string{"Content-Type": "image/png"}}}}},
		"http: null":            {Spec{Type: "http"}, "/jobs/1", map[string][]said{"GET /jobs/1": {{status: 200, body: `{"url":null}`, header: map[string]string{"Content-Type": "application/json"}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, f := script(t, c.says).resumed(t, c.spec, c.ticket)
			want := order.CodeNotVisible
			if strings.HasSuffix(name, "not found") || strings.HasSuffix(name, "no such file") {
				want = order.CodeExpired
			}
			if f == nil || !f.Late() || f.Code != want {
				t.Errorf("got %q, %+v; want a late result, %s", files, f, want)
			}
		})
	}
}

// An error of any form in an answer without a job is what it says.
func TestVariantsOfAnErrorInsideASuccess(t *testing.T) {
	t.Parallel()
	limited := order.Failure{Class: order.Wait, Code: order.CodeProviderRateLimited, Charge: order.ChargeNone}
	for body, want := range map[string]order.Failure{
		`{"success":false,"message":"Rate limit exceeded"}`:         limited,
		`{"detail":"Request was throttled. Expected in 1 s"}`:       limited,
		`{"errors":[{"code":429,"message":"slow down"}]}`:           limited,
		`{"errors":[{"message":"Too Many Requests"}]}`:              limited,
		`{"status":"error","msg":"too many requests"}`:              limited,
		`{"error":"429 Too Many Requests"}`:                         limited,
		`{"error":{"code":"1302","message":"rate limit"}}`:          limited,
		`{"error":{"code":403,"message":"Your input was flagged"}}`: {Class: order.Fail, Code: order.CodeRefused, Charge: order.ChargeNone},
		`{"detail":"Service temporarily unavailable"}`:              {Class: order.Retry, Code: order.CodeOutage, Charge: order.ChargeNone},
		`{"error":"You exceeded your current quota"}`:               {Class: order.Hold, Code: order.CodeNoCredit, Charge: order.ChargeNone},
	} {
		s := script(t, map[string][]said{"POST /images/generations": ok(body)})
		_, f := s.generate(t, Spec{Type: "openai", Model: "m"}, generate.Request{})
		if wantFailure(t, f, want.Class, want.Code, want.Charge); t.Failed() {
			t.Error(body)
		}
	}
}

// ComfyUI's own ids are texts. A server behind it may use numbers, and text for a truth
// value.
func TestAWorkflowWithANumberForAnIDIsFollowed(t *testing.T) {
	t.Parallel()
	const poll = "GET /history/17"
	s := script(t, map[string][]said{
		"POST /prompt": ok(`{"prompt_id":17,"node_errors":{}}`), "GET /queue": ok(`{"queue_running":[[1,17,{}]],"queue_pending":[]}`),
		poll: {{status: 200, body: "{}"}, {status: 200, body: "{}"}, {status: 200, body: `{"17":{"status":{"status_str":"success","completed":"true","messages":[["execution_start",{}]]},` +
			`"outputs":{"9":{"images":[{"filename":"f.png","subfolder":"","type":"output"}]}}}}`}},
		"GET /view?filename=f.png&subfolder=&type=output": ok("made"),
	})
	files, f := s.generate(t, Spec{Type: "comfyui", Workflow: []byte(`{"6":{"class_type":"T","inputs":{"text":"{{prompt}}"}}}`)}, generate.Request{})
	if f != nil || !slices.Equal(files, []string{"made"}) || len(s.requests("POST /prompt")) != 1 {
		t.Errorf("got %q, %v", files, f)
	}
}
