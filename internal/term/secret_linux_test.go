package term_test

import (
	"io"
	"testing"
	"time"

	"atelierd/internal/term"
	"atelierd/internal/term/termtest"

	"golang.org/x/sys/unix"
)

// TestASecretIsNotShownWhileItIsTyped guards also that the terminal shows what is typed
// afterwards.
func TestASecretIsNotShownWhileItIsTyped(t *testing.T) {
	t.Parallel()
	x := termtest.Open(t, 80)
	mode, err := unix.IoctlGetTermios(int(x.File.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	mode.Lflag |= unix.ECHO
	if err := unix.IoctlSetTermios(int(x.File.Fd()), unix.TCSETS, mode); err != nil {
		t.Fatal(err)
	}
	type read struct {
		text string
		err  error
	}
	got := make(chan read, 1)
	go func() {
		text, err := term.ReadSecret(x.File, x.File, "Password: ")
		got <- read{text, err}
	}()
	x.Await("Password: ", time.Minute)
	for { // until the terminal shows nothing that is typed
		now, err := unix.IoctlGetTermios(int(x.File.Fd()), unix.TCGETS)
		if err != nil || t.Context().Err() != nil {
			t.Fatal(err, t.Context().Err())
		}
		if now.Lflag&unix.ECHO == 0 {
			break
		}
	}
	if _, err := io.WriteString(x.Keys, "correct horse\n"); err != nil {
		t.Fatal(err)
	}
	if r := <-got; r.err != nil || r.text != "correct horse" {
		t.Errorf("read %q, %v", r.text, r.err)
	}
	after, err := unix.IoctlGetTermios(int(x.File.Fd()), unix.TCGETS)
	if err != nil || after.Lflag&unix.ECHO == 0 {
		t.Errorf("the terminal hides what is typed afterwards: %v", err)
	}
	if _, err := term.ReadSecret(io.MultiReader(), io.Discard, ""); err == nil {
		t.Error("a pipe is asked for a secret")
	}
}
