package provider

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

func TestA1111MakesOrEditsAPicture(t *testing.T) {
	t.Parallel()
	answer := []said{{status: 200, body: `{"images":["b25l","data:image/png;base64,dHdv"]}`}}
	for path, references := range map[string]int{"/sdapi/v1/txt2img": 0, "/sdapi/v1/img2img": 2} {
		s := script(t, map[string][]said{"POST " + path: answer})
		spec := Spec{Type: "a1111", User: "me", Model: "paint", Params: map[string]any{"steps": 20}}
		files, f := s.generate(t, spec, generate.Request{References: pictures(t, references)})
		if f != nil || !slices.Equal(files, []string{"one", "two"}) {
			t.Fatalf("%s: got %q, %v", path, files, f)
		}
		want := `{"override_settings":{"sd_model_checkpoint":"paint"},"prompt":"a lighthouse","steps":20}`
		if references > 0 {
			want = `{"init_images":["cGljdHVyZQ=="],` + want[1:]
		}
		got := s.requests("POST " + path)[0]
		if text, _ := json.Marshal(got.body); string(text) != want || got.header.Get("Authorization") != "Basic bWU6ay0xMjM=" {
			t.Errorf("sent %s with %v\nwant %s", text, got.header, want)
		}
	}
}

func TestA1111GivesTheClientOnlyWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	one, four := `["b25l"`, `["Z3JpZA==","b25l","dHdv"`
	for name, c := range map[string]struct {
		answer string
		params map[string]any
		want   []string
	}{
		"a01-controlnet-map":           {`{"images":` + one + `,"bWFw"],"info":"{\"index_of_first_image\":0,\"all_seeds\":[1]}"}`, nil, []string{"one"}},
		"info as an object":            {`{"images":` + one + `,"bWFw"],"info":{"index_of_first_image":0,"all_seeds":[1]}}`, nil, []string{"one"}},
		"two maps":                     {`{"images":` + one + `,"bWFw","bWFw"],"info":{"all_seeds":[1]}}`, nil, []string{"one"}},
		"a grid and a map":             {`{"images":` + four + `,"bWFw"],"info":"{\"index_of_first_image\":1,\"all_seeds\":[1,2]}"}`, nil, []string{"one", "two"}},
		"numbers as text":              {`{"images":` + four + `,"bWFw"],"info":{"index_of_first_image":"1","all_seeds":["1","2"]}}`, nil, []string{"one", "two"}},
		"prompts without seeds":        {`{"images":` + one + `,"bWFw"],"info":{"all_prompts":["a fox"]}}`, nil, []string{"one"}},
		"seeds that cannot be read":    {`{"images":` + four + `],"info":{"index_of_first_image":1,"all_seeds":"1, 2"}}`, nil, []string{"one", "two"}},
		"info that cannot be read":     {`{"images":` + one + `,"bWFw"],"info":"{index_of_first_image:0, all_seeds:[1]}"}`, nil, []string{"one"}},
		"such info to a batch":         {`{"images":` + one + `,"dHdv","bWFw"],"info":"Steps: 20"}`, map[string]any{"batch_size": int64(2)}, []string{"one", "two"}},
		"such info to several batches": {`{"images":` + one + `,"dHdv","bWFw"],"info":7}`, map[string]any{"n_iter": int64(2)}, []string{"one", "two"}},
		"such info to a script":        {`{"images":` + one + `,"dHdv"],"info":"Steps: 20"}`, map[string]any{"script_name": "x/y/z plot"}, []string{"one", "two"}},
		"no info":                      {`{"images":` + one + `,"dHdv"]}`, nil, []string{"one", "two"}},
		"no value":                     {`{"images":` + one + `,"dHdv"],"info":null}`, nil, []string{"one", "two"}},
		"an empty object":              {`{"images":` + one + `,"dHdv"],"info":"{}"}`, nil, []string{"one", "two"}},
		"more seeds than pictures":     {`{"images":` + one + `],"info":{"all_seeds":[1,2,3]}}`, nil, []string{"one"}},
		"an index after the last":      {`{"images":` + one + `],"info":{"index_of_first_image":1,"all_seeds":[1]}}`, nil, []string{"one"}},
		"an index before the first":    {`{"images":` + one + `],"info":{"index_of_first_image":-1}}`, nil, []string{"one"}},
	} {
		s := script(t, map[string][]said{"POST /sdapi/v1/txt2img": {{status: 200, body: c.answer}}})
		got, f := s.generate(t, Spec{Type: "a1111", Params: c.params}, generate.Request{})
		if f != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, %v, want %q", name, got, f, c.want)
		}
	}
}

func TestA1111ChecksThatItsModelIsInstalled(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{"GET /sdapi/v1/sd-models": {{status: 200, body: `[{"title":"paint.safetensors [ab12]","model_name":"paint"}]`}}})
	for _, model := range []string{"", "paint", "paint.safetensors [ab12]"} {
		if err := s.provider(t, Spec{Type: "a1111", Model: model}).Check(t.Context()); err != nil {
			t.Errorf("%q: %v", model, err)
		}
	}
	f, _ := errors.AsType[*order.Failure](s.provider(t, Spec{Type: "a1111", Model: "ink"}).Check(t.Context()))
	wantFailure(t, f, order.Hold, order.CodeMisconfigured, order.ChargeNone)
	if f != nil && (!strings.Contains(f.Error(), "ink") || !strings.Contains(f.Hint, "paint")) {
		t.Errorf("got %v, hint %s", f, f.Hint)
	}
}
