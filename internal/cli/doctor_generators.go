package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/generate/provider"
	"atelierd/internal/media"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

// This file checks the generators, and the owner's programs that check files and
// set prices.

// generators checks each generator. With paid, each one makes a sample.
func (d *doctor) generators(ctx context.Context, paid bool) {
	log := slog.New(slog.DiscardHandler)
	services, err := app.NewServices(d.cfg, d.Getenv, log)
	if err != nil {
		d.failErr("generators and services", err)
		return
	}
	d.dayCap()
	gens := services.Generators()
	for _, name := range slices.Sorted(maps.Keys(gens)) {
		if d.stopped() {
			return
		}
		what := "generator " + name
		d.environment(what, d.cfg.Generators[name].Env)
		if err := gens[name].Backend.Check(ctx); err != nil {
			d.failErr(what, err)
			continue
		}
		d.ok(what, "%s, ready%s", d.cfg.Generators[name].Type, accepts(d.cfg.Generators[name], gens[name].Backend))
		d.isolation(ctx, what, gens[name].Backend)
		d.model(ctx, name, gens[name].Backend)
		if paid {
			d.sample(ctx, gens[name], services)
		}
	}
	d.assistant(ctx, services, paid)
	d.confinement(ctx)
	d.programs(ctx, services)
}

// assistant asks the language model's server for its models, which costs nothing. With paid,
// the model looks at a picture.
func (d *doctor) assistant(ctx context.Context, services *app.Services, paid bool) {
	a := services.Assistant()
	if a == nil || d.stopped() {
		return
	}
	if err := a.Backend.Check(ctx); err != nil {
		d.failErr("assistant", err)
		return
	}
	d.ok("assistant", "%s, ready", term.Line(d.cfg.Assistant.Model, 60))
	if paid {
		d.trial(ctx, services)
	}
}

// trial has the assistant look at a picture, as at the work of an order.
func (d *doctor) trial(ctx context.Context, services *app.Services) {
	what := "assistant, a sample"
	s, err := d.openSamples(d.cfg)
	if err != nil {
		d.failErr(what, err)
		return
	}
	defer s.Close()
	d.progress("asking the assistant" + timeLimit(d.cfg.Assistant.Timeout))
	a := services.Assistant()
	t, err := s.Ask(ctx, a)
	if err != nil {
		d.failErr(what, err)
		return
	}
	cost := "$" + t.Cost.String()
	switch {
	case a.Free:
		cost = "free"
	case !t.Known:
		cost += ", the most that it may cost"
	}
	took := fmt.Sprintf("in %s; %s", t.Took.Round(100*time.Millisecond), cost)
	switch {
	case t.Sees:
		d.ok(what, "it names the colours of a picture, %s", took)
	case d.cfg.Assistant.Pictures:
		d.warn(what, "use a model that sees pictures, or set pictures = false in [assistant]",
			"it does not see a picture: it says that the colours are %q and %q, %s", t.Left, t.Right, took)
	default:
		d.ok(what, "it answers in the form that is asked for, and is shown no pictures, %s", took)
	}
}

// confinement says what the unit of a running daemon denies its programs. This command
// runs outside of it, so its own checks of them show nothing.
func (d *doctor) confinement(ctx context.Context) {
	s, runs := askDaemon(ctx, d.cfg.DataDir)
	if !runs || !s.Confined {
		return
	}
	facts := []store.Fact{}
	if st, err := store.OpenReader(d.cfg.DataDir); err == nil {
		facts, _ = st.Facts(ctx) // without them no generator shows as paused
		st.Close()
	}
	paused, programs := view.PausedGenerators(facts), false
	for name, g := range d.cfg.Generators {
		if g.Type != config.TypeExec {
			continue
		}
		programs = true
		if _, fails := paused[name]; fails || g.Isolate == config.IsolateBwrap {
			d.warn("systemd", app.ConfinedHint, "the service denies generator %s what a program may need", name)
		}
	}
	if programs {
		d.ok("systemd", "the service gives its programs no devices, no memory that is writable and executable, and no namespaces; atelierd-exec.conf opens them")
	}
}

// accepts returns what a provider accepts of an order, or "" for other generators.
func accepts(g config.Generator, backend generate.Generator) string {
	p, is := backend.(*provider.Provider)
	if !is {
		return ""
	}
	needs := p.Needs()
	text, most := "", needs.References.Image
	if g.Makes == config.KindVideo {
		most = needs.References.Video
	}
	if needs.PromptLimit > 0 {
		text += fmt.Sprintf("; prompts up to %d characters", needs.PromptLimit)
	}
	switch most {
	case 0:
		return text + "; no references"
	case 1:
		text += "; one reference"
	case provider.Unlimited:
		text += "; any number of references"
	default:
		text += fmt.Sprintf("; up to %d references", most)
	}
	if needs.References.Links {
		text += " with public links"
	}
	return text
}

// programs checks the owner's checking and pricing commands of each service.
func (d *doctor) programs(ctx context.Context, services *app.Services) {
	for _, s := range d.cfg.Services {
		what := "service " + term.Line(s.Title, 40) + ", its own programs"
		if s.Quote != nil {
			d.environment(what, s.Quote.Env)
		}
		list, bad := services.Programs(s.Title), 0
		for _, p := range list {
			if err := p.Check(ctx); err != nil {
				d.failErr(what, err)
				bad++
			}
		}
		if len(list) > 0 && bad == 0 {
			d.ok(what, "found")
		}
	}
}

// sample has the generator make a sample, and keeps it for the owner to look at.
func (d *doctor) sample(ctx context.Context, g fulfill.Generator, services *app.Services) {
	what := "generator " + g.Name + ", a sample"
	s, err := d.openSamples(d.cfg)
	if err != nil {
		d.failErr(what, err)
		return
	}
	defer s.Close()
	d.progress("making a sample with " + g.Name + timeLimit(d.cfg.Generators[g.Name].Timeout))
	made, err := s.Make(ctx, g, order.Sample{Prompt: "a small red fox, asleep below an old pine tree"})
	if err != nil {
		if d.stopped() && !g.Free {
			d.abandoned = g.Name
		}
		d.failErr(what, err)
		return
	}
	delivering := d.delivering(g.Name, made.Files, services)
	v := viewSample(g, made)
	took := fmt.Sprintf("in %s; %s", made.Took.Round(100*time.Millisecond), v.cost)
	for _, f := range v.Files {
		if f.Problem != "" {
			d.fail(what, "the file is "+f.Path, "%s", f.Problem)
			continue
		}
		d.ok(what, "%s, %s, %s; kept as %s", f.MIME, f.measures, took, f.Path)
		took = "of the same call" // its time and cost stand in the first line
		for _, title := range delivering[f.Path] {
			info, err := media.Inspect(f.Path)
			d.requirement(g.Name, title, errors.Join(err, services.Requirements(title).Check(info)))
		}
	}
	if len(v.Files) == 0 {
		d.ok(what, "a link, %s; %s", term.Sanitize(v.URL), took)
	}
}

// delivering returns the titles of the services that would deliver each file of a
// sample. A service of videos leaves out the still next to its video.
func (d *doctor) delivering(name string, files []string, services *app.Services) map[string][]string {
	titles := map[string][]string{}
	for _, s := range d.cfg.Services {
		if s.Generator != name && !slices.Contains(d.cfg.Generators[s.Generator].Fallback, name) {
			continue
		}
		for _, file := range services.Requirements(s.Title).Wanted(files) {
			titles[file] = append(titles[file], s.Title)
		}
	}
	return titles
}

// requirement reports a file of a sample that a service would not deliver.
func (d *doctor) requirement(name, title string, err error) {
	if err != nil {
		d.warn("service "+term.Line(title, 40), "such a file is not delivered; change the generator, or what the service requires",
			"the sample of generator %s does not meet its requirements: %v", name, err)
	}
}

// measures describes the size and length of a file.
func measures(i media.Info) string {
	text := words.Size(i.Bytes)
	if i.Width > 0 {
		text = fmt.Sprintf("%d x %d pixels, %s", i.Width, i.Height, text)
	}
	if i.Duration > 0 {
		text = fmt.Sprintf("%s, %s", i.Duration.Round(100*time.Millisecond), text)
	}
	return text
}

// costOf describes the cost of a sample.
func costOf(made generate.Result, g fulfill.Generator) string {
	switch {
	case made.Cost > 0:
		return "$" + made.Cost.String()
	case g.Price > 0:
		return "$" + g.Price.String() + ", as configured"
	case g.Free:
		return "free"
	}
	return "cost unknown"
}

// timeLimit describes how long something may take, or is "" without a limit.
func timeLimit(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d%time.Minute == 0:
		return ", up to " + words.Span(d)
	}
	return ", up to " + d.String()
}
