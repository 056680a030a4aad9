package fulfill_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

func (w *world) artifacts(id string) []order.Artifact {
	w.t.Helper()
	list, err := w.store.Artifacts(w.t.Context(), id, order.KindDelivery, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func TestEachFileGoesUpOnceAcrossACrashBetweenTwo(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.painter.files = 3
		id := w.order()
		w.must(order.StageGenerate)
		w.scripted("/upload", sandbox.Fault{}, sandbox.Fault{Before: http.StatusBadGateway})
		if _, f := w.run(order.StageUpload); f == nil || f.Class != order.Retry || !f.Outage {
			t.Fatalf("%v counts against the order", f)
		}
		w.restart()
		w.must(order.StageUpload)
		if files := w.market.Files(); len(files) != 3 {
			t.Errorf("%d files went up", len(files))
		}
		w.must(order.StageDeliver)
		o, _ := w.market.Order(id)
		for i, a := range w.artifacts(id) {
			if len(o.Deliveries) != 1 || o.Deliveries[0].URLs[i] != a.URL {
				t.Errorf("file %d is %s; delivered %+v", i, a.URL, o.Deliveries)
			}
		}
	})
}

func TestAFileThatIsGoneOrChangedIsHeld(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"gone":    os.Remove,
		"changed": func(path string) error { return os.Truncate(path, 10) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				id := w.order()
				w.must(order.StageGenerate)
				if err := spoil(filepath.Join(w.dir, w.artifacts(id)[0].Path)); err != nil {
					t.Fatal(err)
				}
				f := w.fails(order.StageUpload, order.Hold, order.CodeFileGone)
				if f.Hint == "" || len(w.market.Files()) != 0 {
					t.Errorf("hint %q, %d files went up", f.Hint, len(w.market.Files()))
				}
			})
		})
	}
}

func TestTheWorkFolderIsClearedWhenAllFilesAreUp(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.order()
		w.must(order.StageGenerate)
		folder := filepath.Dir(w.painter.asked[0].OutputDir)
		if _, err := os.Stat(folder); err != nil {
			t.Fatal(err)
		}
		w.must(order.StageUpload)
		if _, err := os.Stat(folder); !os.IsNotExist(err) {
			t.Errorf("the work folder is still there: %v", err)
		}
		if _, err := os.Stat(filepath.Join(w.dir, w.artifacts(id)[0].Path)); err != nil {
			t.Errorf("the file itself: %v", err)
		}
	})
}

func TestClearWorkRemovesOneRoundAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	make := func(parts ...string) string {
		path := filepath.Join(append([]string{dir}, parts...)...)
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "a1.result.json"), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	gone := make("work", "ord_1", "r1")
	running := make("work", "ord_3", "r0")
	record := filepath.Join(running, "a1"+generate.RunningExt)
	if err := os.WriteFile(record, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stay := []string{make("work", "ord_1", "r0"), make("work", "ord_2", "r1"), make("artifacts", "ord_1", "r1")}
	for range 2 { // the second finds nothing to do
		if err := fulfill.ClearWork(dir, "ord_1", order.KindDelivery, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := fulfill.ClearWork(dir, "ord_3", order.KindDelivery, 0); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(running); err != nil || len(left) != 1 || filepath.Join(running, left[0].Name()) != record {
		t.Errorf("of a program that runs %v is left, %v; want its record", left, err)
	}
	if err := fulfill.ClearWork(dir, "../artifacts/ord_1", order.KindDelivery, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(gone); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", gone, err)
	}
	for _, path := range stay {
		if _, err := os.Stat(filepath.Join(path, "a1.result.json")); err != nil {
			t.Error(err)
		}
	}
}

func TestAnUploadWithoutABudgetIsWaitedFor(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.limits.Ceilings[order.RequestUpload] = 1
		w.restart()
		w.painter.files = 2
		w.order()
		w.must(order.StageGenerate)
		if f := w.fails(order.StageUpload, order.Wait, order.CodeBudget); f.After <= 0 {
			t.Errorf("waits %s", f.After)
		}
		if files := w.market.Files(); len(files) != 1 {
			t.Errorf("%d files went up with a budget of one", len(files))
		}
	})
}

// TestWorkReportsItsProgress guards that generating names its generator and its call, and
// that uploading counts the bytes of all files.
func TestWorkReportsItsProgress(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.painter.files = 3
		var last order.Progress
		var phases []order.Phase
		w.options = func(o *fulfill.Options) {
			o.Progress = func(_ order.Job, p order.Progress) {
				if p = p.After(last); p.Phase != last.Phase {
					phases = append(phases, p.Phase)
				}
				last = p
			}
		}
		w.restart()
		id := w.order()
		w.must(order.StageGenerate)
		if last.Generator != "painter" || last.Began.IsZero() {
			t.Errorf("generating reports %+v", last)
		}
		w.must(order.StageUpload)
		var total int64
		for _, a := range w.artifacts(id) {
			total += a.Bytes
		}
		if last.Done != total || last.Total != total || last.Fraction != 1 || !slices.Equal(phases, []order.Phase{order.PhaseMaking, order.PhaseUploading}) {
			t.Errorf("uploading %d bytes reports %+v, after %v", total, last, phases)
		}
	})
}
