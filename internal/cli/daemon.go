package cli

import (
	"cmp"
	"context"

	"atelierd/internal/control"
	"atelierd/internal/store"
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
