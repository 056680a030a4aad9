package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"atelierd/internal/tomlpath"
)

// Problem is one mistake in the file.
type Problem struct {
	// Line counts from 1. It is 0 when the file could not be read.
	Line int
	// Key is the path of the key, like agent.name or service "Posters": title. A
	// service without a title is named by its index, like service[0]. Key is empty
	// when the file is not valid TOML.
	Key  string
	Text string
}

func (p Problem) in(path string) string {
	var b strings.Builder
	if path != "" {
		b.WriteString(path)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	return b.String() + p.Text
}

// Error is every problem of a configuration, in the order of their lines.
type Error struct {
	Path     string // as the caller named it; empty when no file was found
	Problems []Problem
	// Hint is the next step, or empty.
	Hint string
}

// Error returns one line for each problem: PATH:LINE: KEY: TEXT.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.in(e.Path)
	}
	return strings.Join(lines, "\n")
}

func byLine(a, b Problem) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
}

func sortProblems(list []Problem) { slices.SortStableFunc(list, byLine) }

func join(path, key string) string { return tomlpath.Join(path, key) }

func element(path string, i int) string { return tomlpath.Element(path, i) }
