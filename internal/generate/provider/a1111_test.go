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
