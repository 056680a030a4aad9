package view

import (
	"maps"
	"slices"

	"atelierd/internal/config"
	"atelierd/internal/generate/recipe"
)

// Generators is the generators of the configuration, and the recipes.
type Generators struct {
	Generators []Generator `json:"generators"`
	Recipes    []Recipe    `json:"recipes"`
	// OpenSamples are those whose outcome is not known.
	OpenSamples []Attention `json:"open_samples"`
}

// Generator is a generator of the configuration.
type Generator struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Recipe  string `json:"recipe,omitempty"`
	Model   string `json:"model,omitempty"`
	CostUSD string `json:"cost_usd,omitempty"`
	// Problem is why its recipe cannot be read.
	Problem string `json:"problem,omitempty"`
}

// Recipe is a recipe. File is empty for a shipped one, and TriedLive is the day of
// a live run, or empty.
type Recipe struct {
	Name      string   `json:"name"`
	File      string   `json:"file,omitempty"`
	Provider  string   `json:"provider"`
	Makes     []string `json:"makes"`
	Source    string   `json:"source"`
	Date      string   `json:"date"`
	TriedLive string   `json:"tried_live,omitempty"`
}

// NewGenerators shows the generators of a configuration, which may be nil.
func NewGenerators(cfg *config.Config) Generators {
	v := Generators{Generators: []Generator{}, Recipes: []Recipe{}, OpenSamples: []Attention{}}
	if cfg != nil {
		for _, name := range slices.Sorted(maps.Keys(cfg.Generators)) {
			g := cfg.Generators[name]
			if own, _ := ownRecipe(g.Recipe); own != nil {
				v.Recipes = append(v.Recipes, viewRecipe(own, g.Recipe))
			}
			v.Generators = append(v.Generators, viewGenerator(name, g))
		}
	}
	for _, r := range recipe.Shipped() {
		v.Recipes = append(v.Recipes, viewRecipe(r, ""))
	}
	return v
}

func viewGenerator(name string, g config.Generator) Generator {
	v := Generator{Name: name, Type: g.Type, Recipe: g.Recipe, Model: g.Model}
	if g.Cost > 0 {
		v.CostUSD = g.Cost.String()
	}
	if _, err := ownRecipe(g.Recipe); err != nil {
		v.Problem = err.Error()
	}
	return v
}

// ownRecipe returns the recipe of a generator if it is not a shipped one. The error is
// that of a recipe that cannot be read.
func ownRecipe(name string) (*recipe.Recipe, error) {
	if name == "" {
		return nil, nil
	}
	r, err := recipe.Open(name)
	if err != nil || slices.Contains(recipe.Shipped(), r) {
		return nil, err
	}
	return r, nil
}

func viewRecipe(r *recipe.Recipe, file string) Recipe {
	return Recipe{r.Name, file, r.Title, append([]string{}, r.Makes...), r.Source, r.Date, r.Tried}
}
