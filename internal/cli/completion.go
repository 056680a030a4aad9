package cli

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/config"
	"atelierd/internal/grammar"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/view"
)

// CompletionCmd prints a script for a shell.
type CompletionCmd struct {
	Shell string `arg:"" help:"bash, zsh or fish." enum:"bash,zsh,fish"`
}

// Help explains the command.
func (CompletionCmd) Help() string {
	return `Prints the script that completes commands, flags, orders, services and generators. A
package brings it along. Without a package, load it where your shell starts:

  bash  source <(atelierd completion bash)
  zsh   source <(atelierd completion zsh)
  fish  atelierd completion fish | source`
}

// Run runs the command.
func (c CompletionCmd) Run(p *Program) error {
	_, err := fmt.Fprint(p.Stdout, grammar.Script(c.Shell))
	return err
}

// CompleteCmd prints what completes the last of the words. The scripts run it.
type CompleteCmd struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// ordersOffered is the number of orders that completion offers, the newest.
const ordersOffered = 200

// Run runs the command. It is silent about everything that it cannot read: who completes
// a word wants no other text on the terminal.
func (c CompleteCmd) Run(p *Program) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	completion := p.Grammar.Complete(words)
	completion.Add(p.candidates(completion.Kind, completion.Flags["config"])...)
	completion.Print(p.Stdout)
	return nil
}

// candidates are the values of a kind that the configuration and the database have.
func (p *Program) candidates(kind, file string) []grammar.Candidate {
	var list []grammar.Candidate
	if kind == "state" {
		for _, s := range append(slices.Clone(view.OpenStates), order.StateCompleted, order.StateCancelled) {
			list = append(list, grammar.Candidate{Value: string(s)})
		}
		return list
	}
	if rest, ok := strings.CutPrefix(file, "~/"); ok {
		home, _ := os.UserHomeDir() // without one the file is not found
		file = filepath.Join(home, rest)
	}
	p.Config = file
	switch kind {
	case "order":
		_ = p.withReader(func(ctx context.Context, _ *config.Config, st *store.Store) error {
			lines, err := st.Orders(ctx, "all", ordersOffered)
			for _, l := range lines {
				list = append(list, grammar.Candidate{Value: l.ID, Help: string(l.State) + ": " + term.Line(l.Brief, 60)})
			}
			return err
		})
	case "bounty":
		_ = p.withReader(func(ctx context.Context, _ *config.Config, st *store.Store) error {
			claims, err := st.Claims(ctx, ordersOffered)
			for _, c := range claims {
				list = append(list, grammar.Candidate{Value: c.ID, Help: string(c.State)})
			}
			return err
		})
	case "service", "title":
		if cfg, err := p.load(); err == nil {
			for _, s := range cfg.Services {
				list = append(list, grammar.Candidate{Value: s.Title})
			}
		}
	case "generator":
		if cfg, err := p.load(); err == nil {
			for _, name := range slices.Sorted(maps.Keys(cfg.Generators)) {
				list = append(list, grammar.Candidate{Value: name, Help: cfg.Generators[name].Type})
			}
		}
	}
	return list
}
