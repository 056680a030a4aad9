package owner_test

import (
	"strings"
	"testing"

	"atelierd/internal/order"
)

// TestARedoNamesTheFilesThatAreWrong guards the instructions for a generator, which makes all
// files again, and that a number which there is not changes nothing.
func TestARedoNamesTheFilesThatAreWrong(t *testing.T) {
	t.Parallel()
	for name, each := range map[string]struct {
		files []int
		text  string
		want  string // "" for an error
		error string
	}{
		"one":            {files: []int{2}, text: "less red", want: "Of the 3 files, change only file 2 (b.png). Keep files 1 (a x.png), 3 (c.png) as before.\nless red"},
		"two, unsorted":  {files: []int{3, 1, 3}, text: "less red", want: "Of the 3 files, change only files 1 (a x.png), 3 (c.png). Keep file 2 (b.png) as before.\nless red"},
		"without a word": {files: []int{1}, want: "Of the 3 files, change only file 1 (a x.png). Keep files 2 (b.png), 3 (c.png) as before."},
		"all":            {files: []int{1, 2, 3}, text: "less red", want: "less red"},
		"none":           {text: "less red", want: "less red"},
		"beyond":         {files: []int{4}, text: "less red", error: "there is no file 4; the last take has 3"},
		"zero":           {files: []int{0}, text: "less red", error: "there is no file 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.place("o1", order.Paid)
			r := order.Result{Next: order.StageUpload, Hold: order.Failf(order.Hold, order.CodeReview, "look at it")}
			for i, file := range []string{"a\nx.png", "b.png", "c.png"} {
				r.Artifacts = append(r.Artifacts, order.Artifact{Position: i, Path: "artifacts/" + file, Name: file, Bytes: 3, SHA256: strings.Repeat(file[:1], 64), MIME: "image/png", Media: "image"})
			}
			w.work(order.LaneGenerate, r, nil)
			err := w.actions.Redo(t.Context(), "o1", order.Redo{Instructions: each.text, Files: each.files})
			takes, read := w.daemon.Takes(t.Context(), "o1", order.KindDelivery, 0)
			w.must(read)
			if each.error != "" {
				if err == nil || !strings.Contains(err.Error(), each.error) || len(takes) != 1 {
					t.Errorf("%v, %d takes, want %q", err, len(takes), each.error)
				}
				return
			}
			w.must(err)
			if got := takes[len(takes)-1].Instructions; len(takes) != 2 || got != each.want {
				t.Errorf("%d takes, with the instructions %q, want %q", len(takes), got, each.want)
			}
		})
	}
}

func TestAFileOfNothingCannotBeNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place("o1", order.Paid)
	w.hold(order.CodeRefused)
	for _, want := range []order.Redo{{Files: []int{1}}, {Piece: 2, Files: []int{1}}} {
		if err := w.actions.Redo(t.Context(), "o1", want); err == nil || !strings.Contains(err.Error(), "no files yet") {
			t.Errorf("%+v: %v", want, err)
		}
	}
}
