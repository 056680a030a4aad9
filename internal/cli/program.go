// Package cli is the commands of atelierd, a file each. A command builds a value
// and shows it through package term, as text or as JSON.
//
// It must not know how the parts of the daemon are wired, or SQL.
package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// Program is the process as a command sees it.
type Program struct {
	Flags
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string
}

// Flags are those of every command.
type Flags struct {
	Config    string `help:"Configuration file. Default: ./atelierd.toml, then the one in your configuration folder." placeholder:"FILE" short:"c" type:"path"`
	LogLevel  string `help:"What is logged: debug, info, warn or error." enum:"debug,info,warn,error" default:"info" placeholder:"LEVEL"`
	LogFormat string `help:"How it is logged: text, json, or auto, which is text on a terminal." enum:"auto,text,json" default:"auto" placeholder:"FORMAT"`
}

// load finds and reads the configuration.
func (p *Program) load() (*config.Config, error) {
	path, err := config.Find(p.Config)
	if err != nil {
		return nil, err
	}
	return config.Load(path)
}

func (p *Program) log() *slog.Logger { return term.NewLog(p.Stderr, p.LogLevel, p.LogFormat) }

// Page returns an empty page for standard output.
func (p *Program) Page() *term.Page { return term.NewPage(p.Stdout, p.Getenv) }

// open opens the program for a run.
func (p *Program) open(ctx context.Context, waitForMarket bool) (*app.App, error) {
	cfg, err := p.load()
	if err != nil {
		return nil, err
	}
	return app.Open(ctx, app.Options{Config: cfg, Log: p.log(), Getenv: p.Getenv, WaitForMarket: waitForMarket})
}

// withReader runs a command that reads the database.
func (p *Program) withReader(do func(context.Context, *config.Config, *store.Store) error) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	st, err := store.OpenReader(cfg.DataDir)
	if err != nil {
		return err
	}
	defer st.Close()
	return do(context.Background(), cfg, st)
}

// withMarket runs a command that acts at the marketplace.
func (p *Program) withMarket(do func(context.Context, market) error) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	m, err := app.OpenMarket(app.Options{Config: cfg, Log: p.log(), Getenv: p.Getenv})
	if err != nil {
		return err
	}
	defer m.Owner.Close()
	return do(context.Background(), market{m})
}

// market is what such a command works with.
type market struct{ *app.Market }

// confirm asks the person at the terminal to type the word. Without a terminal
// the command needs --yes.
func (p *Program) confirm(question, word string, yes bool) error {
	if yes {
		return nil
	}
	if !term.IsTerminal(p.Stdout) {
		return &UsageError{errors.New("not a terminal, so nothing was changed; pass --yes to confirm")}
	}
	fmt.Fprintf(p.Stdout, "%s Type %s to confirm: ", question, word)
	line, err := bufio.NewReader(p.Stdin).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != word {
		return errors.New("nothing was changed")
	}
	return nil
}
