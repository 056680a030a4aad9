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

const comfyWorkflow = `{
	"3": {"class_type": "KSampler", "inputs": {"seed": "{{seed}}", "big": 18446744073709551615, "model": ["4", 0], "cfg": "{{cfg}}"}},
	"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{ prompt }}, sharp, {{cfg}}"}},
	"7": {"class_type": "LoadImage", "inputs": {"image": "{{reference_2}}"}},
	"9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "{{order_id}}"}}}`

const (
	comfyKey     = "6b1f0a1e-0000-4000-8000-000000000001"
	comfyHistory = "GET /history/" + comfyKey
)

var (
	comfySpec = Spec{Type: "comfyui", Workflow: []byte(comfyWorkflow), User: "me", Params: map[string]any{"cfg": 7.5}}
	plainSpec = Spec{Type: "comfyui", Workflow: []byte(`{"1": {"class_type": "SaveImage", "inputs": {"text": "{{prompt}}"}}}`)}
	comfyDone = said{status: 200, body: `{"` + comfyKey + `":{"outputs":{"9":{"images":[{"filename":"a.png","subfolder":"","type":"output"}]}},"status":{"status_str":"success","completed":true}}}`}
	comfyView = map[string][]said{
		"GET /view?filename=a.png&subfolder=&type=output": {{status: 200, body: "made"}},
	}
)

func comfyScript(t *testing.T, says map[string][]said) *scripted {
	t.Helper()
	for place, answers := range comfyView {
		says[place] = answers
	}
	return script(t, says)
}

func TestComfyUIFillsTheWorkflow(t *testing.T) {
	t.Parallel()
	s := comfyScript(t, map[string][]said{
		"POST /upload/image": {{status: 200, body: `{"name":"stored.png","subfolder":"in","type":"input"}`}},
		"POST /prompt":       {{status: 200, body: `{"prompt_id":"` + comfyKey + `","node_errors":{}}`}},
		comfyHistory:         {comfyDone},
	})
	files, f := s.generate(t, comfySpec, generate.Request{
		OrderID: "o1", Prompt: `a "boat" {{seed}} {{nothing}}`,
		References: pictures(t, 3), Call: generate.Call{Key: comfyKey},
	})
	if f != nil || !slices.Equal(files, []string{"made"}) {
		t.Fatalf("got %q, %v", files, f)
	}
	if n := len(s.requests("POST /upload/image")); n != 1 {
		t.Errorf("%d pictures were sent, the workflow uses 1", n)
	}
	sent := s.requests("POST /prompt")[0]
	want := fmt.Sprintf(`{"3":{"class_type":"KSampler","inputs":{"big":18446744073709552000,"cfg":7.5,"model":["4",0],"seed":%d}},`+
		`"6":{"class_type":"CLIPTextEncode","inputs":{"text":"a \"boat\" {{seed}} {{nothing}}, sharp, 7.5"}},`+
		`"7":{"class_type":"LoadImage","inputs":{"image":"in/stored.png"}},`+
		`"9":{"class_type":"SaveImage","inputs":{"filename_prefix":"o1"}}}`, seedOf(comfyKey))
	if text, _ := json.Marshal(sent.body["prompt"]); string(text) != want {
		t.Errorf("sent %s\nwant %s", text, want)
	}
	if sent.body["prompt_id"] != comfyKey || sent.header.Get("Authorization") != "Basic bWU6ay0xMjM=" {
		t.Errorf("sent id %v with %v", sent.body["prompt_id"], sent.header)
	}
}

func TestAWorkflowIsCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":        "workflow is missing",
		"no JSON": "not a JSON object",
		"[]":      "not a JSON object",
		`{"1":{"class_type":"KSampler","inputs":{"seed":"{{seed}}"}}}`: "neither {{prompt}} nor",
		"{}":                      "no nodes",
		`{"1":{}} {`:              "text follows",
		`{"nodes":[],"links":[]}`: "not in API format",
		`{"3":{"inputs":{}}}`:     "has no class_type",
		`{"prompt":{"3":{}}}`:     `node "prompt" has no class_type`,
		`{"3":{"class_type":"A","inputs":{"a":["x {{prmpt}}"]}}}`:                 "unknown placeholder {{prmpt}}",
		`{"3":{"class_type":"A","inputs":{"a":"{{reference_10}}"}}}`:              "unknown placeholder {{reference_10}}",
		`{"3":{"class_type":"A","inputs":{"a":"{{prompt}} {{ reference_0 }}"}}}`:  "unknown placeholder {{reference_0}}",
		`{"3":{"class_type":"A","inputs":{"a":"{{width}} {{seed}} {{prompt}}"}}}`: "",
	} {
		_, err := newComfyUI(Spec{Workflow: []byte(text), Params: map[string]any{"width": 512}})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestAPromptInAWorkflowIsOnlyText(t *testing.T) {
	t.Parallel()
	workflow, err := parseWorkflow([]byte(`{"3":{"class_type":"A","inputs":{"text":"{{prompt}}, {{ prompt }}","seed":"{{seed}}","big":123456789012345678901,"list":["{{width}}",1]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	hostile := `"}, {{seed}} \ $(x) {"`
	got, err := json.Marshal(fill(workflow, map[string]any{"prompt": hostile, "seed": 7, "width": 512}))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(hostile + ", " + hostile)
	want := `{"3":{"class_type":"A","inputs":{"big":123456789012345678901,"list":[512,1],"seed":7,"text":` + string(text) + `}}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if again, _ := json.Marshal(workflow); !strings.Contains(string(again), "{{prompt}}") {
		t.Error("the workflow itself was changed")
	}
}

func TestEachCallHasItsOwnSeed(t *testing.T) {
	t.Parallel()
	if one := seedOf(comfyKey); one == seedOf("another") {
		t.Errorf("two calls have the seed %d", one)
	}
}

func TestAWorkflowThatNeedsAMissingPictureIsHeld(t *testing.T) {
	t.Parallel()
	s := comfyScript(t, map[string][]said{})
	_, f := s.generate(t, comfySpec, generate.Request{References: pictures(t, 1), Call: generate.Call{Key: comfyKey}})
	wantFailure(t, f, order.Hold, order.CodeReference, order.ChargeNone)
	if len(s.got) > 0 {
		t.Errorf("sent %v", s.got)
	}
	s = comfyScript(t, map[string][]said{"POST /upload/image": {{status: 503}}})
	_, f = s.generate(t, comfySpec, generate.Request{References: pictures(t, 2), Call: generate.Call{Key: comfyKey}})
	wantFailure(t, f, order.Retry, order.CodeOutage, order.ChargeNone)
}

func TestComfyUISubmitsAKnownJobOnlyOnce(t *testing.T) {
	t.Parallel()
	const nothing, queue = `{}`, "GET /queue"
	empty := said{status: 200, body: `{"queue_running":[],"queue_pending":[]}`}
	waits := said{status: 200, body: `{"queue_running":[[1,"other",{}]],"queue_pending":[[2,"` + comfyKey + `",{},{},[]]]}`}
	tests := map[string]struct {
		history, queue []said
		posts          int
	}{
		"done":             {[]said{comfyDone}, []said{empty}, 0},
		"waiting":          {[]said{{status: 200, body: nothing}, comfyDone}, []said{waits}, 0},
		"ended in between": {[]said{{status: 200, body: nothing}, comfyDone}, []said{empty}, 0},
		"never submitted":  {[]said{{status: 200, body: nothing}, {status: 200, body: nothing}, comfyDone}, []said{empty}, 1},
	}
	for name, test := range tests {
		s := comfyScript(t, map[string][]said{
			comfyHistory: test.history, queue: test.queue,
			"POST /prompt": {{status: 200, body: `{"prompt_id":"` + comfyKey + `"}`}},
		})
		ticket, err := s.provider(t, plainSpec).Find(t.Context(), comfyKey)
		if err != nil || (ticket == comfyKey) != (test.posts == 0) {
			t.Errorf("%s: found %q, %v", name, ticket, err)
		}
		files, f := s.generate(t, plainSpec, generate.Request{Call: generate.Call{Key: comfyKey, Ticket: ticket}})
		if f != nil || !slices.Equal(files, []string{"made"}) || len(s.requests("POST /prompt")) != test.posts {
			t.Errorf("%s: got %q, %v, %d posts", name, files, f, len(s.requests("POST /prompt")))
		}
	}
}

func TestComfyUIReportsHowAJobEnded(t *testing.T) {
	t.Parallel()
	job := func(body string) []said { return []said{{status: 200, body: `{"` + comfyKey + `":` + body + `}`}} }
	tests := []struct {
		history []said
		code    order.Code
		want    string
	}{
		{job(`{"outputs":{},"status":{"status_str":"error","completed":false,"messages":[["execution_start",{}],` +
			`["execution_error",{"node_id":"3","node_type":"KSampler","exception_message":"out of memory"}]]}}`), order.CodeProviderFailed, "node 3 (KSampler): out of memory"},
		{job(`{"outputs":{},"status":{"completed":false,"messages":[["execution_interrupted",{}]]}}`), order.CodeProviderFailed, "interrupted"},
		{job(`{"outputs":{},"status":{"status_str":"error","completed":false,"messages":[]}}`), order.CodeProviderFailed, "not completed"},
		{job(`{"outputs":{},"status":null}`), order.CodeNoOutput, "no file"},
		{[]said{{status: 200, body: `{}`}}, order.CodeJobLost, "lost the job"},
	}
	for _, test := range tests {
		s := comfyScript(t, map[string][]said{comfyHistory: test.history, "GET /queue": {{status: 200, body: `{}`}}})
		_, f := s.resumed(t, plainSpec, comfyKey)
		class := order.Retry
		if test.code == order.CodeNoOutput { // the workflow would save nothing again
			class = order.Hold
		}
		wantFailure(t, f, class, test.code, order.ChargeFull)
		if !strings.Contains(f.Error(), test.want) {
			t.Errorf("got %v, want %s", f, test.want)
		}
	}
}
