package cli

import (
	"time"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/media"
	"atelierd/internal/term"
)

// This file makes samples for the commands that show them.

// openSamples opens the database for samples, which show in the bar how far they are.
func (p *Program) openSamples(cfg *config.Config) (*app.Samples, error) {
	bar := &sampleBar{Bar: p.bar}
	return app.OpenSamples(p.options(cfg), app.SampleProgress{Report: bar.report, Show: bar.show})
}

// sampleView is a sample that was made. `generators try` prints it.
type sampleView struct {
	Generator string           `json:"generator"`
	Files     []sampleFileView `json:"files"`
	URL       string           `json:"url,omitempty"`
	// CostUSD is what it counts with. CostKnown: the generator has reported it.
	CostUSD   string  `json:"cost_usd"`
	CostKnown bool    `json:"cost_reported"`
	Seconds   float64 `json:"seconds"`
	Message   string  `json:"message,omitempty"`

	cost string
}

type sampleFileView struct {
	Path   string `json:"path"`
	MIME   string `json:"mime"`
	Bytes  int64  `json:"bytes"`
	Width  int    `json:"width,omitzero"`
	Height int    `json:"height,omitzero"`
	// Seconds is the length of a video.
	Seconds float64 `json:"seconds,omitzero"`
	// Problem is why it would not be delivered.
	Problem string `json:"problem,omitempty"`

	measures string
}

func viewSample(g fulfill.Generator, made fulfill.Sampled) sampleView {
	v := sampleView{
		Generator: g.Name, Files: []sampleFileView{}, URL: made.URL, CostKnown: made.Cost > 0, Message: made.Message,
		Seconds: made.Took.Round(10 * time.Millisecond).Seconds(), cost: costOf(made.Result, g),
	}
	cost := g.Price
	if made.Cost > 0 {
		cost = made.Cost
	}
	v.CostUSD = cost.String()
	for _, file := range made.Files {
		f := sampleFileView{Path: file}
		info, err := media.Inspect(file)
		if err != nil {
			f.Problem = err.Error()
		} else {
			f.MIME, f.Bytes, f.Width, f.Height, f.Seconds, f.measures = info.MIME, info.Bytes, info.Width, info.Height, info.Duration.Seconds(), measures(info)
		}
		v.Files = append(v.Files, f)
	}
	return v
}

func (v sampleView) show(g *term.Page) {
	for _, f := range v.Files {
		text := f.MIME + ", " + f.measures
		if f.Problem != "" {
			text = g.Paint(term.Red, "would not be delivered: "+term.Line(f.Problem, 300))
		}
		g.Linef("%s", term.Sanitize(f.Path))
		g.Linef("  %s", text)
	}
	if v.URL != "" {
		g.Linef("%s", term.Sanitize(v.URL))
	}
	g.Linef("made by %s in %s; %s", v.Generator, time.Duration(v.Seconds*float64(time.Second)).Round(10*time.Millisecond), v.cost)
	if v.Message != "" {
		g.Linef("it says: %s", term.Line(v.Message, 300))
	}
}
