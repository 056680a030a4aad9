package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/term/termtest"
)

// TestInitAsksAndTheFilePassesTheDoctor guards the first minutes of a new owner: each
// answer is checked at once, and what comes out is right.
func TestInitAsksAndTheFilePassesTheDoctor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "make-image"), []byte(makePicture), 0o755); err != nil {
		t.Fatal(err)
	}
	text, err := typed(t, dir, 200, "Atelier Bot", "Fox Studio", "nowhere", "https://fox.test", "abc", "",
		"paint", "program", "./none", "./make-image", "five", "$7.50")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, want := range []string{
		"no: \"Atelier Bot\" contains \"atelier\"", "no: \"nowhere\" is not a URL", "no: is not a Solana address",
		"no: \"paint\" is not one of canvas, program", "no: cannot run the command of the generator, \"./none\"", "no: \"five\" is not a price",
		"wrote atelierd.toml", "`atelierd doctor`",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	doctor := exec.Command(program, "doctor", "--offline")
	doctor.Dir, doctor.Env = dir, []string{"HOME=" + dir}
	out, err := doctor.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "generator studio: exec, ready") {
		t.Errorf("%v\n%s", err, out)
	}
	file, err := os.ReadFile(filepath.Join(dir, "atelierd.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := typed(t, dir, 80); err == nil || !strings.Contains(text, "atelierd.toml exists and was left alone") || strings.Contains(text, "name:") {
		t.Errorf("the second time: %v\n%s", err, text)
	}
	if again, err := os.ReadFile(filepath.Join(dir, "atelierd.toml")); err != nil || string(again) != string(file) {
		t.Errorf("the file was changed: %v", err)
	}
}

func TestInitWritesNothingWithoutAllAnswers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text, err := typed(t, dir, 40, "Fox Studio", "https://fox.test", "abc", "", "paint", "canvas", "\x04")
	if err == nil || !strings.Contains(text, "nothing was written") {
		t.Errorf("%v\n%s", err, text)
	}
	// What is typed, and its line end, is not shown on this terminal.
	asked := strings.NewReplacer("]: ", "]:\n", "  name: ", "  name:\n", "  web address: ", "  web address:\n")
	for line := range strings.Lines(asked.Replace(text)) {
		if n := cells(strings.TrimRight(line, "\n")); n > 40 {
			t.Errorf("a line has %d columns: %s", n, line)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "atelierd.toml")); err == nil {
		t.Error("there is a file")
	}
}

// typed runs init in a folder on a terminal of a width, types lines and returns what it shows.
func typed(t *testing.T, dir string, columns int, lines ...string) (string, error) {
	t.Helper()
	terminal := termtest.Open(t, columns)
	cmd := exec.Command(program, "init")
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "NO_COLOR=1"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal.File, terminal.File, terminal.File
	for _, line := range lines {
		if _, err := fmt.Fprintln(terminal.Keys, line); err != nil {
			t.Fatal(err)
		}
	}
	err := cmd.Run()
	return terminal.Close(), err
}
