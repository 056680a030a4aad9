// Package cli has the commands of atelierd, one file each. A command builds a
// value and shows it through package term, as text or as JSON. Files without a
// command hold the values that several commands show, and their text.
//
// It must not know SQL, or how the parts of the daemon are wired together.
package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/user"
	"slices"
	"strings"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/grammar"
	"atelierd/internal/order"
	"atelierd/internal/owner"
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
	// Grammar is that of the command line.
	Grammar grammar.Tree
	// Args are the words of the command line after the program's name.
	Args []string

	logger *slog.Logger // of a run; nil for a log that writes directly
	bar    *term.Bar    // below the log of a command that makes samples
}

// Flags are the flags that every command takes.
type Flags struct {
	Config    string `help:"Configuration file. Default: $ATELIERD_CONFIG, else ./atelierd.toml, the one in your configuration folder, or /etc/atelierd/atelierd.toml." placeholder:"FILE" short:"c" type:"path"`
	LogLevel  string `help:"Least important level to log: debug, info, warn or error." enum:"debug,info,warn,error" default:"info" placeholder:"LEVEL"`
	LogFormat string `help:"Format of the log: text, json, or auto, which is text on a terminal or in the journal, else json." enum:"auto,text,json" default:"auto" placeholder:"FORMAT"`
}

// Output is the flag of every command that prints a value.
type Output struct {
	JSON bool `help:"Print JSON." name:"json"`
}

// print shows v: as JSON, or as the page that show fills.
func (o Output) print(p *Program, v any, show func(*term.Page)) error {
	if o.JSON {
		return term.PrintJSON(p.Stdout, v)
	}
	g := p.Page()
	show(g)
	return g.Print(p.Stdout)
}

// configPath returns the configuration that the command line or the environment names, or "".
func (p *Program) configPath() string { return cmp.Or(p.Config, p.Getenv(config.Env)) }

// load finds and reads the configuration of data that this user may use.
func (p *Program) load() (*config.Config, error) {
	cfg, err := p.read()
	if err == nil {
		err = p.rightUser(cfg)
	}
	if err != nil {
		return nil, err
	}
	return cfg, nil
}

// read finds and reads the configuration.
func (p *Program) read() (*config.Config, error) {
	path, err := config.Find(p.configPath())
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load(path)
	if err != nil {
		return nil, p.readableBy(path, err)
	}
	return cfg, nil
}

func (p *Program) log() *slog.Logger {
	if p.logger != nil {
		return p.logger
	}
	return term.NewLog(p.Stderr, p.logOptions())
}

func (p *Program) logOptions() term.LogOptions {
	return term.LogOptions{Level: p.LogLevel, Format: p.LogFormat, Getenv: p.Getenv}
}

// say prints a line.
func (p *Program) say(format string, args ...any) error {
	g := p.Page()
	g.Linef(format, args...)
	return g.Print(p.Stdout)
}

// Page returns an empty page for standard output.
func (p *Program) Page() *term.Page { return term.NewPage(p.Stdout, p.Getenv) }

// open opens the program for a run with the options, to which it adds what every run has.
func (p *Program) open(ctx context.Context, o app.Options) (*app.App, error) {
	cfg, err := p.load()
	if err != nil {
		return nil, err
	}
	o.Config, o.Log, o.Getenv = cfg, p.log(), p.Getenv
	return app.Open(ctx, o)
}

// withReader runs a command that only reads the database.
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

// options are those of a command that the user of this process has run.
func (p *Program) options(cfg *config.Config) app.Options {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return app.Options{Config: cfg, Log: p.log(), Getenv: p.Getenv, By: order.CLI(name)}
}

// withOwner runs a command that acts for the owner on the data folder.
func (p *Program) withOwner(do func(context.Context, *owner.Actions) error) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	actions, err := app.OpenOwner(p.options(cfg))
	if err != nil {
		return err
	}
	defer actions.Close()
	return do(context.Background(), actions)
}

// market is what a command needs that sends requests to the marketplace.
type market struct{ *app.Market }

// withMarket runs a command that sends requests to the marketplace.
func (p *Program) withMarket(do func(context.Context, market) error) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	m, err := app.OpenMarket(p.options(cfg))
	if err != nil {
		return err
	}
	defer m.Owner.Close()
	return do(context.Background(), market{m})
}

// Confirm is the flag of a command that asks before it changes something.
type Confirm struct {
	Yes bool `help:"Do not ask for confirmation."`
}

// ask has the person at the terminal type the word. Without a terminal the
// command needs --yes.
func (c Confirm) ask(p *Program, question, word string) error {
	if c.Yes {
		return nil
	}
	if !term.IsTerminal(p.Stdout) {
		return &UsageError{errors.New("not a terminal, so nothing was changed; pass --yes to confirm")}
	}
	g := p.Page()
	g.Width = max(g.Width-1, 0) // for the space behind it
	g.Note("", question+" Type "+word+" to confirm:")
	fmt.Fprint(p.Stdout, strings.TrimRight(g.String(), "\n"), " ")
	line, err := bufio.NewReader(p.Stdin).ReadString('\n')
	if err != nil {
		fmt.Fprintln(p.Stdout)
	}
	if err != nil || !confirms(line, word) {
		return errors.New("nothing was changed")
	}
	return nil
}

// confirms reports whether the person has typed the word. Where that is yes, y is enough.
func confirms(line, word string) bool {
	line = strings.TrimSpace(line)
	return line == word || word == "yes" && slices.Contains([]string{"y", "yes"}, strings.ToLower(line))
}
