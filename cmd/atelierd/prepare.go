package main

import (
	"context"
	"fmt"
	"log/slog"

	"atelierd/internal/config"
	"atelierd/internal/credential"
	"atelierd/internal/store"
)

// prepared is what a run needs before anything is started: all that can fail
// for a reason of the owner's.
type prepared struct {
	cfg  *config.Config
	log  *slog.Logger
	keys *keyring
	shop *workshop
	st   *store.Store
	hook hook
}

// load reads the configuration and shows its warnings.
func (p *program) load() (*config.Config, error) {
	path, err := config.Find(p.Config)
	if err != nil {
		return nil, err
	}
	return config.Load(path)
}

// prepare reads configuration and credentials, takes the lock, opens the
// database, and registers the agent if it has never been.
func (p *program) prepare(ctx context.Context, wait bool) (*prepared, error) {
	cfg, err := p.load()
	if err != nil {
		return nil, err
	}
	log := newLog(p.stderr, p.LogLevel, p.LogFormat)
	for _, w := range cfg.Warnings() {
		log.Warn("configuration", "warning", w)
	}
	gens, err := newGenerators(cfg, log)
	if err != nil {
		return nil, err
	}
	shop, err := newWorkshop(cfg, gens, log)
	if err != nil {
		return nil, err
	}
	keys, have, err := newKeyring(cfg, p.getenv)
	if err != nil {
		return nil, err
	}
	st, err := store.Open(store.Options{Dir: cfg.DataDir, Log: log, Hook: storeHook})
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	ready := &prepared{cfg: cfg, log: log, keys: keys, shop: shop, st: st}
	if have {
		// A crash may have come between the saved key and the end of the intent.
		if err := credential.EndRegistration(cfg.DataDir); err != nil {
			st.Close()
			return nil, err
		}
		return ready, nil
	}
	if err := ready.register(ctx, wait); err != nil {
		st.Close()
		return nil, err
	}
	return ready, nil
}

func (r *prepared) register(ctx context.Context, wait bool) error {
	b, err := newBudget(r.cfg, r.st, r.log)
	if err != nil {
		return err
	}
	c, err := newClient(r.cfg, r.keys, b, transport{})
	if err != nil {
		return err
	}
	return register(ctx, r.cfg, r.keys, c, wait, r.log)
}

// storeHook lets the tests of this program crash it at named commits. It is
// nil in the program itself.
var storeHook func(point string) error
