package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"atelierd/internal/atelier"
	"atelierd/internal/config"
	"atelierd/internal/enroll"
	"atelierd/internal/store"
)

// direct is what a command needs that acts at the marketplace itself, beside a
// running daemon or without one: its requests are counted in the same database.
type direct struct {
	cfg    *config.Config
	owner  store.Owner
	client *atelier.Client
	log    *slog.Logger
}

// withMarket opens what a command needs to act at the marketplace.
func (p *program) withMarket(do func(context.Context, direct) error) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	keys, have, err := newKeyring(cfg, p.getenv)
	if err != nil {
		return err
	}
	if !have {
		return &hinted{err: errors.New("there are no credentials yet"), hint: "`atelierd run` or `atelierd once` registers the agent", code: exitCredentials}
	}
	owner, err := store.OpenOwner(cfg.DataDir)
	if err != nil {
		return err
	}
	defer owner.Close()
	log := newLog(p.stderr, p.LogLevel, p.LogFormat)
	b, err := newBudget(cfg, owner.Store, log)
	if err != nil {
		return err
	}
	c, err := newClient(cfg, keys, b, transport{})
	if err != nil {
		return err
	}
	return do(context.Background(), direct{cfg: cfg, owner: owner, client: c, log: log})
}

// confirm asks the person at the terminal to type the word. Without a terminal
// nobody can be asked, so the command has to be given --yes.
func (p *program) confirm(question, word string, yes bool) error {
	if yes {
		return nil
	}
	if !isTerminal(p.stdout) {
		return &usageError{errors.New("nothing was changed: nobody can be asked here; --yes says yes")}
	}
	fmt.Fprintf(p.stdout, "%s Type %s to go on: ", question, word)
	line, err := bufio.NewReader(p.stdin).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != word {
		return errors.New("nothing was changed")
	}
	return nil
}

// showChanges prints fields that differ, old value and new.
func showChanges(g *page, changes []enroll.Change) {
	for _, c := range changes {
		g.linef("      %s", c.Field)
		if c.Old != "" {
			g.linef("        %s", g.paint(red, "- "+short(c.Old, 300)))
		}
		g.linef("        %s", g.paint(green, "+ "+short(c.New, 300)))
	}
}

// changeView is a field that differs, for machines.
type changeView struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

func viewChanges(list []enroll.Change) []changeView {
	views := []changeView{}
	for _, c := range list {
		views = append(views, changeView(c))
	}
	return views
}
