package generate

import (
	"fmt"
	"slices"
	"strings"
)

// Spec says which back end a generator uses, and how.
type Spec struct {
	// Type is one of Types.
	Type string
	// Exec is used by the type exec.
	Exec ExecOptions
}

// Types are the names of all back ends.
func Types() []string { return []string{"canvas", "exec"} }

// New makes the generator called name. Its error is one for the owner: it says
// what is wrong with the spec.
func New(name string, spec Spec) (Generator, error) {
	var g Generator
	var err error
	switch spec.Type {
	case "canvas":
		g, err = NewCanvas()
	case "exec":
		g, err = NewExec(spec.Exec)
	default:
		known := slices.Sorted(slices.Values(Types()))
		err = fmt.Errorf("unknown type %.40q, known are %s", spec.Type, strings.Join(known, ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("generator %.40q: %w", name, err)
	}
	return g, nil
}
