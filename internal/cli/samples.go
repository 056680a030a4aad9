package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/generate/exec"
	"atelierd/internal/media"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// This file makes samples for the commands that show them.

// samples is an open database, for samples.
type samples struct {
	*Program
	cfg   *config.Config
	owner store.Owner
	bar   *sampleBar
}

// openSamples opens the database for samples, and creates it if no daemon has run yet.
func (p *Program) openSamples(cfg *config.Config) (*samples, error) {
	owner, err := store.OpenOwner(cfg.DataDir, p.options(cfg).By)
	if errors.Is(err, store.ErrNoDatabase) {
		st, createErr := store.Open(store.Options{Dir: cfg.DataDir, Log: p.log()})
		if createErr != nil {
			return nil, createErr
		}
		if err := st.Close(); err != nil {
			return nil, err
		}
		owner, err = store.OpenOwner(cfg.DataDir, p.options(cfg).By)
	}
	if err != nil {
		return nil, err
	}
	return &samples{p, cfg, owner, &sampleBar{Bar: p.bar}}, nil
}

func (s *samples) close() { s.owner.Close() }

// sampler returns what makes samples with a generator.
func (s *samples) sampler(ctx context.Context, generator string) (fulfill.Sampler, error) {
	l, err := s.owner.Ledger(ctx)
	if err != nil {
		return fulfill.Sampler{}, err
	}
	dir, err := filepath.Abs(filepath.Join(s.cfg.DataDir, store.SampleDir))
	spending := s.cfg.Spending
	return fulfill.Sampler{
		Store: s.owner, Dir: dir, Agent: l.AgentID, Log: s.log(), Service: sampleService(s.cfg, generator), Progress: s.bar.report,
		Caps: order.Caps{Attempt: spending.Attempt, Order: spending.Order, Day: spending.Day},
	}, err
}

// endProgram kills the program that the command of an open sample may have left running,
// and returns what makes samples with the generator.
func (s *samples) endProgram(ctx context.Context, c order.Call) (fulfill.Sampler, error) {
	sampler, err := s.sampler(ctx, c.Generator)
	if err != nil {
		return sampler, err
	}
	if err := exec.KillOrphan(sampler.OutputDir(c)); err != nil {
		return sampler, fmt.Errorf("end the program that an earlier command began: %w", err)
	}
	return sampler, nil
}

// make has the generator make a sample.
func (s *samples) make(ctx context.Context, g fulfill.Generator, wanted order.Sample) (made fulfill.Sampled, err error) {
	err = s.locked(g.Name, func() error {
		sampler, err := s.sampler(ctx, g.Name)
		if err != nil {
			return err
		}
		if made, err = sampler.Make(ctx, g, wanted); errors.Is(err, store.ErrSampleOpen) {
			return Hintf(err, "%s resumes it, %s gives it up; it stays counted as spent",
				order.Command("generators try --resume", g.Name), order.Command("generators try --give-up", g.Name))
		}
		return err
	})
	return made, err
}

// open returns the open sample of a generator.
func (s *samples) open(ctx context.Context, generator string) (order.OpenSample, error) {
	list, err := s.owner.OpenSamples(ctx)
	if err != nil {
		return order.OpenSample{}, err
	}
	for _, o := range list {
		if o.Call.Generator == generator {
			return o, nil
		}
	}
	return order.OpenSample{}, Hintf(fmt.Errorf("generator %s has no open sample", generator), "%s makes one",
		order.Command(`generators try --prompt "TEXT"`, generator))
}

// locked does something while no other process makes a sample with the generator.
func (s *samples) locked(generator string, do func() error) error {
	release, err := store.LockSample(s.cfg.DataDir, generator)
	if errors.Is(err, store.ErrSampleRuns) {
		return Hintf(err, "try again when that command has ended")
	}
	if err != nil {
		return err
	}
	usual, err := s.owner.Usual(context.Background())
	if err != nil {
		return errors.Join(err, release())
	}
	stop := s.bar.show(usual.Of(order.StageGenerate, generator))
	err = do()
	stop()
	return errors.Join(err, release())
}

// sampleService is the service that a sample of a generator is for.
func sampleService(cfg *config.Config, generator string) generate.Service {
	s := generate.Service{Title: "a sample", Category: "image_gen"}
	if cfg.Generators[generator].Makes == config.KindVideo {
		s.Category = "video_gen"
	}
	for _, each := range cfg.Services {
		if each.Generator == generator {
			s = generate.Service{Title: each.Title, Category: each.Category, Deliverables: each.Deliverables}
		}
	}
	return s
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
