package cli

import (
	"cmp"
	"context"
	"path/filepath"
	"strings"

	"atelierd/internal/config"
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
	v := view.NewGenerators(cfg)
	if cfg != nil {
		v.OpenSamples = openSamples(cfg)
	}
	return c.print(p, v, func(g *term.Page) { showGenerators(g, v) })
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

func showGenerators(g *term.Page, v view.Generators) {
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
