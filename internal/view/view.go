// Package view reads what an owner sees of the agent: its state, orders, earnings and
// services, each as one value, with the words for states that every reader shows alike.
//
// It changes nothing and sends nothing. It must not know who shows the values: a terminal,
// a page or a program. Texts of clients, providers and the marketplace are as they came,
// so whoever shows them escapes them.
package view

import (
	"context"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/control"
	"atelierd/internal/store"
)

// Reader reads the values.
type Reader struct {
	// Config returns the configuration in use.
	Config func() *config.Config
	Store  *store.Store
	// Daemon returns what the daemon does; ok is false if it does not answer. Nil is a
	// daemon that does not answer.
	Daemon func(context.Context) (s control.State, ok bool)
	// Now is the current time. The default is time.Now.
	Now func() time.Time
}

// reading is what the values read at one moment have in common.
type reading struct {
	cfg    *config.Config
	store  *store.Store
	now    time.Time
	holder int // the process that holds the data folder; 0 for none
	// daemon is what the daemon does; empty unless it answers.
	daemon  control.State
	answers bool
}

func (r Reader) begin(ctx context.Context) reading {
	now := reading{cfg: r.Config(), store: r.Store, now: r.now()}
	now.holder = store.Holder(now.cfg.DataDir)
	if r.Daemon != nil && now.holder != 0 {
		now.daemon, now.answers = r.Daemon(ctx)
	}
	return now
}

func (r Reader) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}
