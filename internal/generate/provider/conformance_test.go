package provider_test

import (
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/generate/gentest"
	"atelierd/internal/generate/provider"
)

const workflow = `{"3": {"class_type": "KSampler", "inputs": {"seed": "{{seed}}"}},
	"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{prompt}}, sharp"}},
	"7": {"class_type": "LoadImage", "inputs": {"image": "{{reference_1}}"}},
	"9": {"class_type": "SaveImage", "inputs": {}}}`

func TestEveryProviderPassesTheKit(t *testing.T) {
	t.Parallel()
	models := map[string]string{"fal": "fal-ai/flux/dev", "replicate": "black-forest-labs/flux-schnell"}
	for _, needs := range provider.Types() {
		if needs.Recipe || needs.Type == "runway" {
			continue // see TestEveryShippedRecipePassesTheKit
		}
		typ := needs.Type
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			gentest.RunRemote(t, typ, func(p gentest.Place) (generate.Generator, error) {
				model := models[typ]
				if model == "" && typ != "a1111" {
					model = "paint-1"
				}
				s := provider.Spec{Type: typ, BaseURL: p.BaseURL, Model: model, Key: p.Key, Transport: p.Transport, Timeout: p.Timeout, Log: p.Log}
				switch typ {
				case "comfyui":
					s.Workflow, s.User = []byte(workflow), p.User
				case "a1111":
					s.User = p.User
				case "replicate":
					s.Params = map[string]any{"image_input": "image"}
				}
				return provider.New(s)
			})
		})
	}
}

func TestVeoPassesTheKit(t *testing.T) {
	t.Parallel()
	gentest.RunRemote(t, "veo", func(p gentest.Place) (generate.Generator, error) {
		return provider.New(provider.Spec{
			Type: "gemini", Makes: "video", BaseURL: p.BaseURL, Model: "paint-1", Key: p.Key, Transport: p.Transport, Timeout: p.Timeout, Log: p.Log,
		})
	})
}
