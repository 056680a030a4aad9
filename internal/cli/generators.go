package cli

import (
	"cmp"
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/config"
	"atelierd/internal/generate/recipe"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/view"
)

// GeneratorsCmd is the group of commands about generators.
type GeneratorsCmd struct {
	List   GeneratorsListCmd   `cmd:"" default:"withargs" help:"List your generators, and the recipes that come with the program."`
	Resume GeneratorsResumeCmd `cmd:"" help:"End the pause of a generator that failed."`
	Try    GeneratorsTryCmd    `cmd:"" help:"Have a generator make a sample, and show the file, its cost and its time."`
}

// GeneratorsListCmd lists generators and recipes.
type GeneratorsListCmd struct {
	Output
}

// Help explains the command.
func (GeneratorsListCmd) Help() string {
	return `Shows the generators of the configuration, if there is one, and each recipe with the
date of the description that it was written from. docs/recipes.md says how to write
a recipe of your own.`
}

// Run runs the command.
func (c GeneratorsListCmd) Run(p *Program) error {
	var cfg *config.Config
	if path, err := config.Find(p.configPath()); err == nil {
		if cfg, err = config.Load(path); err != nil {
			return err
		}
	}
	v := viewGenerators(cfg)
	if cfg != nil {
		v.OpenSamples = openSamples(cfg)
	}
	return c.print(p, v, v.show)
}

// openSamples returns the open samples. `status` says why a database cannot be read.
func openSamples(cfg *config.Config) []view.Attention {
	st, err := store.OpenReader(cfg.DataDir)
	if err != nil {
		return []view.Attention{}
	}
	defer st.Close()
	list, err := reader(cfg, st).OpenSamples(context.Background())
	if err != nil {
		return []view.Attention{}
	}
	return list
}

// generatorsView is the generators of the configuration, and the recipes.
type generatorsView struct {
	Generators []generatorView `json:"generators"`
	Recipes    []recipeView    `json:"recipes"`
	// OpenSamples are those whose outcome is not known.
	OpenSamples []view.Attention `json:"open_samples"`
}

type generatorView struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Recipe  string `json:"recipe,omitempty"`
	Model   string `json:"model,omitempty"`
	CostUSD string `json:"cost_usd,omitempty"`
	// Problem is why its recipe cannot be read.
	Problem string `json:"problem,omitempty"`
}

// recipeView is a recipe. File is empty for a shipped one, and TriedLive is the day of
// a live run, or empty.
type recipeView struct {
	Name      string   `json:"name"`
	File      string   `json:"file,omitempty"`
	Provider  string   `json:"provider"`
	Makes     []string `json:"makes"`
	Source    string   `json:"source"`
	Date      string   `json:"date"`
	TriedLive string   `json:"tried_live,omitempty"`
}

// viewGenerators shows the generators of a configuration, which may be nil.
func viewGenerators(cfg *config.Config) generatorsView {
	v := generatorsView{Generators: []generatorView{}, Recipes: []recipeView{}, OpenSamples: []view.Attention{}}
	if cfg != nil {
		for _, name := range slices.Sorted(maps.Keys(cfg.Generators)) {
			g := cfg.Generators[name]
			shown := generatorView{Name: name, Type: g.Type, Recipe: g.Recipe, Model: g.Model}
			if g.Cost > 0 {
				shown.CostUSD = g.Cost.String()
			}
			if own, err := ownRecipe(g.Recipe); err != nil {
				shown.Problem = err.Error()
			} else if own != nil {
				v.Recipes = append(v.Recipes, viewRecipe(own, g.Recipe))
			}
			v.Generators = append(v.Generators, shown)
		}
	}
	for _, r := range recipe.Shipped() {
		v.Recipes = append(v.Recipes, viewRecipe(r, ""))
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

func viewRecipe(r *recipe.Recipe, file string) recipeView {
	return recipeView{r.Name, file, r.Title, append([]string{}, r.Makes...), r.Source, r.Date, r.Tried}
}

func (v generatorsView) show(g *term.Page) {
	if len(v.Generators) > 0 {
		g.Heading("your generators")
		rows := [][]term.Cell{term.Headings("name", "type", "model", "price of a call")}
		for _, each := range v.Generators {
			typ, price := each.Type, "not set"
			if each.Recipe != "" {
				typ += " " + filepath.Base(each.Recipe)
			}
			switch {
			case each.CostUSD != "":
				price = "$" + each.CostUSD
			case each.Type == config.TypeCanvas:
				price = "free"
			}
			rows = append(rows, []term.Cell{
				term.Plain(term.Line(each.Name, 40)), term.Plain(term.Line(typ, 60)), term.Plain(term.Line(cmp.Or(each.Model, "-"), 40)), term.Plain(price),
			})
		}
		g.Table("  ", rows)
		for _, each := range v.Generators {
			for line := range strings.Lines(each.Problem) {
				g.Wrap("  ", term.Line(line, 400), term.Styled(term.Red, "  "))
			}
		}
	}
	for _, each := range v.OpenSamples {
		g.Note("  ", term.Line(each.ID+": "+each.Reason, 300))
		g.Hint("  ", each.Hint)
	}
	g.Heading("recipes")
	rows := [][]term.Cell{term.Headings("name", "provider", "makes", "described", "tried")}
	for _, r := range v.Recipes {
		tried := term.Styled(term.Yellow, "not tried live")
		if r.TriedLive != "" {
			tried = term.Plain("live on " + r.TriedLive)
		}
		rows = append(rows, []term.Cell{
			term.Plain(term.Line(r.Name, 40)), term.Shrink(16, term.Line(r.Provider, 40)), term.Plain(cmp.Or(strings.Join(r.Makes, ", "), "any")), term.Plain(r.Date), tried,
		})
	}
	g.Table("  ", rows)
	g.Hint("  ", `to use one, set type = "recipe" and recipe = "NAME" in a generator's section; see docs/recipes.md`)
}
