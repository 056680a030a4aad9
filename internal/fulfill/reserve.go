package fulfill

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"atelierd/internal/disk"
	"atelierd/internal/host"
	"atelierd/internal/order"
)

// This file takes room on the disk for the result of a paid call before the call is
// made. If the disk is full when the result is there, the room is given back to store
// it: a result that waits in memory is lost when the process ends.

// reservedExt ends the name of the file that takes the room. It lies next to the folder
// of the attempt.
const reservedExt = ".reserved"

func (r *run) reserved() string { return r.dir + reservedExt }

// reserve takes room for the result of the call, unless the provider can be asked for it
// again. Without room the call is not made.
func (r *run) reserve(g Generator, p plan) error {
	if r.o.Reserve == 0 || g.Free || p.resumed != nil && p.resumed.Ticket != "" {
		return nil
	}
	if err := disk.Reserve(r.reserved(), r.o.Reserve); err != nil {
		return fmt.Errorf("reserve room for the result: %w", err)
	}
	return nil
}

// makeRoom gives the reserved room back, and reports whether there was some.
func (r *run) makeRoom() bool {
	if os.Remove(r.reserved()) != nil {
		return false
	}
	r.o.Log.Warn("the disk is full; a result is stored in the room that was reserved for it",
		"order", r.job.OrderID, "job", r.job.ID, "stage", r.job.Stage, "attempt", r.job.Attempt)
	return true
}

// unreserve gives back the room that this call has not needed.
func (r *run) unreserve() { _ = os.Remove(r.reserved()) }

// unreserveAll gives back the room that attempts at the job have reserved when a process
// died.
func (r *run) unreserveAll() {
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(r.dir), "*"+reservedExt)) // without a folder there is none
	for _, file := range left {
		_ = os.Remove(file) // it goes with the work folder
	}
}

// keep is Fulfiller.keep, which uses the reserved room.
func (r *run) keep(ctx context.Context, j order.Job, write func() error) error {
	return r.Fulfiller.keep(ctx, j, func() error {
		err := write()
		if host.Lacks(err) == host.Room && r.makeRoom() {
			err = write()
		}
		return err
	})
}
