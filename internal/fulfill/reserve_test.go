package fulfill_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// reserved returns the files that take room for results.
func (w *world) reserved() []string {
	w.t.Helper()
	list, err := filepath.Glob(filepath.Join(w.dir, "work", "*", "*", "*.reserved"))
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// reserves has each paid call take room.
func (w *world) reserves(room int64) {
	w.options = func(o *fulfill.Options) { o.Reserve = room }
}

// TestAPaidResultIsStoredInTheRoomThatWasReserved guards a stop or a crash on a full
// disk: nothing of what was paid for waits in memory.
func TestAPaidResultIsStoredInTheRoomThatWasReserved(t *testing.T) {
	t.Parallel()
	for _, commit := range []string{"call.submitted", "call.close"} {
		t.Run(commit, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.reserves(1 << 10)
				p := &provider{answers: []answer{{"job-1", nil}}}
				w.useProvider(p)
				id := w.order()
				met := 0
				w.storeHook = func(point string) error {
					if point != "before:"+commit || len(w.reserved()) == 0 || met > 100 {
						return nil
					}
					met++
					return syscall.ENOSPC
				}
				began := time.Now()
				w.must(order.StageGenerate)
				if waited := time.Since(began); len(p.runs) != 1 || w.spent(id) != price || met == 0 || waited >= 2*time.Second {
					t.Errorf("%d calls, spent %s, met a full disk %d times and waited %s", len(p.runs), w.spent(id), met, waited)
				}
			})
		})
	}
}

func TestACallWithoutRoomForItsResultIsNotMade(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reserves(1 << 60)
		p := &provider{}
		w.useProvider(p)
		id := w.order()
		w.fails(order.StageGenerate, order.Wait, order.CodeDiskFull)
		if len(p.runs) != 0 || len(w.calls(id)) != 0 || len(w.reserved()) != 0 {
			t.Errorf("%d calls were made, %d recorded, and the room is taken by %v", len(p.runs), len(w.calls(id)), w.reserved())
		}
	})
}

// TestReservedRoomIsGivenBack guards a disk that fills up with what calls have reserved.
func TestReservedRoomIsGivenBack(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reserves(1 << 10)
		p := &provider{answers: []answer{
			{"", fails(order.Retry, order.CodeProviderFailed, order.ChargeNone)}, {"job-1", fails(order.Stopped, order.CodeStopped, order.ChargePending)},
		}}
		w.useProvider(p)
		w.order()
		w.fails(order.StageGenerate, order.Retry, order.CodeProviderFailed)
		w.fails(order.StageGenerate, order.Stopped, order.CodeStopped)
		if left := w.reserved(); len(left) != 0 {
			t.Errorf("after the calls the room is taken by %v", left)
		}
		dirs, err := filepath.Glob(filepath.Join(w.dir, "work", "*", "*", "a*"))
		if err != nil || len(dirs) == 0 {
			t.Fatal(dirs, err)
		}
		crashed := strings.TrimSuffix(dirs[0], "/") + "9.reserved" // of an attempt that ended with its process
		if err := os.WriteFile(crashed, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.must(order.StageGenerate)
		if left := w.reserved(); len(left) != 0 {
			t.Errorf("after a crash the room is still taken by %v", left)
		}
	})
}
