package cli

import (
	"atelierd/internal/enroll"
	"atelierd/internal/term"
)

// differenceView is a field that differs between the marketplace and the
// configuration.
type differenceView struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

func viewDifferences(list []enroll.Change) []differenceView {
	views := []differenceView{}
	for _, c := range list {
		views = append(views, differenceView(c))
	}
	return views
}

func showDifferences(g *term.Page, list []differenceView) {
	for _, d := range list {
		g.Linef("      %s", d.Field)
		if d.Old != "" {
			g.Linef("        %s", g.Paint(term.Red, "- "+term.Line(d.Old, 300)))
		}
		g.Linef("        %s", g.Paint(term.Green, "+ "+term.Line(d.New, 300)))
	}
}
