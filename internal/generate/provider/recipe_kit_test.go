package provider_test

import (
	"path/filepath"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/generate/gentest"
	"atelierd/internal/generate/provider"
	"atelierd/internal/generate/recipe"
)

// Each shipped recipe has an exchange, which is written from the provider's description.
func TestEveryShippedRecipePassesTheKit(t *testing.T) {
	t.Parallel()
	for _, r := range recipe.Shipped() {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			x := gentest.ReadExchange(t, filepath.Join("testdata", "exchanges", r.Name+".json"))
			gentest.RunExchange(t, x, func(p gentest.Place) (generate.Generator, error) {
				return provider.New(provider.Spec{
					Type: "recipe", Recipe: r, BaseURL: p.BaseURL, Model: x.Model, Params: x.Params, Key: p.Key,
					Transport: p.Transport, Timeout: p.Timeout, Log: p.Log,
				})
			})
		})
	}
}
