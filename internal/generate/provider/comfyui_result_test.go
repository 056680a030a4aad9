package provider

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/secret"
)

const wrongNodes = `"node_errors":{"10":{"class_type":"Late","errors":[{"message":"late"}]},"4":{"class_type":"CheckpointLoaderSimple","errors":[{"message":"Value not in list","details":"ckpt_name: 'x'"}]}}`

func TestComfyUINamesTheWrongNode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		answer said
		want   string
	}{
		{said{status: 400, body: `{"error":{"message":"Prompt outputs failed validation"},` + wrongNodes + `}`}, "node 4 (CheckpointLoaderSimple): Value not in list"},
		{said{status: 400, body: `{"error":{"message":"Prompt has no outputs"},"node_errors":[]}`}, "Prompt has no outputs"},
	}
	for _, test := range tests {
		s := comfyScript(t, map[string][]said{"POST /prompt": {test.answer}})
		_, f := s.generate(t, plainSpec, generate.Request{Call: generate.Call{Key: comfyKey}})
		wantFailure(t, f, order.Hold, order.CodeProviderRejected, order.ChargeNone)
		if !strings.Contains(f.Error(), test.want) || s.requests("POST /queue") != nil {
			t.Errorf("got %v, want %s", f, test.want)
		}
	}
}

// The server begins what is valid of a workflow, and says so next to the wrong nodes.
func TestComfyUIDropsAJobWithWrongNodes(t *testing.T) {
	t.Parallel()
	const nothing = `{"queue_running":[],"queue_pending":[]}`
	tests := map[string]struct {
		deleted     int
		queue       string
		history     said
		interrupted int
		charge      order.Charge
	}{
		"it waited":            {200, nothing, said{status: 200, body: `{}`}, 0, order.ChargeNone},
		"it runs":              {200, `{"queue_running":[[1,"` + comfyKey + `",{}]]}`, said{status: 200, body: `{}`}, 1, order.ChargeFull},
		"another runs":         {200, `{"queue_running":[[1,"other",{}]]}`, said{status: 200, body: `{}`}, 0, order.ChargeNone},
		"it has ended":         {200, nothing, comfyDone, 0, order.ChargeFull},
		"it cannot be deleted": {500, nothing, said{status: 200, body: `{}`}, 0, order.ChargeFull},
		"it still waits":       {200, `{"queue_pending":[[1,"` + comfyKey + `",{}]],"queue_running":[[1,"other",{}]]}`, said{status: 200, body: `{}`}, 0, order.ChargeFull},
	}
	for name, test := range tests {
		s := comfyScript(t, map[string][]said{
			"POST /prompt": {{status: 200, body: `{"prompt_id":"` + comfyKey + `",` + wrongNodes + `}`}},
			"POST /queue":  {{status: test.deleted}}, "GET /queue": {{status: 200, body: test.queue}},
			"POST /interrupt": {{status: 200}}, comfyHistory: {test.history},
		})
		_, f := s.generate(t, plainSpec, generate.Request{Call: generate.Call{Key: comfyKey}})
		wantFailure(t, f, order.Hold, order.CodeProviderRejected, test.charge)
		deletions, interrupts := s.requests("POST /queue"), s.requests("POST /interrupt")
		if len(deletions) != 1 || !slices.Equal(deletions[0].body["delete"].([]any), []any{comfyKey}) || len(interrupts) != test.interrupted {
			t.Errorf("%s: sent %v, then %v", name, deletions, interrupts)
		}
		if !strings.Contains(f.Error(), "node 4 (CheckpointLoaderSimple): Value not in list") {
			t.Errorf("%s: got %v", name, f)
		}
	}
}

func TestComfyUIGetsThePartnerKeyApartFromItsOwn(t *testing.T) {
	t.Parallel()
	for _, partner := range []string{"", "comfy-secret"} {
		s := comfyScript(t, map[string][]said{"POST /prompt": {{status: 400, body: `{"error":{"message":"bad comfy-secret"}}`}}})
		spec := plainSpec
		if partner != "" {
			spec.PartnerKey = func() (secret.Text, error) { return secret.New(partner), nil }
		}
		_, f := s.generate(t, spec, generate.Request{Call: generate.Call{Key: comfyKey}})
		sent := s.requests("POST /prompt")[0]
		extra, _ := sent.body["extra_data"].(map[string]any)
		if got, _ := extra["api_key_comfy_org"].(string); got != partner || sent.header.Get("Authorization") != "Bearer k-123" {
			t.Errorf("sent %v with %v", sent.body, sent.header)
		}
		if f == nil || strings.Contains(f.Error(), "comfy-secret") == (partner != "") {
			t.Errorf("got %v", f)
		}
	}
}

func TestComfyUIIsAskedForTheNodesOfTheWorkflow(t *testing.T) {
	t.Parallel()
	spec := Spec{Type: "comfyui", Workflow: []byte(`{"1":{"class_type":"Save Image","inputs":{"text":"{{prompt}}"}},"2":{"class_type":"B","inputs":{}},"3":{"class_type":"B","inputs":{}}}`)}
	for name, test := range map[string]struct {
		b    said
		want string
	}{
		"there":           {said{status: 200, body: `{"B":{"input":{}}}`}, ""},
		"missing":         {said{status: 200, body: `{}`}, "lacks nodes of the workflow: B"},
		"cannot be asked": {said{status: 404}, ""},
		"in another form": {said{status: 200, body: `[]`}, ""},
	} {
		s := script(t, map[string][]said{
			"GET /system_stats": {{status: 200, body: `{}`}}, "GET /object_info/Save%20Image": {{status: 200, body: `{"Save Image":{}}`}}, "GET /object_info/B": {test.b},
		})
		err := s.provider(t, spec).Check(t.Context())
		f, _ := errors.AsType[*order.Failure](err)
		switch {
		case test.want == "" && err != nil, test.want != "" && (f == nil || !strings.Contains(f.Error(), test.want) || f.Hint == ""):
			t.Errorf("%s: got %v", name, err)
		case len(s.requests("GET /object_info/B")) != 1:
			t.Errorf("%s: asked %v", name, slices.Collect(maps.Keys(s.got)))
		}
	}
}

func TestComfyUIDeliversSavedFilesInTheOrderOfNodes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		outputs string
		want    []string
	}{
		{
			`{"10":{"images":[{"filename":"c&d.png","subfolder":"x/y","type":"output"}]},"9":{"text":["hi"],"images":"odd","gifs":[{"filename":"b","type":"output"}],"videos":[{"filename":"v","type":"output"}]},
			"2":{"images":[{"filename":"p","type":"temp"}]}}`,
			[]string{"/view?filename=b&subfolder=&type=output", "/view?filename=v&subfolder=&type=output", "/view?filename=c%26d.png&subfolder=x%2Fy&type=output"},
		},
		{
			`{"12:3":{"images":[{"filename":"q","type":"temp"}]},"12":{"images":[{"filename":"p","type":"temp"},{"filename":"i","type":"input"}]}}`,
			[]string{"/view?filename=p&subfolder=&type=temp", "/view?filename=q&subfolder=&type=temp"},
		},
		{`{"1":null}`, nil},
		{ // any key, each file once, and nothing that cannot be delivered
			`{"1":{"files":[7,{"filename":"a.MP4","type":"output"}],"gifs":[{"filename":"a.MP4","type":"output"}],"animated":[true],"latents":[{"filename":"l.latent","type":"output"}]}}`,
			[]string{"/view?filename=a.MP4&subfolder=&type=output"},
		},
		{`{"1":{"video":[{"filename":"a.webm"}]}}`, []string{"/view?filename=a.webm&subfolder=&type=output"}},
		{`{"1":{"audio":[{"filename":"a.flac","type":"output"}]}}`, []string{"/view?filename=a.flac&subfolder=&type=output"}},
	}
	for _, test := range tests {
		var job comfyJob
		if err := json.Unmarshal([]byte(`{"outputs":`+test.outputs+`}`), &job); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range job.files() {
			got = append(got, b.path)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
