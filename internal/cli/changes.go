package cli

import (
	"atelierd/internal/enroll"
	"atelierd/internal/term"
)

// showChanges prints fields that differ, old value and new.
func showChanges(g *term.Page, changes []enroll.Change) {
	for _, c := range changes {
		g.Linef("      %s", c.Field)
		if c.Old != "" {
			g.Linef("        %s", g.Paint(term.Red, "- "+term.Line(c.Old, 300)))
		}
		g.Linef("        %s", g.Paint(term.Green, "+ "+term.Line(c.New, 300)))
	}
}

// changeView is a field that differs, as JSON.
type changeView struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

func viewChanges(list []enroll.Change) []changeView {
	views := []changeView{}
	for _, c := range list {
		views = append(views, changeView(c))
	}
	return views
}
