package fulfill_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

func TestReferencesAreFetchedOnceAndAMissingOneIsANote(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		l := &shelf{has: map[string]string{"https://a.example/1.png": string(picture) + "one", "https://a.example/text.png": "no picture"}}
		w.links = l
		w.painter.err = order.Failf(order.Retry, order.CodeExit, "not yet")
		w.restart()
		id, err := w.market.PlaceOrder(sandbox.NewOrder{
			ServiceTitle: title, Brief: "a fox", Price: "5.00",
			ReferenceImages: []string{"https://a.example/1.png", "https://a.example/gone.png"},
			ReferenceURLs:   []string{"https://a.example/text.png?x=1", "https://a.example/page.html", "https://a.example/1.png"},
		})
		if err != nil {
			t.Fatal(err)
		}
		l.has["https://a.example/text.png?x=1"] = "no picture"
		w.poll()
		w.fails(order.StageGenerate, order.Retry, order.CodeExit)
		w.painter.err = nil
		w.restart()
		w.must(order.StageGenerate)
		asked := w.painter.asked[1]
		if len(asked.References) != 1 || asked.References[0].MIME != "image/png" || asked.References[0].URL != "https://a.example/1.png" {
			t.Fatalf("references %+v", asked.References)
		}
		content, err := os.ReadFile(asked.References[0].Path)
		if err != nil || string(content) != l.has["https://a.example/1.png"] {
			t.Errorf("%q, %v", content, err)
		}
		if len(asked.Notes) != 2 || !strings.Contains(asked.Notes[0], "reference 2") || !strings.Contains(asked.Notes[1], "not a picture") {
			t.Errorf("notes %q", asked.Notes)
		}
		if n := slices.Index(l.asked, "https://a.example/1.png"); slices.Contains(l.asked[n+1:], "https://a.example/1.png") {
			t.Errorf("fetched %q", l.asked)
		}
		if slices.Contains(l.asked, "https://a.example/page.html") {
			t.Error("a page was fetched")
		}
		if remarks := w.remarks(id); len(remarks) != 2 {
			t.Errorf("the timeline says %q", remarks)
		}
		if kept, err := w.store.Artifacts(t.Context(), id, order.KindReference, 0); err != nil || len(kept) != 1 || kept[0].SHA256 == "" {
			t.Errorf("kept %+v, %v", kept, err)
		}
	})
}

// remarks returns the order's timeline events about references.
func (w *world) remarks(id string) (list []string) {
	w.t.Helper()
	history, err := w.store.History(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range history.Events {
		if e.Kind == "reference" {
			list = append(list, e.Text)
		}
	}
	return list
}

// linked places an order with n links to pictures of the given size and returns
// the shelf that serves them.
func (w *world) linked(n, bytes int) (string, *shelf) {
	w.t.Helper()
	l := &shelf{has: map[string]string{}}
	var links []string
	for i := range n {
		link := fmt.Sprintf("https://a.example/%d.png", i)
		links = append(links, link)
		if bytes > 0 {
			l.has[link] = string(picture) + strings.Repeat("x", bytes-len(picture))
		}
	}
	w.links = l
	w.restart()
	id, err := w.market.PlaceOrder(sandbox.NewOrder{ServiceTitle: title, Brief: "a fox", Price: "5.00", ReferenceImages: links})
	if err != nil {
		w.t.Fatal(err)
	}
	w.poll()
	return id, l
}

func TestSlowReferencesDoNotHoldUpTheWork(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		_, l := w.linked(16, 1000)
		l.slow = 25 * time.Second
		began := time.Now()
		w.must(order.StageGenerate)
		// Four at once, and a minute for all of them.
		if took, asked := time.Since(began), w.painter.asked[0]; took != time.Minute || len(asked.References) != 8 || len(asked.Notes) != 8 {
			t.Errorf("it took %s for %d references, with %d notes", took, len(asked.References), len(asked.Notes))
		}
	})
}

func TestReferencesAreNoMoreThanABackEndCanHold(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.linked(3, 12<<20)
		w.must(order.StageGenerate)
		if asked := w.painter.asked[0]; len(asked.References) != 2 || len(asked.Notes) != 1 || !strings.Contains(asked.Notes[0], "32 MB") {
			t.Errorf("%d references, notes %q", len(asked.References), asked.Notes)
		}
	})
}

// A fault of the host is no reason to work without the client's picture.
func TestADiskThatFailsIsNoMissingReference(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.linked(1, 1000)
		artifacts := filepath.Join(w.dir, "artifacts")
		if err := errors.Join(os.RemoveAll(artifacts), os.WriteFile(artifacts, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		w.fails(order.StageGenerate, order.Retry, order.CodeError)
		if len(w.painter.asked) != 0 {
			t.Error("the generator was asked without the picture")
		}
	})
}

func TestReferencesAreFetchedForWorkThatIsPaidForOnly(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		judge := &critic{}
		w.service = func(s *fulfill.Service) { s.Requirements.Checker = judge }
		_, l := w.linked(2, 1000)
		delete(l.has, "https://a.example/1.png")
		w.must(order.StageGenerate)
		if len(l.asked) != 2 { // and not again for the check
			t.Errorf("fetched %q", l.asked)
		}
		if len(judge.req.References) != 1 || judge.req.Prompt == "" {
			t.Errorf("the check is told %+v", judge.req)
		}
	})
}

func TestAReferenceKeepsItsFileWhenTheListChanges(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id, l := w.linked(2, 1000)
		w.painter.err = order.Failf(order.Retry, order.CodeExit, "not yet")
		w.fails(order.StageGenerate, order.Retry, order.CodeExit)
		w.painter.err = nil
		l.has["https://a.example/new.png"] = string(picture) + "new"
		changed := []string{"https://a.example/1.png", "https://a.example/new.png"}
		if _, err := w.store.Apply(order.Batch{Listing: order.Listing{Orders: []order.Facts{{
			ID: id, Status: order.Paid, ServiceTitle: title,
			Brief: "a fox", ReferenceImages: changed,
		}}}, Decide: catalog.Decide, Vanished: catalog.Vanished}); err != nil {
			t.Fatal(err)
		}
		w.must(order.StageGenerate)
		for _, r := range w.painter.asked[1].References {
			if content, err := os.ReadFile(r.Path); err != nil || string(content) != l.has[r.URL] {
				t.Errorf("%s is another picture, %v", r.URL, err)
			}
		}
	})
}

func TestALaterRoundMayBeginWithThePictureThatWasSentBack(t *testing.T) {
	t.Parallel()
	for _, fromLast := range []bool{true, false} {
		t.Run(fmt.Sprint("fromLast ", fromLast), func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.service = func(s *fulfill.Service) { s.FromLast = fromLast }
				id, _ := w.linked(1, 1000)
				w.must(order.StageGenerate)
				w.must(order.StageUpload)
				w.must(order.StageDeliver)
				if err := w.market.Dispute(id, "make the hat blue"); err != nil {
					t.Fatal(err)
				}
				w.poll()
				w.must(order.StageGenerate)
				got := w.painter.asked[1].References
				if !fromLast {
					if len(got) != 1 {
						t.Errorf("references %+v", got)
					}
					return
				}
				sent := w.firstLink(id)
				if len(got) != 2 || got[0].URL != sent || got[0].MIME != "image/png" || got[1].URL != "https://a.example/0.png" || len(w.painter.asked[0].References) != 1 {
					t.Fatalf("references %+v, delivered %s", got, sent)
				}
				if content, err := os.ReadFile(got[0].Path); err != nil || !strings.HasPrefix(string(content), string(picture)) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// firstLink returns the link of the first delivery.
func (w *world) firstLink(id string) string {
	w.t.Helper()
	files, err := w.store.Artifacts(w.t.Context(), id, order.KindDelivery, 0)
	if err != nil || len(files) != 1 {
		w.t.Fatal(files, err)
	}
	return files[0].URL
}
