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
	// Fixed is true for a field that can no longer be changed.
	Fixed bool `json:"fixed,omitempty"`
}

// movable counts the fields that can be changed.
func movable(list []differenceView) (n int) {
	for _, d := range list {
		if !d.Fixed {
			n++
		}
	}
	return n
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
