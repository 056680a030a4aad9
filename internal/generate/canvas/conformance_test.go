package canvas_test

import (
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/generate/canvas"
	"atelierd/internal/generate/gentest"
)

func TestPainterIsAGenerator(t *testing.T) {
	t.Parallel()
	gentest.Kit{Deterministic: true, New: func(t *testing.T) (generate.Generator, func() int) {
		g, err := canvas.New()
		if err != nil {
			t.Fatal(err)
		}
		return g, func() int { return 0 }
	}}.Run(t)
}
