package fulfill_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/message"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

func TestTheGeneratorGetsTheOrderAndItsFilesAreStored(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.order()
		r := w.must(order.StageGenerate)
		asked := w.painter.asked[0]
		if asked.OrderID != id || asked.Brief != "a fox" || asked.Attempt != 1 || asked.Round != 0 ||
			asked.Service.Title != title || asked.Service.Category != "image_gen" || len(asked.Service.Deliverables) != 1 {
			t.Errorf("asked for %+v", asked)
		}
		if r.Next != order.StageUpload || w.spent(id) != order.Dollar/25 || r.Note != "with love" {
			t.Errorf("%+v", r)
		}
		a := w.artifacts(id)[0]
		kept, err := os.Stat(filepath.Join(w.dir, a.Path))
		if err != nil || kept.Size() != a.Bytes || a.MIME != "image/png" || a.Media != "image" || a.Width != 1 || len(a.SHA256) != 64 {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

func TestAFinishedGeneratorIsNotRunAgainAfterACrash(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.order()
		if _, err := w.f.Run(t.Context(), w.lease(order.StageGenerate)); err != nil {
			t.Fatal(err)
		}
		w.restart() // before the result was committed
		r := w.must(order.StageGenerate)
		if len(w.painter.asked) != 1 || w.spent(id) != order.Dollar/25 {
			t.Errorf("the generator ran %d times; %+v", len(w.painter.asked), r)
		}
		w.must(order.StageUpload)
		w.must(order.StageDeliver)
		if w.delivered(id) != 1 {
			t.Errorf("delivered %d times", w.delivered(id))
		}
	})
}

func TestAResultIsNotTakenWithoutItsFiles(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(folder string) error{
		"a file is gone":        func(folder string) error { return os.Remove(filepath.Join(folder, "a1", "out0.png")) },
		"the record is torn":    func(folder string) error { return os.Truncate(filepath.Join(folder, "a1.result.json"), 20) },
		"the record is missing": func(folder string) error { return os.Remove(filepath.Join(folder, "a1.result.json")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.order()
				if _, err := w.f.Run(t.Context(), w.lease(order.StageGenerate)); err != nil {
					t.Fatal(err)
				}
				if err := spoil(filepath.Dir(w.painter.asked[0].OutputDir)); err != nil {
					t.Fatal(err)
				}
				w.restart()
				w.must(order.StageGenerate)
				if len(w.painter.asked) != 2 || w.painter.asked[1].Attempt != 1 {
					t.Errorf("the generator was asked for %+v", w.painter.asked)
				}
			})
		})
	}
}

func TestAFreshStartAfterClearWorkRunsTheGeneratorAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.order()
		if _, err := w.f.Run(t.Context(), w.lease(order.StageGenerate)); err != nil {
			t.Fatal(err)
		}
		if err := fulfill.ClearWork(w.dir, id, order.KindDelivery, 0); err != nil {
			t.Fatal(err)
		}
		w.restart()
		w.must(order.StageGenerate)
		if len(w.painter.asked) != 2 {
			t.Errorf("the generator ran %d times", len(w.painter.asked))
		}
	})
}

func TestAFileOfAnotherKindThanRequiredIsMadeAgainAndItsCostCounts(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.kind = "video"
		w.restart()
		id := w.order()
		f := w.fails(order.StageGenerate, order.Retry, order.CodeBadFile)
		if w.spent(id) != order.Dollar/25 || !strings.Contains(f.Error(), "image/png") || !strings.Contains(f.Error(), "video") {
			t.Errorf("%v, cost %s", f, w.spent(id))
		}
		if list := w.artifacts(id); len(list) != 0 {
			t.Errorf("kept %+v", list)
		}
		// Twice in a row: the generator would fail again and be paid for it.
		if f := w.fails(order.StageGenerate, order.Hold, order.CodeBadFile); f.Hint == "" || w.painter.asked[1].Attempt != 2 ||
			w.painter.asked[1].OutputDir == w.painter.asked[0].OutputDir {
			t.Errorf("asked for %+v, %q", w.painter.asked, f.Hint)
		}
		w.kind = "image"
		w.restart()
		w.retry(id)
		w.must(order.StageGenerate)
	})
}

func TestWhatTheClientWritesIsTheWishOfAnOrderWithoutOne(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id, err := w.market.PlaceOrder(sandbox.NewOrder{ServiceTitle: title, Brief: " ", Price: "5.00"})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.market.ClientMessage(id, "a fox, please"); err != nil {
			t.Fatal(err)
		}
		w.poll()
		w.must(order.StageGenerate)
		if got := w.painter.asked[0].Prompt; got != "a fox, please" {
			t.Errorf("prompt %q", got)
		}
	})
}

func TestTheClientReadsTheBareReasonOfARefusal(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{"we draw no logos": "Sorry: we draw no logos", "": "Sorry: it cannot be made here"} {
		t.Run("reason "+reason, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.service = func(s *fulfill.Service) {
					l, err := message.Parse("Sorry: {{.Reason}}")
					if err != nil {
						t.Fatal(err)
					}
					s.Templates = map[string]*message.Template{"refused": l}
				}
				w.restart()
				f := order.Failf(order.Fail, order.CodeRefused, "the generator refused the order: %s", reason)
				f.Reason = reason
				w.painter.err = f
				id := w.order()
				w.fails(order.StageGenerate, order.Fail, order.CodeRefused)
				w.must(order.StageSend)
				if said := w.said(id); len(said) != 1 || said[0] != want {
					t.Errorf("the client reads %q, want %q", said, want)
				}
			})
		})
	}
}

func TestAGeneratorThatMakesNothingIsTriedAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.painter.files = 0
		w.order()
		w.fails(order.StageGenerate, order.Retry, order.CodeNoOutput)
	})
}

func TestTheGeneratorsOwnFailureStands(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.painter.err = order.Failf(order.Fail, order.CodeRefused, "it will not paint that")
		w.order()
		w.fails(order.StageGenerate, order.Fail, order.CodeRefused)
	})
}

func TestAFullDiskIsWaitedFor(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.painter.err = &fs.PathError{Op: "write", Path: "out.png", Err: syscall.ENOSPC}
		w.order()
		for range 10 { // more than any attempts, since these are not counted
			f := w.fails(order.StageGenerate, order.Wait, order.CodeDiskFull)
			if f.Hint == "" || f.After < time.Second {
				t.Errorf("hint %q, again in %s", f.Hint, f.After)
			}
		}
		w.painter.err = nil
		w.must(order.StageGenerate)
		if n := w.painter.asked[10].Attempt; n != 1 {
			t.Errorf("with room again it is attempt %d", n)
		}
	})
}

func TestAnOrderOfAServiceThatIsNotConfiguredIsHeld(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.order()
		w.f = fulfill.New(fulfill.Options{Store: w.store, Dir: w.dir})
		if f := w.fails(order.StageGenerate, order.Hold, order.CodeNoService); !strings.Contains(f.Hint, id) {
			t.Errorf("hint %q", f.Hint)
		}
	})
}

// Ids come from the marketplace and may be hostile.
func TestHostileOrderIDsStayInsideTheDataFolder(t *testing.T) {
	t.Parallel()
	ids := []string{
		"../x", "..", ".", "a/b", `a\b`, "/etc/passwd", "x\x00y", strings.Repeat("a", 300), strings.Repeat("a", 299) + "b",
		strings.Repeat("b", 70), "\U0001F98A", "-rf", "a b\nc", "con", "CON ", "x-0123", "\xff\xfe", "ord_1",
	}
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.painter.files = 2
		var b order.Batch
		for _, id := range ids {
			b.Orders = append(b.Orders, order.Facts{ID: id, Status: order.Paid, ServiceTitle: title, CreatedAt: time.Now(), Raw: []byte(`{"status":"paid"}`)})
		}
		w.apply(b)
		folders := map[string]bool{}
		for range ids {
			w.must(order.StageGenerate)
			folders[w.painter.asked[len(w.painter.asked)-1].OutputDir] = true
		}
		if len(folders) != len(ids) {
			t.Errorf("%d orders share %d folders", len(ids), len(folders))
		}
		files := map[string]bool{}
		for _, id := range ids {
			for _, a := range w.artifacts(id) {
				if !filepath.IsLocal(a.Path) || !strings.HasPrefix(a.Path, "artifacts/") || strings.Count(a.Path, "/") != 3 {
					t.Errorf("order %q: kept as %q", id, a.Path)
				}
				if _, err := os.Stat(filepath.Join(w.dir, a.Path)); err != nil {
					t.Errorf("order %q: %v", id, err)
				}
				files[a.Path] = true
			}
		}
		if len(files) != 2*len(ids) {
			t.Errorf("%d files of %d orders with two each", len(files), len(ids))
		}
		for place, want := range map[string]int{filepath.Dir(w.dir): 1, filepath.Join(w.dir, "work"): len(ids), filepath.Join(w.dir, "artifacts"): len(ids)} {
			if got, err := os.ReadDir(place); err != nil || len(got) != want {
				t.Errorf("%s holds %d entries, want %d: %v", place, len(got), want, err)
			}
		}
		for _, id := range ids {
			if err := fulfill.ClearWork(w.dir, id, order.KindDelivery, 0); err != nil {
				t.Errorf("order %q: %v", id, err)
			}
		}
		for place, want := range map[string]int{"work": 0, "artifacts": len(ids)} {
			if got, err := os.ReadDir(filepath.Join(w.dir, place)); err != nil || len(got) != want {
				t.Errorf("cleared, %s holds %d entries, want %d: %v", place, len(got), want, err)
			}
		}
	})
}

func TestThePromptSaysWhatWasWrongWithTheLastRound(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		w.must(order.StageDeliver)
		time.Sleep(time.Minute)
		if err := errors.Join(w.market.Dispute(id, "no"), w.market.ClientMessage(id, "it should be blue")); err != nil {
			t.Fatal(err)
		}
		w.poll()
		w.must(order.StageGenerate)
		prompts := []string{w.painter.asked[0].Prompt, w.painter.asked[1].Prompt}
		if prompts[0] != "a fox" || !strings.HasPrefix(prompts[1], "a fox\n") || !strings.Contains(prompts[1], "- it should be blue") {
			t.Errorf("prompts %q", prompts)
		}
	})
}
