package cli

import (
	"cmp"
	"context"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/control"
	"atelierd/internal/store"
	"atelierd/internal/view"
)

// daemonOf returns a client of the daemon that holds the data folder; ok is false if
// none does.
func daemonOf(dir string) (client *control.Client, ok bool) {
	pid, socket := store.Holding(dir)
	if pid == 0 {
		return nil, false
	}
	return control.NewClient(cmp.Or(socket, control.PathIn(dir))), true
}

// wakeDaemon makes a running daemon look at the database at once, and reports whether it
// has. It returns an error if there is one that cannot be reached.
func wakeDaemon(ctx context.Context, dir string) (woken bool, err error) {
	client, ok := daemonOf(dir)
	if !ok {
		return false, nil
	}
	err = client.Wake(ctx)
	return err == nil, err
}

// patience is how long status waits for the daemon.
const patience = 2 * time.Second

// askDaemon returns what the daemon does; ok is false if none runs, or it does not answer.
func askDaemon(ctx context.Context, dir string) (s control.State, ok bool) {
	client, runs := daemonOf(dir)
	if !runs {
		return s, false
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s, err := client.State(ctx)
	return s, err == nil
}

// reader returns what reads the values that commands show.
func reader(cfg *config.Config, st *store.Store) view.Reader {
	return view.Reader{
		Config: func() *config.Config { return cfg }, Store: st,
		Daemon: func(ctx context.Context) (control.State, bool) { return askDaemon(ctx, cfg.DataDir) },
	}
}
