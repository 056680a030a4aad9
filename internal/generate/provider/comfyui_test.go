package provider

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAWorkflowIsCheckedAtTheStart(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "workflow is missing",
		"no JSON":                 "no JSON object",
		"[]":                      "no JSON object",
		"{}":                      "no nodes",
		`{"1":{}} {`:              "something follows",
		`{"nodes":[],"links":[]}`: "not in API format",
		`{"3":{"inputs":{}}}`:     "has no class_type",
		`{"3":{"class_type":"A","inputs":{"a":["x {{prmpt}}"]}}}`:                 "unknown placeholder {{prmpt}}",
		`{"3":{"class_type":"A","inputs":{"a":"{{reference_10}}"}}}`:              "unknown placeholder {{reference_10}}",
		`{"3":{"class_type":"A","inputs":{"a":"{{width}} {{seed}} {{prompt}}"}}}`: "",
	} {
		_, err := newComfyUI(Spec{Workflow: []byte(text), Params: map[string]any{"width": 512}})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestAPromptIsTextInAWorkflowWhateverItSays(t *testing.T) {
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
