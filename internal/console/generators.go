package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/view"
)

// generatorsPage is the generators, and how they work.
type generatorsPage struct {
	Note   note
	Paused int
	List   []generatorRow
}

type generatorRow struct {
	view.GeneratorState
	State   state
	What    string // its type and model
	Success string
	// Price is what a sample costs.
	Price  string
	Sample Sample
	Making bool
	Files  string
}

func (c *console) generators(w http.ResponseWriter, v visit) { c.showGenerators(w, v, v.done()) }

func (c *console) showGenerators(w http.ResponseWriter, v visit, n note) {
	list, err := c.View.Generators(v.Context())
	if err != nil {
		c.fail(w, v.Request, err)
		return
	}
	p := generatorsPage{Note: n}
	for _, g := range list {
		row := generatorRow{GeneratorState: g, State: state{"good", "works"}, What: g.Type, Sample: c.Desk.Sample(g.Name)}
		if g.Recipe != "" {
			row.What = strings.TrimSuffix(filepath.Base(g.Recipe), ".toml")
		}
		if g.Model != "" {
			row.What += " · " + g.Model
		}
		switch {
		case g.Problem != "":
			row.State = state{"bad", "cannot be used"}
		case !g.PausedSince.IsZero():
			p.Paused++
			row.State = state{"need", "paused"}
		case g.Ends != "":
			row.State = state{"need", "its model ends"}
		}
		row.Success = "–"
		if percent, ok := g.Success(); ok {
			row.Success = fmt.Sprintf("%d %% of %s", percent, thousands(int64(g.Done+g.Failed)))
		}
		switch {
		case g.Free():
			row.Price = "free"
		case g.CostUSD != "":
			row.Price = "about $" + g.CostUSD
		default:
			row.Price = "price not configured"
		}
		row.Making = !row.Sample.Began.IsZero() && row.Sample.Ended.IsZero()
		if row.Making && n == (note{}) && v.URL.Query().Get("begun") == g.Name {
			p.Note = note{Kind: "good", Strong: "Begun.", Text: "Load the page again to see the sample. It is in no book of an order and sent to nobody."}
		}
		row.Files = strings.Join(row.Sample.Files, ", ")
		p.List = append(p.List, row)
	}
	c.render(w, v, "generators", frame{Title: "Generators", Tab: "generators", Body: p})
}

// generator returns the name in a form, if the configuration has such a generator.
func (c *console) generator(v visit) (string, error) {
	name := v.PostForm.Get("generator")
	list, err := c.View.Generators(v.Context())
	if err == nil && !slices.ContainsFunc(list, func(g view.GeneratorState) bool { return g.Name == name }) {
		err = errors.New("there is no such generator any more")
	}
	return name, err
}

// probeGenerator asks a generator whether it works. That is free.
func (c *console) probeGenerator(w http.ResponseWriter, v visit) {
	ctx, cancel := asks(w, v)
	defer cancel()
	name, err := c.generator(v)
	if err == nil {
		err = c.Desk.Probe(ctx, name)
	}
	if f, ok := errors.AsType[*order.Failure](err); ok {
		c.showGenerators(w, v, note{Kind: "need", Strong: "Asked.", Text: sentence(name + ": " + f.Error())})
		return
	}
	if err != nil {
		c.showGenerators(w, v, refused(err))
		return
	}
	c.Wake()
	c.seeOther(w, v, "/generators", "probe")
}

// resumeGenerator ends a pause before a probe would.
func (c *console) resumeGenerator(w http.ResponseWriter, v visit) {
	name, err := c.generator(v)
	if err == nil {
		err = c.Owner.As(v.actor()).ResumeGenerator(name)
	}
	switch {
	case errors.Is(err, store.ErrNotPaused):
		c.showGenerators(w, v, note{Kind: "need", Strong: "Nothing was done.", Text: "It is not paused any more."})
	case err != nil:
		c.showGenerators(w, v, refused(err))
	default:
		c.Wake()
		c.seeOther(w, v, "/generators", "resume-generator")
	}
}

// tryGenerator has a sample made. It leads back to the page, which can be loaded again.
func (c *console) tryGenerator(w http.ResponseWriter, v visit) {
	name, err := c.generator(v)
	prompt := strings.TrimSpace(v.PostForm.Get("prompt"))
	if err == nil && prompt == "" {
		err = errors.New("the form says not what to make")
	}
	if err == nil {
		err = c.Desk.Try(v.Context(), v.actor(), Trial{Generator: name, Fingerprint: v.PostForm.Get("if"), Prompt: prompt})
	}
	if err != nil {
		c.showGenerators(w, v, refused(err))
		return
	}
	http.Redirect(w, v.Request, "/generators?begun="+url.QueryEscape(name), http.StatusSeeOther)
}
