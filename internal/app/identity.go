package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/config"
	"atelierd/internal/credential"
	"atelierd/internal/ledger"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// This file is whose work the data folder records, and how far it has come.

// CheckAgent returns an error if the agent with the id must not act with a data folder
// that records another agent's work. An empty id means that there are no credentials.
func CheckAgent(cfg *config.Config, l order.Ledger, id string) error {
	owner := "agent " + term.Sanitize(l.AgentID) + " at " + term.Sanitize(l.BaseURL)
	if l.AgentID == "" {
		owner = "an agent whose id it has not recorded"
	}
	other := "for another agent, set another data_dir in the configuration"
	switch {
	case id == "" && (l.AgentID != "" || l.Used):
		return &credential.Error{
			Err: fmt.Errorf("the data folder %s belongs to %s, and there are no credentials for it", cfg.DataDir, owner),
			Hint: "put the agent's id and key back into " + filepath.Join(cfg.DataDir, credentialsFile) + "; " +
				order.Command("agent recover") + " explains how to recover a lost key; " + other,
		}
	case id != "" && l.AgentID != "" && id != l.AgentID:
		return &credential.Error{
			Err: fmt.Errorf("the data folder %s belongs to %s, and the credentials are those of agent %s", cfg.DataDir, owner, term.Sanitize(id)),
			Hint: "put the credentials of agent " + term.Sanitize(l.AgentID) + " in place; " +
				order.Command("agent recover") + " explains how to recover a lost key; " + other,
		}
	}
	return nil
}

// CheckFolder is CheckAgent for a command that has not opened the database. A data
// folder without a database that can be read belongs to nobody yet.
func CheckFolder(ctx context.Context, cfg *config.Config, id string) error {
	st, err := store.OpenReader(cfg.DataDir)
	if err != nil {
		return nil //nolint:nilerr // another check reports what is wrong with the database
	}
	defer st.Close()
	l, err := st.Ledger(ctx)
	if err != nil {
		return err
	}
	return CheckAgent(cfg, l, id)
}

// identify returns an error if the ledger is another agent's. Otherwise it counts the
// start, finds out whether the ledger was restored, and writes its mark.
func (a *App) identify(ctx context.Context) error {
	l, err := a.store.Ledger(ctx)
	if err != nil {
		return err
	}
	if err := CheckAgent(a.o.Config, l, a.credentials.AgentID()); err != nil {
		return err
	}
	a.credentials.belongTo(l.AgentID, a.refuseForeign)
	mark, err := ledger.ReadMark(a.o.Config.DataDir)
	if err != nil {
		return err
	}
	boot, err := a.takeOver(ctx, l, l.Behind(mark))
	if err != nil {
		return err
	}
	if boot.Restored != "" {
		boot.Restored = l.Lacks(boot.Restored, time.Now())
		a.o.Log.Warn("the ledger was restored; it is compared with the marketplace before any work", "reason", boot.Restored)
	}
	if err := a.store.Boot(boot); err != nil {
		return err
	}
	a.booted = true
	if err := a.writeMark(ctx); err != nil {
		a.mark.failures.Failed(a.o.Log, "the mark of the ledger could not be written", err)
	}
	return nil
}

// bind records the agent whose credentials the marketplace has accepted.
func (a *App) bind() error {
	l, err := a.store.Ledger(context.Background())
	if err != nil {
		return err
	}
	id, base := a.credentials.AgentID(), a.o.Config.BaseURL
	if l.AgentID == id && l.BaseURL == base {
		return nil
	}
	if err := CheckAgent(a.o.Config, l, id); err != nil {
		return err
	}
	a.credentials.belongTo(id, a.refuseForeign)
	return a.store.BindAgent(id, base)
}

// refuseForeign shows the owner that new credentials are not used, or with an empty id
// that they are the agent's own again.
func (a *App) refuseForeign(id string) {
	text := ""
	if id != "" {
		text = "the new credentials are those of agent " + term.Sanitize(id) + ", and this data folder belongs to agent " + term.Sanitize(a.credentials.AgentID())
		a.o.Log.Error("new credentials belong to another agent and are not used", "agent", a.credentials.AgentID(), "foreign", id,
			"hint", "put the agent's own credentials back, or set another data_dir")
	}
	if err := a.store.SetAlert(order.AlertForeignAgent, text); err != nil {
		a.o.Log.Warn("write to the store failed", "error", err)
	}
}

// marker remembers the mark that was last written.
type marker struct {
	last      order.Mark
	failures  logonce.Logger
	displaced string // what is wrong with the database's file
}

// markInterval is the time between two marks.
const markInterval = time.Minute

// writeMark writes the mark of the ledger, unless nothing has happened since the last.
func (a *App) writeMark(ctx context.Context) error {
	l, err := a.store.Ledger(ctx)
	if err != nil {
		return err
	}
	m := l.Mark(time.Now())
	if last := a.mark.last; last.Event == m.Event && last.Boot == m.Boot {
		return nil
	}
	if err := ledger.WriteMark(a.o.Config.DataDir, m); err != nil {
		return err
	}
	a.mark.last = m
	if l.Marked {
		return nil
	}
	return a.store.Marked()
}

// keepMark writes the mark each minute until ctx ends.
func (a *App) keepMark(ctx context.Context) error {
	for {
		beat.Sleep(ctx, markInterval, nil)
		if ctx.Err() != nil {
			return nil
		}
		a.watchDatabase()
		if err := a.writeMark(ctx); err != nil && ctx.Err() == nil {
			a.mark.failures.Failed(a.o.Log, "the mark of the ledger could not be written", err)
			continue
		}
		a.mark.failures.Recovered(a.o.Log, "the mark of the ledger is written again")
	}
}

// watchDatabase notices that the database's file was removed, emptied or replaced. The
// daemon continues with the file that it has open, and saves it when it stops.
func (a *App) watchDatabase() {
	why := a.store.Displaced()
	if why == a.mark.displaced {
		return
	}
	a.mark.displaced = why
	text := ""
	if why != "" {
		text = "the file of the database " + why + " while the daemon runs"
		a.o.Log.Error("the database's file is not the one that is open", "file", why,
			"hint", "stop the daemon and put "+store.FileName+" back: from "+filepath.Join(a.o.Config.DataDir, store.RescuedName)+", where the daemon then leaves what it can still read, or from a backup")
	}
	if err := a.store.SetAlert(order.AlertDatabase, text); err != nil {
		a.o.Log.Warn("write to the store failed", "error", err)
	}
}

// endWithin is how long a stop waits until it is recorded. Another process may hold the
// database's lock, and the end of the store ends the wait for it.
const endWithin = 5 * time.Second

// recordEnd records that the process stops, or by which error it ends.
func (a *App) recordEnd() {
	recorded := make(chan error, 1)
	go func() {
		if a.failed != "" {
			recorded <- a.store.FailRun(a.failed)
			return
		}
		recorded <- a.store.EndRun()
	}()
	t := time.NewTimer(endWithin)
	defer t.Stop()
	err := errors.New("the database is busy")
	select {
	case err = <-recorded:
	case <-t.C:
	}
	if err != nil {
		a.o.Log.Warn("the stop could not be recorded; the next start takes it for a crash", "error", err)
	}
}
