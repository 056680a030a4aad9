package provider_test

import (
	"path/filepath"
	"slices"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/generate/gentest"
	"atelierd/internal/generate/provider"
	"atelierd/internal/generate/recipe"
	"atelierd/internal/secret"
)

// Each shipped recipe has an exchange, which is written from the provider's description,
// and more if its requests differ, such as bfl.video.json.
func TestEveryShippedRecipePassesTheKit(t *testing.T) {
	t.Parallel()
	for _, r := range recipe.Shipped() {
		exchange := filepath.Join("testdata", "exchanges", r.Name)
		more, err := filepath.Glob(exchange + ".*.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range append(more, exchange+".json") {
			t.Run(filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				passesTheKit(t, file, provider.Spec{Type: "recipe", Recipe: r})
			})
			if _, own := provider.TypeOf(r.Name); own { // runway
				t.Run("type "+filepath.Base(file), func(t *testing.T) {
					t.Parallel()
					passesTheKit(t, file, provider.Spec{Type: r.Name})
				})
			}
		}
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
			passesTheKit(t, filepath.Join("testdata", "recipes", r.Name+".json"), provider.Spec{Type: "recipe", Recipe: r})
		})
	}
}

// passesTheKit runs a generator of the spec's type through the kit.
func passesTheKit(t *testing.T, exchange string, s provider.Spec) {
	x := gentest.ReadExchange(t, exchange)
	for means, there := range map[string]bool{"rate": true, "failed": x.Poll != nil} {
		if there && !slices.ContainsFunc(x.Failures, func(f gentest.Failure) bool { return f.Means == means }) {
			t.Errorf("%s shows no failure that means %s", exchange, means)
		}
	}
	gentest.RunExchange(t, x, func(p gentest.Place) (generate.Generator, error) {
		s := s
		s.BaseURL, s.Key, s.Transport, s.Timeout, s.Log = p.BaseURL, p.Key, p.Transport, p.Timeout, p.Log
		s.Model, s.Makes, s.Params = x.Model, x.Makes, x.Params
		return provider.New(s)
	})
}

// A generator may set no params.
func TestAShippedRecipeNeedsNoParams(t *testing.T) {
	t.Parallel()
	for _, r := range recipe.Shipped() {
		_, err := provider.New(provider.Spec{Type: "recipe", Recipe: r, Model: "m", Key: func() (secret.Text, error) { return secret.New("k"), nil }})
		if err != nil || r.BaseURL == "" {
			t.Errorf("%s at %q: %v", r.Name, r.BaseURL, err)
		}
	}
}
