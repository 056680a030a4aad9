package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"path/filepath"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/generate/exec"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// SampleProgress is what shows how far a sample is. Its fields may be nil.
type SampleProgress struct {
	Report func(order.Progress)
	// Show is called with how long a sample usually takes, and stop at its end.
	Show func(usual time.Duration) (stop func())
}

// Samples is an open database, for samples of generators.
type Samples struct {
	o        Options
	owner    store.Owner
	progress SampleProgress
}

// OpenSamples opens the database for samples, and creates it if no daemon has run yet. The
// caller closes it.
func OpenSamples(o Options, p SampleProgress) (*Samples, error) {
	o = o.withDefaults()
	cfg := o.Config
	owner, err := store.OpenOwner(cfg.DataDir, o.By)
	if errors.Is(err, store.ErrNoDatabase) {
		st, createErr := store.Open(store.Options{Dir: cfg.DataDir, Log: o.Log})
		if createErr != nil {
			return nil, createErr
		}
		if err := st.Close(); err != nil {
			return nil, err
		}
		owner, err = store.OpenOwner(cfg.DataDir, o.By)
	}
	if err != nil {
		return nil, err
	}
	if p.Show == nil {
		p.Show = func(time.Duration) func() { return func() {} }
	}
	return &Samples{o, owner, p}, nil
}

// Close closes the database.
func (s *Samples) Close() error { return s.owner.Close() }

// sampler returns what makes samples with a generator.
func (s *Samples) sampler(ctx context.Context, generator string) (fulfill.Sampler, error) {
	l, err := s.owner.Ledger(ctx)
	if err != nil {
		return fulfill.Sampler{}, err
	}
	dir, err := filepath.Abs(filepath.Join(s.o.Config.DataDir, store.SampleDir))
	spending := s.o.Config.Spending
	return fulfill.Sampler{
		Store: s.owner, Dir: dir, Agent: l.AgentID, Log: s.o.Log, Service: sampleService(s.o.Config, generator), Progress: s.progress.Report,
		Caps: order.Caps{Attempt: spending.Attempt, Order: spending.Order, Day: spending.Day},
	}, err
}

// EndProgram kills the program that the command of an open sample may have left running,
// and returns what makes samples with the generator.
func (s *Samples) EndProgram(ctx context.Context, c order.Call) (fulfill.Sampler, error) {
	sampler, err := s.sampler(ctx, c.Generator)
	if err != nil {
		return sampler, err
	}
	if err := exec.KillOrphan(sampler.OutputDir(c)); err != nil {
		return sampler, fmt.Errorf("end the program that an earlier command began: %w", err)
	}
	return sampler, nil
}

// Make has the generator make a sample.
func (s *Samples) Make(ctx context.Context, g fulfill.Generator, wanted order.Sample) (made fulfill.Sampled, err error) {
	err = s.Locked(g.Name, func() error {
		sampler, err := s.sampler(ctx, g.Name)
		if err != nil {
			return err
		}
		if made, err = sampler.Make(ctx, g, wanted); errors.Is(err, store.ErrSampleOpen) {
			return hintf(err, "%s resumes it, %s gives it up; it stays counted as spent",
				order.Command("generators try --resume", g.Name), order.Command("generators try --give-up", g.Name))
		}
		return err
	})
	return made, err
}

// Ask has the assistant look at a picture that is made here.
func (s *Samples) Ask(ctx context.Context, a *fulfill.Assistant) (t fulfill.Trial, err error) {
	err = s.Locked(order.Assistant, func() error {
		sampler, err := s.sampler(ctx, order.Assistant)
		if err != nil {
			return err
		}
		if t, err = sampler.Ask(ctx, a, halves()); errors.Is(err, store.ErrSampleOpen) {
			return hintf(err, "%s closes it; it stays counted as spent", order.Command("generators try --give-up", order.Assistant))
		}
		return err
	})
	return t, err
}

// halves returns a picture of two colours, which are others each time.
func halves() fulfill.Halves {
	const side = 256
	painted := map[string]color.RGBA{
		"red": {R: 0xd0, G: 0x10, B: 0x10, A: 0xff}, "green": {R: 0x10, G: 0xa0, B: 0x20, A: 0xff}, "blue": {R: 0x10, G: 0x20, B: 0xd0, A: 0xff},
		"yellow": {R: 0xf8, G: 0xe0, B: 0x10, A: 0xff}, "black": {A: 0xff}, "white": {R: 0xff, G: 0xff, B: 0xff, A: 0xff},
	}
	names := fulfill.TrialColours()
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	picture := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{painted[names[0]], painted[names[1]]})
	for i := range picture.Pix {
		picture.Pix[i] = uint8(i % side / (side / 2))
	}
	var b bytes.Buffer
	_ = png.Encode(&b, picture) // a buffer takes all
	return fulfill.Halves{PNG: b.Bytes(), Left: names[0], Right: names[1]}
}

// Open returns the open sample of a generator.
func (s *Samples) Open(ctx context.Context, generator string) (order.OpenSample, error) {
	list, err := s.owner.OpenSamples(ctx)
	if err != nil {
		return order.OpenSample{}, err
	}
	for _, o := range list {
		if o.Call.Generator == generator {
			return o, nil
		}
	}
	return order.OpenSample{}, hintf(fmt.Errorf("generator %s has no open sample", generator), "%s makes one",
		order.Command(`generators try --prompt "TEXT"`, generator))
}

// Locked does something while no other process makes a sample with the generator.
func (s *Samples) Locked(generator string, do func() error) error {
	release, err := store.LockSample(s.o.Config.DataDir, generator)
	if errors.Is(err, store.ErrSampleRuns) {
		return hintf(err, "try again when that command has ended")
	}
	if err != nil {
		return err
	}
	usual, err := s.owner.Usual(context.Background())
	if err != nil {
		return errors.Join(err, release())
	}
	stop := s.progress.Show(usual.Of(order.StageGenerate, generator))
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

// GiveUp closes an open sample, which stays counted.
func (s *Samples) GiveUp(c order.Call) error { return s.owner.GiveUpSample(c) }
