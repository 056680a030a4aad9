package control_test

import (
	"net"
	"path/filepath"
	"testing"

	"atelierd/internal/control"
)

func TestASocketAnswersWhileItsProcessListens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := control.PathIn(dir)
	expect := func(answers, known bool, path string) {
		t.Helper()
		if a, k := control.Answers(t.Context(), path); a != answers || k != known {
			t.Errorf("answers %t, known %t; want %t and %t", a, k, answers, known)
		}
	}
	expect(false, true, path)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	expect(true, true, path)
	l.SetUnlinkOnClose(false) // as a killed process leaves it
	l.Close()
	expect(false, true, path)
	expect(false, false, "control.sock")
	expect(false, false, filepath.Join(dir, "other.sock"))
}
