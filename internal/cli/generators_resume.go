package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/store"
)

// GeneratorsResumeCmd ends the pause of a generator.
type GeneratorsResumeCmd struct {
	Name string `arg:"" complete:"generator" help:"The generator's name in the configuration."`
}

// Help explains the command.
func (GeneratorsResumeCmd) Help() string {
	return `A generator that fails again and again is paused, and probed from time to time until it
works. This ends the pause at once, such as after you have paid the provider's bill. If
the next calls fail as well, the generator is paused again. The name "assistant" is that
of the assistant.`
}

// Run runs the command.
func (c GeneratorsResumeCmd) Run(p *Program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	if _, ok := cfg.Generators[c.Name]; !ok && (c.Name != order.Assistant || !cfg.Assistant.On()) {
		return noGenerator(cfg, c.Name)
	}
	return p.withOwner(func(ctx context.Context, actions *owner.Actions) error {
		err := actions.ResumeGenerator(c.Name)
		if errors.Is(err, store.ErrNotPaused) {
			sample := order.Command("generators try", c.Name)
			if c.Name == order.Assistant {
				sample = order.Command("doctor --paid")
			}
			return Hintf(err, "%s shows which are; %s makes a sample", order.Command("status"), sample)
		}
		if err != nil {
			return err
		}
		p.wake(ctx, actions.Dir())
		_, err = fmt.Fprintf(p.Stdout, "resumed: %s is used again\n", c.Name)
		return err
	})
}

// noGenerator says that the configuration has no generator of the name.
func noGenerator(cfg *config.Config, name string) error {
	return &UsageError{fmt.Errorf("there is no generator %.60q; there are: %s", name, strings.Join(slices.Sorted(maps.Keys(cfg.Generators)), ", "))}
}
