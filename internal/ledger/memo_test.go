package ledger

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWhatAFolderRemembersOfLeasesIsReadAgain(t *testing.T) {
	t.Parallel()
	type memo struct{ Epoch int }
	dir := t.TempDir()
	m := memo{Epoch: 1}
	if err := ReadMemo(dir, &m); err != nil || m.Epoch != 1 {
		t.Errorf("without a file: %+v, %v", m, err)
	}
	for _, epoch := range []int{2, 3} {
		if err := WriteMemo(dir, memo{epoch}); err != nil {
			t.Fatal(err)
		}
		if err := ReadMemo(dir, &m); err != nil || m.Epoch != epoch {
			t.Errorf("got %+v, %v", m, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, MemoName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ReadMemo(dir, &m); err != nil || m.Epoch != 3 {
		t.Errorf("one that cannot be understood: %+v, %v", m, err)
	}
}
