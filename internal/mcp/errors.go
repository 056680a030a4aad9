package mcp

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"atelierd/internal/host"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// errFault is what an agent is told of a fault that is not its own.
var errFault error = refusal("It failed on the machine of atelierd. The log there says why.")

// ofMachine reports whether an error is about this machine: its text may have a path.
func ofMachine(err error) bool {
	var path *fs.PathError
	var link *os.LinkError
	var syscall *os.SyscallError
	return errors.As(err, &path) || errors.As(err, &link) || errors.As(err, &syscall) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || store.IsDamaged(err) || host.Lacks(err) != ""
}

// sentence begins a text with a capital letter. Names of orders stay small.
func sentence(text string) string {
	text = strings.TrimSuffix(term.Line(brackets.Replace(text), 400), ".")
	if first, n := utf8.DecodeRuneInString(text); !strings.ContainsRune(text[:strings.IndexByte(text+" ", ' ')], '_') {
		return string(unicode.ToUpper(first)) + text[n:]
	}
	return text
}
