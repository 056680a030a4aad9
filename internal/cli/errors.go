package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/credential"
	"atelierd/internal/fence"
	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/store"
)

// Exit codes.
const (
	ExitOK          = 0
	ExitFailure     = 1
	ExitUsage       = 2 // a wrong command line or configuration
	ExitCredentials = 3
	ExitDatabase    = 4 // locked by another process, maybe in use on another host, or from a newer version
)

// ErrQuiet ends a command with success and without any output.
var ErrQuiet = errors.New("nothing to do")

// UsageError is a wrong command line. Its hint is the help of the command.
type UsageError struct{ Err error }

// Error describes the error.
func (e *UsageError) Error() string { return e.Err.Error() }

// HintError is an error with a hint: the next step for the owner.
type HintError struct {
	Err  error
	Hint string
	Code int // exit code; 0 is ExitFailure
}

// Error describes the error, without the hint.
func (e *HintError) Error() string { return e.Err.Error() }

// Unwrap returns the error that the hint is about.
func (e *HintError) Unwrap() error { return e.Err }

// Hintf returns err with a hint.
func Hintf(err error, format string, args ...any) error {
	return &HintError{Err: err, Hint: fmt.Sprintf(format, args...)}
}

// Explanation is an error for the owner: what happened, the next step, and the
// exit code.
type Explanation struct {
	Text string
	Hint string
	Code int
}

// Explain returns what to print for an error of a command, such as "orders show",
// and the code to exit with.
func Explain(command string, err error) Explanation {
	e := Explanation{Text: err.Error(), Code: ExitFailure}
	if h, ok := errors.AsType[*HintError](err); ok {
		e.Hint, e.Code = h.Hint, cmp.Or(h.Code, e.Code)
	}
	if h, ok := errors.AsType[*app.Hinted](err); ok {
		e.Hint = cmp.Or(e.Hint, h.Hint)
	}
	if f, ok := errors.AsType[*order.Failure](err); ok {
		e.Hint = cmp.Or(e.Hint, f.Hint)
		if f.Code == order.CodeKeyRefused || f.Code == order.CodeNoKey {
			e.Code = ExitCredentials
		}
	}
	if c, ok := errors.AsType[*credential.Error](err); ok {
		e.Hint, e.Code = cmp.Or(e.Hint, c.Hint), ExitCredentials
	}
	var usage *UsageError
	var input *owner.InputError
	var conf *config.Error
	var other *app.OtherHostError
	var held *fence.HeldError
	var stale *fence.StaleError
	switch {
	case errors.As(err, &usage), errors.As(err, &input):
		e.Hint, e.Code = "see "+order.Command(strings.TrimSpace(command+" --help")), ExitUsage
	case errors.As(err, &conf):
		e.Hint = cmp.Or(e.Hint, conf.Hint, order.Command("init")+" writes a file to start from, with each key explained")
		e.Code = ExitUsage
	case errors.Is(err, store.ErrLocked):
		e.Hint, e.Code = "stop the other one first; "+order.Command("status")+" works while it runs", ExitDatabase
	case errors.As(err, &held) && held.Twin:
		e.Hint = "if one is a clone of the other, run one of them only; " + order.Command("lease --wait") + " waits until no host works"
		e.Code = ExitDatabase
	case errors.As(err, &held):
		e.Hint, e.Code = order.Command("lease --wait")+" waits until that host has stopped or its lease is dead; then restore its copy", ExitDatabase
	case errors.As(err, &stale):
		e.Hint = "move the data folder away and restore the copy of that host's database; if there is none, " + order.Command("run --takeover") + " compares this one with the marketplace and works"
		e.Code = ExitDatabase
	case errors.As(err, &other):
		e.Hint = "stop the daemon there and see that nothing starts it again; then " + order.Command("run --takeover") + " compares the folder with the marketplace and works"
		e.Code = ExitDatabase
	case errors.Is(err, store.ErrNewer):
		e.Hint = cmp.Or(e.Hint, "install the newer atelierd; or move the data folder away and run "+order.Command("restore FROM")+" with a backup of before its upgrade")
		e.Code = ExitDatabase
	case errors.Is(err, store.ErrLost):
		e.Hint = "stop the daemon, if one runs, and put the database back: from " + store.RescuedName + ", which the daemon leaves, or move the folder away and run " +
			order.Command("restore FROM") + " with a backup; without any, " + order.Command("reconcile --new-database") + " begins with an empty one"
		e.Code = ExitDatabase
	case store.IsDamaged(err):
		e.Hint = "stop the daemon, move the data folder away and run " + order.Command("restore FROM") + " with a backup; or save what can be read, in the data folder: " +
			"`sqlite3 " + store.FileName + " .recover | sqlite3 recovered.db`, and put recovered.db in its place"
	case errors.Is(err, store.ErrOlder):
		e.Hint = order.Command("run") + " upgrades it; stop a running daemon first"
	case errors.Is(err, store.ErrNoDatabase) && e.Hint == "":
		e.Hint = order.Command("run") + " creates it"
	}
	return e
}
