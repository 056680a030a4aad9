package fulfill_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// redoAs has an order made again as the owner wants it.
func (w *world) redoAs(id string, want order.Redo) {
	w.t.Helper()
	w.asOwner(func(o store.Owner) error {
		return o.Redo(w.t.Context(), id, want, func(kind order.Kind, round int) error { return fulfill.ClearWork(w.dir, id, kind, round) })
	})
}

// TestATakeIsMadeAsTheOwnerWantsIt guards that the owner's words and the pictures before
// reach the generator, that the files before stay, and that the client gets only the last.
func TestATakeIsMadeAsTheOwnerWantsIt(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(func(s *fulfill.Service) { s.Approval = order.Failf(order.Hold, order.CodeReview, "look at it") }, nil)
		id := w.order()
		w.run(order.StageGenerate)
		w.redoAs(id, order.Redo{Instructions: "less red", FromThese: true})
		w.run(order.StageGenerate)
		first, second := w.painter.asked[0], w.painter.asked[1]
		if first.Instructions != "" || len(first.PreviousTakes) != 0 || len(first.References) != 0 {
			t.Errorf("the first take got %q, %+v, %+v", first.Instructions, first.PreviousTakes, first.References)
		}
		if second.Instructions != "less red" || !strings.HasSuffix(second.Prompt, "less red") {
			t.Errorf("the second take got %q, prompt %q", second.Instructions, second.Prompt)
		}
		if n := len(second.PreviousTakes); n != 1 || len(second.PreviousTakes[0].Files) != 1 {
			t.Fatalf("the takes before are %+v", second.PreviousTakes)
		}
		before := second.PreviousTakes[0].Files[0]
		if len(second.References) != 1 || second.References[0].Path != before {
			t.Errorf("references %+v, want %s", second.References, before)
		}
		files, err := w.store.Artifacts(t.Context(), id, order.KindDelivery, 0)
		if err != nil || len(files) != 1 || strings.Contains(files[0].Name, "take") {
			t.Fatalf("files %+v, %v", files, err)
		}
		now := filepath.Join(w.dir, files[0].Path)
		for _, path := range []string{before, now} {
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
		}
		if before == now {
			t.Errorf("both takes are at %s", now)
		}
	})
}
