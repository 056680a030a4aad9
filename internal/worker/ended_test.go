package worker

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A slow line takes minutes for each large file, and a call may have several.
func TestTheDeliveryOfACallMayTakeAsLongAsAllItsFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "film.mp4")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 50<<20); err != nil {
		t.Fatal(err)
	}
	if got, want := deliverWithin([]string{path, path, path}), endWithin+3*410*time.Second; got != want {
		t.Errorf("three files of 50 MB may take %s, want %s", got, want)
	}
}
