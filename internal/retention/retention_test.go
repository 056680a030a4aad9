package retention_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/retention"
	"atelierd/internal/store/storetest"
)

// ended opens a data folder with one order that has a file and is paid out.
func ended(t *testing.T) *year {
	t.Helper()
	y := &year{T: t, dir: storetest.Dir(t), kept: map[string]int{}}
	y.open()
	t.Cleanup(func() { y.st.Close() })
	y.apply(0, order.Paid, "")
	y.make(0)
	y.apply(0, order.Completed, "tx")
	return y
}

// TestAFileThatWasOnlyMarkedIsRemovedNext guards what a crash leaves between the mark and
// the removal, and between the removal and its record.
func TestAFileThatWasOnlyMarkedIsRemovedNext(t *testing.T) {
	t.Parallel()
	for _, gone := range []bool{false, true} {
		y := ended(t)
		path := filepath.Join(y.dir, y.path(0))
		y.must(y.st.MarkFiles(id(0), time.Now().Add(time.Minute)))
		if gone {
			y.must(os.Remove(path))
		}
		o := y.options()
		o.Keep[order.HistoryFiles] = 0 // no further file is removed
		p := retention.NewPruner(o)
		y.must(p.Prune(t.Context()))
		marked, err := y.st.MarkedFiles(t.Context(), 0)
		y.must(err)
		if _, err := os.Stat(filepath.Dir(filepath.Dir(path))); len(marked) > 0 || !errors.Is(err, fs.ErrNotExist) || p.Removed.Files != 1 {
			t.Errorf("%d files are to be removed still, %d were; the folder: %v", len(marked), p.Removed.Files, err)
		}
	}
}

// TestItIsPrunedOnceANight guards the hour, in the owner's time zone, and that a night in
// which the daemon was down is made up for.
func TestItIsPrunedOnceANight(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		y := &year{T: t, dir: dir}
		y.open()
		defer y.st.Close()
		o := y.options()
		o.Zone, o.MaxBytes = time.FixedZone("UTC+8", 8*60*60), 0
		pruned := func() time.Time {
			at, err := y.st.PrunedAt(t.Context())
			y.must(err)
			return at
		}
		live := func(d time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			retention.New(o).Run(ctx)
		}
		start := time.Now() // midnight in UTC, 8 in the morning there
		live(time.Hour)
		if at := pruned(); !at.Equal(start) {
			t.Errorf("begun at %s, which counts as the last time", at)
		}
		live(20 * time.Hour)
		if at := pruned(); !at.Equal(start.Add(19 * time.Hour)) {
			t.Errorf("pruned at %s; want 3 in the morning of UTC+8", at)
		}
		time.Sleep(30 * time.Hour) // over the next night
		now := time.Now()
		live(time.Minute)
		if at := pruned(); at.Before(now) {
			t.Errorf("pruned at %s; want at the start at %s", at, now)
		}
	})
}

// TestNothingIsPrunedBeforeItIsReady guards a restored ledger.
func TestNothingIsPrunedBeforeItIsReady(t *testing.T) {
	t.Parallel()
	y := ended(t)
	o := y.options()
	o.Ready = func() error { return errors.New("the ledger is compared first") }
	y.must(y.st.SetPruned(time.Now().AddDate(0, 0, -3)))
	o.Keep[order.HistoryFiles] = time.Nanosecond
	_, err := retention.New(o).Once(t.Context())
	y.must(err)
	if _, err := os.Stat(filepath.Join(y.dir, y.path(0))); err != nil {
		t.Error(err)
	}
	o.Ready = nil
	_, err = retention.New(o).Once(t.Context())
	y.must(err)
	if _, err := os.Stat(filepath.Join(y.dir, y.path(0))); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there still: %v", err)
	}
}

// TestAWorkFolderOfAnUnknownOrderStays guards results that a restored ledger has forgotten.
func TestAWorkFolderOfAnUnknownOrderStays(t *testing.T) {
	t.Parallel()
	y := ended(t)
	work := filepath.Join(y.dir, "work")
	y.must(os.MkdirAll(filepath.Join(work, "ord_forgotten", "r0"), 0o700))
	y.must(os.MkdirAll(filepath.Join(work, "ord_old", "r0"), 0o700))
	y.must(os.Chtimes(filepath.Join(work, "ord_old"), time.Time{}, time.Now().Add(-2*keepFiles)))
	p := retention.NewPruner(y.options())
	y.must(p.Prune(t.Context()))
	if _, err := os.Stat(filepath.Join(work, "ord_forgotten")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(work, "ord_old")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an old one is there still: %v", err)
	}
}

// TestWhatCannotBeRemovedKeepsNothingElse guards the rest of the history, the limit of the
// disk, and that the owner learns of it, if a file and a work folder cannot be removed.
func TestWhatCannotBeRemovedKeepsNothingElse(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		y := &year{T: t, dir: dir, kept: map[string]int{}}
		y.open()
		defer y.st.Close()
		for n := range 3 {
			y.apply(n, order.Paid, "")
			y.make(n)
			y.apply(n, order.Completed, "tx")
		}
		path := func(n int) string { return filepath.Join(dir, y.path(n)) }
		y.must(os.Remove(path(0)))
		y.must(os.MkdirAll(filepath.Join(path(0), "in the way"), 0o700))
		o := y.options()
		clearWork := o.ClearWork
		o.ClearWork = func(folder string) error {
			if folder == id(1) {
				return fs.ErrPermission
			}
			return clearWork(folder)
		}
		o.MaxBytes = 1
		gone := func(path string) bool {
			_, err := os.Lstat(path)
			return errors.Is(err, fs.ErrNotExist)
		}
		p := retention.NewPruner(o)
		if err := p.Shrink(t.Context()); err == nil || !strings.Contains(err.Error(), "1 more cannot be removed") {
			t.Errorf("the error is %v", err)
		}
		if !gone(path(1)) || !gone(path(2)) || gone(path(0)) || p.Removed.Files != 2 || p.Removed.Work != 2 {
			t.Errorf("with a file and a work folder that stay, %+v was removed", p.Removed)
		}
		alert := func(after time.Duration) string {
			ctx, cancel := context.WithTimeout(t.Context(), after)
			defer cancel()
			retention.New(o).Run(ctx)
			text, err := y.st.Fact(t.Context(), string(order.AlertHistory.Code()))
			y.must(err)
			return text
		}
		if text := alert(time.Minute); text != "" {
			t.Errorf("after one failure the owner reads %q", text)
		}
		if text := alert(2 * time.Hour); !strings.Contains(text, "cannot be removed") {
			t.Errorf("after two failures the owner reads %q", text)
		}
		y.must(os.Remove(filepath.Join(path(0), "in the way")))
		o.ClearWork, o.MaxBytes = clearWork, maxBytes
		if text := alert(time.Hour); text != "" || !gone(path(0)) {
			t.Errorf("once all can be removed the owner reads %q", text)
		}
	})
}

// goesOn is a store in which an order goes on right after it was listed as ended.
type goesOn struct {
	retention.Store
	id string
}

func (s goesOn) Ended(ctx context.Context, id string, before time.Time) (ended, known bool, err error) {
	if id == s.id {
		return false, true, nil
	}
	return s.Store.Ended(ctx, id, before)
}

// TestTheWorkOfAnOrderThatGoesOnStays guards an order that is in dispute once its turn comes.
func TestTheWorkOfAnOrderThatGoesOnStays(t *testing.T) {
	t.Parallel()
	y := ended(t)
	o := y.options()
	o.Store, o.MaxBytes = goesOn{y.st, id(0)}, 1
	p := retention.NewPruner(o)
	y.must(p.Shrink(t.Context()))
	if _, err := os.Stat(filepath.Join(y.dir, "work", id(0))); err != nil || p.Removed.Work != 0 {
		t.Errorf("%d work folders were removed: %v", p.Removed.Work, err)
	}
}

// TestTheSummaryOfADayHasWhatItsOrdersCost guards a summary that is made after the night in
// which the attempts of its day would go.
func TestTheSummaryOfADayHasWhatItsOrdersCost(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		y := &year{T: t, dir: dir, kept: map[string]int{}}
		y.open()
		defer y.st.Close()
		from := time.Now()
		for n := range 2 { // the newest attempt of all stays in any case
			y.apply(n, order.Paid, "")
			y.make(n)
			y.apply(n, order.Completed, "tx")
		}
		time.Sleep(33 * time.Hour)
		o := y.options()
		o.Keep[order.HistoryAttempts] = day
		p := retention.NewPruner(o)
		y.must(p.Prune(t.Context()))
		d, err := y.st.Digest(t.Context(), "yesterday", from, from.Add(day))
		y.must(err)
		if d.Spent != y.spent || p.Removed.Attempts != 0 {
			t.Errorf("the summary has %s spent, want %s; %d attempts and calls were removed", d.Spent, y.spent, p.Removed.Attempts)
		}
		time.Sleep(2 * day)
		y.must(p.Prune(t.Context()))
		if p.Removed.Attempts == 0 {
			t.Error("attempts and calls stay for ever")
		}
	})
}
