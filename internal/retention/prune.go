package retention

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/disk"
	"atelierd/internal/order"
)

const (
	// stepPause is how long a step waits for others to write.
	stepPause = 20 * time.Millisecond
	// ordersAtOnce is how many orders are removed between two looks at the size of the
	// data folder.
	ordersAtOnce = 20
	// spare is the part of the allowed size that is made free beyond it, so that not each
	// hour has something to remove.
	spare = 20
)

// Pruner removes once what is kept too long.
type Pruner struct {
	o Options
	// Removed is what it has removed.
	Removed Removed
	// stuck are what could not be removed, by what it is.
	stuck map[string]error
}

// Removed counts what was removed.
type Removed struct {
	Orders   int `json:"orders"` // whose files were removed
	Files    int `json:"files"`
	Work     int `json:"work_folders"`
	Attempts int `json:"attempts"` // and calls
	Events   int `json:"events"`
	Requests int `json:"requests"`
	Notices  int `json:"notices"`
	Copies   int `json:"database_copies"` // from before upgrades
	Stored   int `json:"stored_files"`    // in the owner's storage
}

// NewPruner returns a Pruner.
func NewPruner(o Options) *Pruner { return &Pruner{o: o.withDefaults(), stuck: map[string]error{}} }

// step runs a short transaction and then lets others write.
func (p *Pruner) step(ctx context.Context, fn func() (more bool, err error)) error {
	for ctx.Err() == nil {
		more, err := fn()
		if err != nil || !more {
			return err
		}
		beat.Sleep(ctx, stepPause, nil)
	}
	return nil
}

// before returns the time before which a part of the history is removed. It reports false
// for one that is kept for ever.
func (p *Pruner) before(part order.HistoryPart) (time.Time, bool) {
	keep := p.o.Keep[part]
	if part == order.HistoryAttempts && keep > 0 {
		keep = max(keep, leastAttempts)
	}
	return time.Now().Add(-keep), keep > 0
}

// leastAttempts is how long attempts and calls are kept at least: the caps and the summary of
// the last day add them up.
const leastAttempts = 3 * 24 * time.Hour

// Prune removes what is older than it is kept. If one part fails, the others are removed all
// the same.
func (p *Pruner) Prune(ctx context.Context) error {
	err := p.removeMarked(ctx) // what an earlier process has left
	for _, remove := range []func(context.Context) error{
		p.giveUpCalls, p.pruneWork, p.pruneFiles, p.shrink, p.pruneAttempts, p.pruneTexts, p.pruneRequests, p.pruneNotices, p.pruneCopies, p.pruneStored, p.releasePages,
	} {
		if ctx.Err() == nil {
			err = errors.Join(err, remove(ctx))
		}
	}
	return errors.Join(err, p.whatIsStuck())
}

// whatIsStuck returns what could not be removed; nil for nothing. It is tried again the next
// time.
func (p *Pruner) whatIsStuck() error {
	if len(p.stuck) == 0 {
		return nil
	}
	first := slices.Min(slices.Collect(maps.Keys(p.stuck)))
	if more := len(p.stuck) - 1; more > 0 {
		return fmt.Errorf("%s and %d more cannot be removed: %w", first, more, p.stuck[first])
	}
	return fmt.Errorf("%s cannot be removed: %w", first, p.stuck[first])
}

// Shrink removes the oldest files of orders that have ended while the data folder is too
// large.
func (p *Pruner) Shrink(ctx context.Context) error {
	return errors.Join(p.removeMarked(ctx), p.shrink(ctx), p.whatIsStuck())
}

// report logs what was removed, if anything was.
func (p *Pruner) report() {
	if r := p.Removed; r != (Removed{}) {
		p.o.Log.Info("history was pruned", "orders", r.Orders, "files", r.Files, "work_folders", r.Work, "attempts", r.Attempts,
			"events", r.Events, "requests", r.Requests, "notices", r.Notices, "stored_files", r.Stored)
	}
}

// forgottenAfter is how long a call may have no outcome whose order has ended. No provider
// that cannot cancel a job works on it for so long.
const forgottenAfter = 30 * 24 * time.Hour

// giveUpCalls closes the calls that would keep the history of their orders for ever.
func (p *Pruner) giveUpCalls(ctx context.Context) error {
	return p.step(ctx, func() (bool, error) {
		n, err := p.o.Store.GiveUpForgottenCalls(ctx, time.Now().Add(-forgottenAfter))
		return n > 0, err
	})
}

func (p *Pruner) pruneFiles(ctx context.Context) error {
	before, prune := p.before(order.HistoryFiles)
	if !prune {
		return nil
	}
	ids, err := p.o.Store.EndedOrders(ctx, order.HistoryFiles, before)
	if err != nil {
		return err
	}
	return p.removeFiles(ctx, ids, before)
}

// removeFiles removes the files of orders that had ended before a time.
func (p *Pruner) removeFiles(ctx context.Context, ids []string, before time.Time) error {
	for i, id := range ids {
		if ctx.Err() != nil {
			return nil
		}
		if err := p.o.Store.MarkFiles(id, before); err != nil {
			return err
		}
		p.Removed.Orders++
		if i%ordersAtOnce == ordersAtOnce-1 {
			if err := p.removeMarked(ctx); err != nil {
				return err
			}
		}
		beat.Sleep(ctx, stepPause, nil)
	}
	return p.removeMarked(ctx)
}

// removeMarked removes the files whose removal is recorded, also by an earlier process. One
// that cannot be removed stays recorded, and does not keep the others.
func (p *Pruner) removeMarked(ctx context.Context) error {
	after := int64(0)
	return p.step(ctx, func() (bool, error) {
		files, err := p.o.Store.MarkedFiles(ctx, after)
		if err != nil || len(files) == 0 {
			return false, err
		}
		root, err := os.OpenRoot(p.o.Dir) // a path leads out of the data folder by no means
		if err != nil {
			return false, err
		}
		defer root.Close()
		after = files[len(files)-1].ID
		files = slices.DeleteFunc(files, func(f order.Artifact) bool { return !p.removeFile(root, f) })
		for _, f := range files {
			removeEmpty(root, filepath.Join(p.o.FilesDir, p.o.Folder(f.OrderID)))
		}
		p.Removed.Files += len(files)
		return true, p.o.Store.FilesRemoved(files)
	})
}

// removeFile removes a file with what was made of it. It reports false if that fails.
func (p *Pruner) removeFile(root *os.Root, f order.Artifact) bool {
	err := root.Remove(filepath.FromSlash(f.Path))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil && p.o.RemoveThumb != nil {
		err = p.o.RemoveThumb(f.SHA256)
	}
	if err != nil {
		p.stuck[f.Path] = err
	}
	return err == nil
}

// removeEmpty removes the folder of an order once only unfinished files are left in it.
func removeEmpty(root *os.Root, folder string) {
	_ = fs.WalkDir(root.FS(), filepath.ToSlash(folder), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (strings.HasPrefix(d.Name(), ".fetch-") || strings.HasSuffix(d.Name(), ".tmp")) {
			_ = root.Remove(filepath.FromSlash(path))
		}
		return nil
	})
	entries, _ := fs.ReadDir(root.FS(), filepath.ToSlash(folder))
	for _, e := range entries {
		_ = root.Remove(filepath.Join(folder, e.Name())) // a folder that is not empty stays
	}
	_ = root.Remove(folder)
}

// beyond returns how much is to be removed of a data folder of a size; 0 for nothing.
func (p *Pruner) beyond(used int64) int64 {
	most := p.o.MaxBytes
	if most == 0 || used <= most-most/spare/2 { // what comes before the next look has room, too
		return 0
	}
	return used - (most - most/spare)
}

// shrink removes the oldest files of orders that have ended, with their work folders,
// until the data folder is small enough.
func (p *Pruner) shrink(ctx context.Context) error {
	most := p.o.MaxBytes
	if most == 0 {
		return nil
	}
	used, err := disk.Used(p.o.Dir)
	if err != nil || p.beyond(used) == 0 {
		return err
	}
	now := time.Now()
	ids, err := p.o.Store.EndedOrders(ctx, order.HistoryFiles, now)
	if err != nil {
		return err
	}
	for len(ids) > 0 && used > most-most/spare && ctx.Err() == nil {
		n := min(ordersAtOnce, len(ids))
		for _, id := range ids[:n] {
			ended, _, err := p.o.Store.Ended(ctx, id, now) // it may be in dispute by now
			if err != nil {
				return err
			}
			if ended {
				p.clearWork(p.o.Folder(id))
			}
		}
		if err := p.removeFiles(ctx, ids[:n], now); err != nil {
			return err
		}
		ids = ids[n:]
		if used, err = disk.Used(p.o.Dir); err != nil {
			return err
		}
	}
	if used > most && len(ids) == 0 {
		p.o.Log.Warn("the data folder is larger than history.max_gb, and what is left cannot be removed",
			"bytes", used, "most", most, "stuck", len(p.stuck))
	}
	return nil
}

func (p *Pruner) pruneAttempts(ctx context.Context) error {
	return p.pruneRows(ctx, order.HistoryAttempts, p.o.Store.RemoveAttempts, &p.Removed.Attempts)
}

func (p *Pruner) pruneTexts(ctx context.Context) error {
	return p.pruneRows(ctx, order.HistoryTexts, p.o.Store.RemoveTexts, &p.Removed.Events)
}

// pruneRows removes a part of the rows of each order that has ended.
func (p *Pruner) pruneRows(ctx context.Context, part order.HistoryPart, remove func(string, time.Time) (int, bool, error), count *int) error {
	before, prune := p.before(part)
	if !prune {
		return nil
	}
	ids, err := p.o.Store.EndedOrders(ctx, part, before)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := p.step(ctx, func() (bool, error) {
			removed, more, err := remove(id, before)
			*count += removed
			return more, err
		}); err != nil {
			return err
		}
		beat.Sleep(ctx, stepPause, nil)
	}
	return nil
}

func (p *Pruner) pruneRequests(ctx context.Context) error {
	return p.pruneOld(ctx, order.HistoryRequests, p.o.Store.RemoveRequests, &p.Removed.Requests)
}

func (p *Pruner) pruneNotices(ctx context.Context) error {
	return p.pruneOld(ctx, order.HistoryTexts, p.o.Store.RemoveNotices, &p.Removed.Notices)
}

// pruneOld removes rows that belong to no order, by their age.
func (p *Pruner) pruneOld(ctx context.Context, part order.HistoryPart, remove func(time.Time) (int, error), count *int) error {
	before, prune := p.before(part)
	if !prune {
		return nil
	}
	return p.step(ctx, func() (bool, error) {
		n, err := remove(before)
		*count += n
		return n > 0, err
	})
}

// pruneCopies removes the copies of the database from before upgrades, but for the newest.
func (p *Pruner) pruneCopies(context.Context) error {
	list, err := p.oldCopies()
	for _, c := range list {
		if err := os.Remove(c.path); err != nil {
			p.stuck[filepath.Base(c.path)] = err
			continue
		}
		p.Removed.Copies++
	}
	return err
}

func (p *Pruner) releasePages(ctx context.Context) error { return p.step(ctx, p.o.Store.ReleasePages) }
