package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/signal"
	"strings"
	"syscall"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate/provider"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// GeneratorsTryCmd makes a sample.
type GeneratorsTryCmd struct {
	Name      string   `arg:"" complete:"generator" help:"The generator's name in the configuration."`
	Prompt    string   `help:"What to make." placeholder:"TEXT"`
	Reference []string `help:"A picture to work from. May be given again for more." placeholder:"FILE" type:"existingfile" sep:"none"`
	Param     []string `help:"A parameter in place of the one in params. May be given again for more." placeholder:"KEY=VALUE" sep:"none"`
	Folder    string   `help:"The folder for the files. Default: samples in the data folder." name:"output" placeholder:"FOLDER" type:"path"`
	Resume    bool     `help:"Resume the sample that an earlier command began, instead of making another one."`
	GiveUp    bool     `help:"Give up the sample that an earlier command began. It stays counted as spent."`
	Confirm
	Output
}

// Help explains the command.
func (GeneratorsTryCmd) Help() string {
	return `Has a generator make one sample, and shows the file, its cost and its time. It works
whether or not a daemon is running. If it may cost money, the command asks first. The
cost counts for the day as that of an order does, and a sample that would exceed a cap is
not made.

The sample is recorded before it is sent. If the command is stopped, the sample stays
open: "atelierd status" shows it, --resume fetches its result without paying again, and
--give-up ends it. Until then the generator makes no other sample.

A VALUE of --param is JSON, such as 4 or true, or else text.`
}

// Run runs the command.
func (c GeneratorsTryCmd) Run(p *Program) error {
	if err := c.check(); err != nil {
		return &UsageError{err}
	}
	cfg, err := p.load()
	if err != nil {
		return err
	}
	p.withBar()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if c.GiveUp {
		return c.giveUp(ctx, p, cfg)
	}
	if _, there := cfg.Generators[c.Name]; !there {
		return noGenerator(cfg, c.Name)
	}
	if c.Resume {
		return c.resume(ctx, p, cfg)
	}
	return c.try(ctx, p, cfg)
}

// check returns the error of flags that do not belong together.
func (c GeneratorsTryCmd) check() error {
	fresh := c.Prompt != "" || len(c.Reference) > 0 || len(c.Param) > 0
	switch {
	case c.Resume && c.GiveUp:
		return errors.New("--resume and --give-up exclude each other")
	case (c.Resume || c.GiveUp) && fresh:
		return errors.New("the open sample has its own prompt, references and params; leave them out")
	case !c.Resume && !c.GiveUp && strings.TrimSpace(c.Prompt) == "":
		return errors.New("--prompt is missing; it says what to make")
	}
	return nil
}

// try makes a new sample.
func (c GeneratorsTryCmd) try(ctx context.Context, p *Program, cfg *config.Config) error {
	params, err := parseParams(c.Param)
	if err != nil {
		return &UsageError{err}
	}
	wanted := order.Sample{Prompt: c.Prompt, References: c.Reference, Params: params, Output: c.Folder}
	g, err := c.generator(p, cfg, params)
	if err != nil {
		return err
	}
	if err := c.takes(g, cfg.Generators[c.Name]); err != nil {
		return &UsageError{err}
	}
	if !g.Free {
		if err := c.ask(p, costs(g), "yes"); err != nil {
			return err
		}
	}
	s, err := p.openSamples(cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	made, err := s.Make(ctx, g, wanted)
	if err != nil {
		return err
	}
	return c.show(p, g, made)
}

// resume resumes the open sample.
func (c GeneratorsTryCmd) resume(ctx context.Context, p *Program, cfg *config.Config) error {
	s, err := p.openSamples(cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Locked(c.Name, func() error {
		open, err := s.Open(ctx, c.Name)
		if err != nil {
			return err
		}
		if c.Folder != "" {
			open.Sample.Output = c.Folder
		}
		g, err := c.generator(p, cfg, open.Sample.Params)
		if err != nil {
			return err
		}
		sampler, err := s.EndProgram(ctx, open.Call)
		if err != nil {
			return err
		}
		made, err := sampler.Resume(ctx, g, open)
		if err != nil {
			return err
		}
		return c.show(p, g, made)
	})
}

// giveUp closes the open sample, also that of a generator that is not configured.
func (c GeneratorsTryCmd) giveUp(ctx context.Context, p *Program, cfg *config.Config) error {
	s, err := p.openSamples(cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Locked(c.Name, func() error {
		open, err := s.Open(ctx, c.Name)
		if err != nil {
			return err
		}
		if _, err := s.EndProgram(ctx, open.Call); err != nil {
			return err
		}
		if err := s.GiveUp(open.Call); err != nil {
			return err
		}
		v := sampleView{Generator: c.Name, Files: []sampleFileView{}, CostUSD: open.Call.Cost.String()}
		return c.print(p, v, func(g *term.Page) {
			g.Linef("the sample of %s is given up; it stays counted with $%s", c.Name, v.CostUSD)
		})
	})
}

// generator returns the generator with the params in place of those of the configuration.
func (c GeneratorsTryCmd) generator(p *Program, cfg *config.Config, params map[string]any) (fulfill.Generator, error) {
	own, g := *cfg, cfg.Generators[c.Name]
	if len(params) > 0 {
		if !g.Remote() {
			return fulfill.Generator{}, &UsageError{fmt.Errorf("generator %s is of type %s, which has no params", c.Name, g.Type)}
		}
		set := map[string]any{}
		maps.Copy(set, g.Params)
		for key, value := range params {
			set[key] = plainNumbers(value)
		}
		g.Params = set
		own.Generators = maps.Clone(cfg.Generators)
		own.Generators[c.Name] = g
	}
	services, err := app.NewServices(&own, p.Getenv, p.log())
	if err != nil {
		return fulfill.Generator{}, err
	}
	return services.Generators()[c.Name], nil
}

// takes returns an error if the generator does not take the references.
func (c GeneratorsTryCmd) takes(g fulfill.Generator, set config.Generator) error {
	p, is := g.Backend.(*provider.Provider)
	if !is || len(c.Reference) == 0 {
		return nil
	}
	takes := p.Needs().References
	most := takes.Image
	if set.Makes == config.KindVideo {
		most = takes.Video
	}
	switch {
	case takes.Links && most > 0:
		return fmt.Errorf("generator %s takes references as public links only, so it gets no files", c.Name)
	case len(c.Reference) > most:
		return fmt.Errorf("generator %s takes %d references, not %d", c.Name, most, len(c.Reference))
	}
	return nil
}

func (c GeneratorsTryCmd) show(p *Program, g fulfill.Generator, made fulfill.Sampled) error {
	v := viewSample(g, made)
	return c.print(p, v, v.show)
}

// costs says what a sample of the generator costs.
func costs(g fulfill.Generator) string {
	if g.Price > 0 {
		return fmt.Sprintf("A sample of generator %s costs $%s, as configured.", g.Name, g.Price)
	}
	return fmt.Sprintf("A sample of generator %s may cost money; no price is configured.", g.Name)
}

// parseParams reads entries KEY=VALUE.
func parseParams(list []string) (map[string]any, error) {
	params := map[string]any{}
	for _, entry := range list {
		key, text, found := strings.Cut(entry, "=")
		if !found || key == "" {
			return nil, fmt.Errorf("--param %.60q is not KEY=VALUE", entry)
		}
		params[key] = paramValue(text)
	}
	return params, nil
}

// paramValue returns a value of the forms that the configuration has.
func paramValue(text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.More() || v == nil {
		return text
	}
	return plainNumbers(v)
}

func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	case float64: // from the database
		if n := int64(v); float64(n) == v {
			return n
		}
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = plainNumbers(v[key])
		}
	}
	return v
}
