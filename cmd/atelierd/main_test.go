package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary, called by the name atelierd, the real program.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"atelierd": func() {
		installTestHook()
		main()
	}})
}
