package fulfill_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// exec changes the database as another program would.
func (w *world) exec(statement string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, store.FileName)+"?_pragma=busy_timeout(60000)")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		w.t.Fatal(err)
	}
}

func TestNothingIsPaidForAnOrderWhoseRowIsDamaged(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.order()
		w.exec("UPDATE orders SET created_at = 'soon'")
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
