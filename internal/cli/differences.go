package cli

import (
	"atelierd/internal/term"
	"atelierd/internal/view"
)

func showDifferences(g *term.Page, list []view.Difference) {
	for _, d := range list {
		field := d.Field
		if d.Fixed {
			field += " (cannot be changed)"
		}
		g.Linef("      %s", field)
		if d.Old != "" {
			g.Linef("        %s", g.Paint(term.Red, "- "+term.Line(d.Old, 300)))
		}
		g.Linef("        %s", g.Paint(term.Green, "+ "+term.Line(d.New, 300)))
	}
}
