package ledger

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"atelierd/internal/order"
)

func TestAMarkIsReplacedAndReadBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if m, err := ReadMark(dir); m != nil || err != nil {
		t.Fatalf("a folder without a mark has %v, %v", m, err)
	}
	for event := range int64(2) {
		want := order.Mark{Ledger: "l", Event: event, Boot: 3, At: time.Unix(1e9, 0).UTC()}
		if err := WriteMark(dir, want); err != nil {
			t.Fatal(err)
		}
		if m, err := ReadMark(dir); err != nil || m == nil || *m != want {
			t.Errorf("the mark is %v, %v; want %v", m, err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, MarkName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if m, err := ReadMark(dir); m != nil || err != nil {
		t.Errorf("a mark that cannot be understood is read as %v, %v", m, err)
	}
}
