package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"atelierd/internal/config"
	"atelierd/internal/credential"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// errQuiet ends a command with success and without a word.
var errQuiet = errors.New("nothing to do")

// usageError is a wrong command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }

// hinted is an error with the next step for the owner.
type hinted struct {
	err  error
	hint string
	code int // exit code; 0 is exitFailure
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }

func hintf(err error, format string, args ...any) error {
	return &hinted{err: err, hint: fmt.Sprintf(format, args...)}
}

// explain turns an error into one line, a hint, and an exit code.
func explain(err error) (text, hint string, code int) {
	text, code = err.Error(), exitFailure
	if h, ok := errors.AsType[*hinted](err); ok {
		hint = h.hint
		if h.code != 0 {
			code = h.code
		}
	}
	if f, ok := errors.AsType[*order.Failure](err); ok {
		if hint == "" {
			hint = f.Hint
		}
		if f.Code == order.CodeKeyRefused || f.Code == order.CodeNoKey {
			code = exitCredentials
		}
	}
	if c, ok := errors.AsType[*credential.Error](err); ok {
		code = exitCredentials
		if hint == "" {
			hint = c.Hint
		}
	}
	var usage *usageError
	var conf *config.Error
	switch {
	case errors.As(err, &usage):
		return text, "see `atelierd --help`", exitUsage
	case errors.As(err, &conf):
		hint = cmp.Or(hint, conf.Hint)
		if hint == "" {
			hint = "`atelierd init` writes a file to start from, with each key explained"
		}
		return text, hint, exitUsage
	case errors.Is(err, store.ErrLocked):
		return text, "stop the other one first, or use `atelierd status` beside it", exitDatabase
	case errors.Is(err, store.ErrNewer):
		return text, "install the newer atelierd, or restore the backup that it made beside the database", exitDatabase
	case errors.Is(err, store.ErrNoDatabase) && hint == "":
		return text, "`atelierd run` makes it", exitFailure
	}
	return text, hint, code
}

func exitCode(err error) int {
	_, _, code := explain(err)
	return code
}

// printError prints an error in one line (a configuration has one a problem)
// and a hint. The text may hold a stranger's words and is escaped.
func printError(w io.Writer, text, hint string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(w, "atelierd: %s\n", plain(strings.TrimRight(line, "\n")))
	}
	if hint != "" {
		fmt.Fprintf(w, "hint: %s\n", plain(hint))
	}
}
