package fulfill_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

func TestNothingIsPaidForAnOrderWhoseRowIsDamaged(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.order()
		db, err := sql.Open("sqlite", filepath.Join(w.dir, store.FileName))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec("UPDATE orders SET created_at = 'soon'"); err != nil {
			t.Fatal(err)
		}
		f := w.fails(order.StageGenerate, order.Hold, order.CodeRowDamaged)
		if len(w.painter.asked) != 0 {
			t.Errorf("painted in spite of: %v", f)
		}
		if err := (store.Owner{Store: w.store}).Retry(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		w.must(order.StageGenerate)
	})
}
