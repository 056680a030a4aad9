package store

import (
	"strings"
	"testing"

	"atelierd/internal/order"
)

func TestARedoOpensATakeAndKeepsTheFilesBefore(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	j := toDeliver(t, s, "o1")
	finish(t, s, order.Done{Job: j, Failure: order.Failf(order.Hold, order.CodeReview, "it waits").WithHint("approve it")})
	want := order.Redo{Instructions: "less red", FromThese: true}
	if err := openOwner(t, s.dir).Redo(t.Context(), "o1", want, keepFiles); err != nil {
		t.Fatal(err)
	}
	list, err := s.Takes(t.Context(), "o1", order.KindDelivery, 0)
	if err != nil || len(list) != 2 || len(list[0].Files) != 1 || len(list[1].Files) != 0 {
		t.Fatalf("takes %+v, %v", list, err)
	}
	if last := list[1]; last.Instructions != "less red" || !last.FromThese || last.N != 2 || last.Opened.IsZero() {
		t.Errorf("the second take is %+v", last)
	}
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Result: order.Result{Next: order.StageUpload, Artifacts: []order.Artifact{{Path: "artifacts/b.png", Name: "b.png"}}}})
	files, err := s.Artifacts(t.Context(), "o1", order.KindDelivery, 0)
	if err != nil || len(files) != 1 || files[0].Name != "b.png" || files[0].Take != 2 {
		t.Errorf("the files that count are %+v, %v", files, err)
	}
	h, err := s.History(t.Context(), "o1")
	if err != nil || len(h.Artifacts) != 2 || len(h.Takes) != 1 {
		t.Errorf("the history has %d files of %d opened takes, %v", len(h.Artifacts), len(h.Takes), err)
	}
	shown := scan[string](t, s.reads, "SELECT group_concat(take || ' ' || instructions || ' ' || files, '; ') FROM v_takes")
	if shown != "1  artifacts/a.png; 2 less red artifacts/b.png" {
		t.Errorf("v_takes shows %q", shown)
	}
}

// Files made in another attempt of one take replace each other.
func TestATakeHasTheFilesOfItsLastAttempt(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	for _, name := range []string{"a.png", "b.png"} {
		j := take(t, s, order.LaneGenerate)
		finish(t, s, order.Done{Job: j, Result: order.Result{Next: order.StageGenerate, Artifacts: []order.Artifact{{Path: name, Name: name}}}})
	}
	list, err := s.Takes(t.Context(), "o1", order.KindDelivery, 0)
	if err != nil || len(list) != 1 || len(list[0].Files) != 1 || list[0].Files[0].Name != "b.png" {
		t.Errorf("takes %+v, %v", list, err)
	}
}

func TestARedoFromFilesNeedsSome(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: order.Failf(order.Hold, order.CodeMisconfigured, "no program").WithHint("set it")})
	err := openOwner(t, s.dir).Redo(t.Context(), "o1", order.Redo{FromThese: true}, keepFiles)
	if err == nil || !strings.Contains(err.Error(), "no files yet") {
		t.Errorf("got %v", err)
	}
	if o := getOrder(t, s, "o1"); o.State != order.StateHeld {
		t.Errorf("the order is %s", o.State)
	}
}
