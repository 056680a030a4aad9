//go:build unix

package exec

import (
	"slices"
	"testing"

	"atelierd/internal/order"
)

// TestAProgramReportsItsProgress guards that its lines are no output: a flood of them
// neither fills the log nor takes the room of the lines that say why it failed.
func TestAProgramReportsItsProgress(t *testing.T) {
	t.Parallel()
	var lines []string
	e := script(t, `echo "begins" >&2
		yes "progress 0.2" | head -n 50000 >&2
		printf 'progress 25%% denoising\rprogress 50%% denoising\r' >&2
		echo "progress 0.75  upscaling" >&2
		echo "progress NaN" >&2; echo "progress is good" >&2; echo "in progress 0.9" >&2
		echo x > "$OUTPUT_DIR/x"`, onLine(func(s string) { lines = append(lines, s) }))
	req := request(t)
	var got []order.Progress
	var last order.Progress
	req.Call.Progress = func(p order.Progress) {
		if next := p.After(last); next != last {
			last = next
			got = append(got, next)
		}
	}
	res, err := e.Generate(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	want := []order.Progress{
		{Phase: order.PhaseMaking, Fraction: 0.2},
		{Phase: order.PhaseMaking, Fraction: 0.25, Text: "denoising"},
		{Phase: order.PhaseMaking, Fraction: 0.5, Text: "denoising"},
		{Phase: order.PhaseMaking, Fraction: 0.75, Text: "upscaling"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("the progress is %+v, want %+v", got, want)
	}
	if plain := []string{"begins", "progress is good", "in progress 0.9"}; !slices.Equal(lines, plain) {
		t.Errorf("the log has %q, want %q", lines, plain)
	}
	if res.Log != "begins\nprogress is good\nin progress 0.9\n" {
		t.Errorf("the tail is %q", res.Log)
	}
}
