package term

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"golang.org/x/term"
)

// ReadSecret asks for a line and does not show what is typed. in has to be a terminal. After
// a ctrl-c the terminal shows what is typed again, and the error is context.Canceled.
func ReadSecret(in io.Reader, out io.Writer, prompt string) (string, error) {
	f, ok := in.(*os.File)
	if !ok {
		return "", errors.New("not a terminal")
	}
	before, err := term.GetState(int(f.Fd()))
	if err != nil {
		return "", err
	}
	stops := make(chan os.Signal, 1)
	signal.Notify(stops, os.Interrupt)
	defer signal.Stop(stops)
	type line struct {
		text []byte
		err  error
	}
	typed := make(chan line, 1)
	fmt.Fprint(out, prompt)
	defer fmt.Fprintln(out)
	go func() {
		text, err := term.ReadPassword(int(f.Fd()))
		typed <- line{text, err}
	}()
	select {
	case l := <-typed:
		return string(l.text), l.err
	case <-stops:
		return "", errors.Join(context.Canceled, term.Restore(int(f.Fd()), before))
	}
}
