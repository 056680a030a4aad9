package provider

import (
	"encoding/json"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

func TestReplicateDistinguishesALateOutputFromText(t *testing.T) {
	t.Parallel()
	for output, code := range map[string]order.Code{`null`: order.CodeNotVisible, `{"text":"a lighthouse"}`: order.CodeNoOutput, `[]`: order.CodeNotVisible, `["a","b"]`: order.CodeNoOutput} {
		s := script(t, map[string][]said{"GET /v1/predictions/p1": {{status: 200, body: `{"status":"succeeded","output":` + output + `}`}}})
		_, f := s.resumed(t, Spec{Type: "replicate", Model: "black-forest-labs/flux-schnell"}, "p1")
		class := order.Wait
		if code == order.CodeNoOutput { // the next call would return the same
			class = order.Hold
		}
		wantFailure(t, f, class, code, order.ChargePending)
	}
}

func TestReplicateFindsTheFilesInAnyOutput(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]int{
		`"{{base}}/f"`: 1, `["{{base}}/f","{{base}}/f"]`: 2, `{"video":"{{base}}/f","seed":7}`: 1,
		`[["{{base}}/f"],{"images":["{{base}}/f"]}]`: 2, `"data:image/png;base64,bWFkZQ=="`: 1,
	} {
		s := script(t, map[string][]said{
			"GET /v1/predictions/p1": {{status: 200, body: `{"status":"succeeded","output":` + output + `}`}},
			"GET /f":                 {{status: 200, body: "made"}},
		})
		files, f := s.resumed(t, Spec{Type: "replicate", Model: "o/n"}, "p1")
		if f != nil || len(files) != want || files[0] != "made" {
			t.Errorf("%s: got %q, %v", output, files, f)
		}
	}
}

func TestReplicateGetsPicturesInTheNamedField(t *testing.T) {
	t.Parallel()
	const place = "POST /v1/models/o/n/predictions"
	for name, test := range map[string]struct {
		name any
		want string
	}{
		"none": {nil, `{"prompt":"a lighthouse"}`}, "one": {"image", `{"image":"` + pictureURI + `","prompt":"a lighthouse"}`},
		"all": {[]any{"image_input"}, `{"image_input":["` + pictureURI + `","` + pictureURI + `"],"prompt":"a lighthouse"}`},
	} {
		params := map[string]any{}
		if test.name != nil {
			params["image_input"] = test.name
		}
		s := script(t, map[string][]said{place: {{status: 500}}})
		s.generate(t, Spec{Type: "replicate", Model: "o/n", Params: params}, generate.Request{References: pictures(t, 2)})
		if sent, _ := json.Marshal(s.requests(place)[0].body["input"]); string(sent) != test.want {
			t.Errorf("%s: sent %s, want %s", name, sent, test.want)
		}
	}
}
