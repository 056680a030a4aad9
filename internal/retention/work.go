package retention

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/order"
)

// This file removes what generators wrote. What the disk shows decides, so that no mark is
// needed.

// clearWork removes a work folder. One that cannot be removed does not keep the others.
func (p *Pruner) clearWork(folder string) {
	if _, err := os.Lstat(filepath.Join(p.o.Dir, p.o.WorkDir, folder)); err != nil {
		return
	}
	if err := p.o.ClearWork(folder); err != nil {
		p.stuck[filepath.Join(p.o.WorkDir, folder)] = err
		return
	}
	p.Removed.Work++
}

// pruneWork removes the work folders of orders that have ended.
func (p *Pruner) pruneWork(ctx context.Context) error {
	before, prune := p.before(order.HistoryWork)
	if !prune {
		return nil
	}
	return p.endedWork(ctx, before, func(folder string) error {
		defer beat.Sleep(ctx, stepPause, nil)
		p.clearWork(folder)
		return nil
	})
}

// endedWork calls fn with each work folder whose order had ended before a time. A folder
// of an order that the database does not know may be that of a restored one: it counts
// once it is as old as files get.
func (p *Pruner) endedWork(ctx context.Context, before time.Time, fn func(folder string) error) error {
	entries, err := os.ReadDir(filepath.Join(p.o.Dir, p.o.WorkDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	odd, err := p.oddFolders(ctx, entries)
	if err != nil {
		return err
	}
	for _, e := range entries {
		id, isOdd := odd[e.Name()]
		if !isOdd {
			id = e.Name()
		}
		ended, known, err := p.o.Store.Ended(ctx, id, before)
		if err != nil {
			return err
		}
		if !known {
			ended = p.old(e)
		}
		if ended {
			if err := fn(e.Name()); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return nil
		}
	}
	return nil
}

// old reports whether an entry of a folder is older than files get.
func (p *Pruner) old(e fs.DirEntry) bool {
	info, err := e.Info()
	before, prune := p.before(order.HistoryFiles)
	return err == nil && prune && info.ModTime().Before(before)
}

// oddFolders returns the orders whose folders have another name than they have.
func (p *Pruner) oddFolders(ctx context.Context, entries []fs.DirEntry) (map[string]string, error) {
	list := map[string]string{}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "x-") {
			continue
		}
		ids, err := p.o.Store.OddOrderIDs(ctx)
		for _, id := range ids {
			list[p.o.Folder(id)] = id
		}
		return list, err
	}
	return list, nil
}
