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
			passesTheKit(t, r, filepath.Join("testdata", "exchanges", r.Name+".json"))
		})
	}
}

// The recipes of testdata use what no shipped one does.
func TestEveryFormOfARecipePassesTheKit(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/recipes/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatal("there is no recipe", err)
	}
	for _, file := range files {
		r, err := recipe.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			passesTheKit(t, r, filepath.Join("testdata", "recipes", r.Name+".json"))
		})
	}
}

func passesTheKit(t *testing.T, r *recipe.Recipe, exchange string) {
	x := gentest.ReadExchange(t, exchange)
	gentest.RunExchange(t, x, func(p gentest.Place) (generate.Generator, error) {
		return provider.New(provider.Spec{
			Type: "recipe", Recipe: r, BaseURL: p.BaseURL, Model: x.Model, Params: x.Params, Key: p.Key,
			Transport: p.Transport, Timeout: p.Timeout, Log: p.Log,
		})
	})
}
