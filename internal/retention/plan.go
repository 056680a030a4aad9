package retention

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"atelierd/internal/disk"
	"atelierd/internal/order"
)

// copied is a copy of the database.
type copied struct {
	path  string
	at    time.Time
	bytes int64
}

// oldCopies returns the copies of the database from before upgrades that are kept too long.
// The newest is never one.
func (p *Pruner) oldCopies() (old []copied, err error) {
	before, prune := p.before(order.HistoryFiles)
	paths, err := filepath.Glob(filepath.Join(p.o.Dir, "atelierd-v*.db"))
	if err != nil || !prune {
		return nil, err
	}
	var list []copied
	var last copied
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		c := copied{path, info.ModTime(), info.Size()}
		list = append(list, c)
		if c.at.After(last.at) {
			last = c
		}
	}
	for _, c := range list {
		if c != last && c.at.Before(before) {
			old = append(old, c)
		}
	}
	return old, nil
}

// Plan returns how much Prune would remove.
func (p *Pruner) Plan(ctx context.Context) ([]order.Prunable, error) {
	before := map[order.HistoryPart]time.Time{}
	for part := range p.o.Keep {
		if at, prune := p.before(part); prune {
			before[part] = at
		}
	}
	list, err := p.o.Store.Prunable(ctx, before)
	if err != nil {
		return nil, err
	}
	if at, prune := before[order.HistoryWork]; prune {
		work, err := p.planWork(ctx, at)
		if err != nil {
			return nil, err
		}
		list = append(list, work)
	}
	beyond, err := p.planBeyond(ctx, list)
	if err != nil {
		return nil, err
	}
	old, err := p.oldCopies()
	if err != nil {
		return nil, err
	}
	copies := order.Prunable{What: order.PrunedCopies, Count: len(old)}
	for _, c := range old {
		copies.Bytes += c.bytes
	}
	list = append(list, copies, beyond)
	if p.o.Storage == nil {
		return list, nil
	}
	keys, err := p.o.Store.OldObjects(ctx, p.o.Storage.Place(), time.Now().Add(-p.o.KeepStored), mostPlanned)
	return append(list, order.Prunable{What: order.PrunedStored, Count: len(keys)}), err
}

// planWork returns the work folders of orders that had ended before a time.
func (p *Pruner) planWork(ctx context.Context, before time.Time) (order.Prunable, error) {
	work := order.Prunable{What: order.PrunedWork}
	err := p.endedWork(ctx, before, func(folder string) error {
		n, err := disk.Used(filepath.Join(p.o.Dir, p.o.WorkDir, folder))
		work.Count++
		work.Bytes += n
		return err
	})
	return work, err
}

// planBeyond returns how much of what has ended is removed sooner, for the size of the data
// folder, once the files and work folders of a plan are gone.
func (p *Pruner) planBeyond(ctx context.Context, plan []order.Prunable) (order.Prunable, error) {
	beyond := order.Prunable{What: order.PrunedBeyond}
	used, err := disk.Used(p.o.Dir)
	if err != nil || p.beyond(used) == 0 {
		return beyond, err
	}
	now := time.Now()
	all, err := p.o.Store.Prunable(ctx, map[order.HistoryPart]time.Time{order.HistoryFiles: now})
	if err != nil {
		return beyond, err
	}
	work, err := p.planWork(ctx, now)
	// Work folders have other names of the same files, whose room is free once both are gone.
	used -= sizeOf(plan, order.PrunedFiles)
	left := sizeOf(append(all, work), order.PrunedFiles, order.PrunedWork) - sizeOf(plan, order.PrunedFiles, order.PrunedWork)
	beyond.Bytes = min(p.beyond(used), max(left, 0))
	return beyond, err
}

// sizeOf adds up some of a plan.
func sizeOf(plan []order.Prunable, what ...order.Pruned) (bytes int64) {
	for _, each := range plan {
		if slices.Contains(what, each.What) {
			bytes += each.Bytes
		}
	}
	return bytes
}
