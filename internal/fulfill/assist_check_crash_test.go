package fulfill_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/generate/gentest"
	"atelierd/internal/media"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// The process ends at each commit around a look and the take after it. What is committed is
// neither asked for nor made again.
func TestALookThatIsCommittedIsNeverPaidForAgain(t *testing.T) {
	t.Parallel()
	for point, want := range map[string]struct{ looks, runs int }{
		"after:check": {2, 2}, "before:check": {3, 2}, "before:take": {2, 2}, "after:take": {2, 2},
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				chat, s := w.useCheck(5, 5, 5)
				scores := []string{scored(3), scored(8)}
				if want.looks == 3 {
					scores = []string{scored(3), scored(3), scored(8)}
				}
				for _, text := range scores {
					chat.Next(gentest.ChatText(text))
				}
				id := w.order()
				w.dies(point)
				w.must(order.StageGenerate)
				w.delivers(id, "2")
				if chat.Paid() != want.looks || len(s.asked) != want.runs {
					t.Errorf("%d looks, %d runs; want %d, %d", chat.Paid(), len(s.asked), want.looks, want.runs)
				}
				if !slices.Equal(w.checks(id), []string{"1: 3 of 10, below 6", "2: 8 of 10"}) {
					t.Errorf("%q", w.checks(id))
				}
			})
		})
	}
}

// dies runs the generate stage in a process that ends at the first passing of a point.
func (w *world) dies(point string) {
	w.t.Helper()
	ctx, cancel := context.WithCancelCause(w.t.Context())
	w.storeHook = func(at string) error {
		if at == point || ctx.Err() != nil {
			cancel(order.ErrStopping)
			return errors.New("the process ends here")
		}
		return nil
	}
	_, err := w.f.Run(ctx, w.lease(order.StageGenerate))
	if w.storeHook = nil; err == nil || ctx.Err() == nil {
		w.t.Fatalf("the process did not end at %s: %v", point, err)
	}
	w.restart()
}

func TestALookThatIsLostTwiceIsGivenUp(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, s := w.useCheck(3)
		chat.Next(gentest.ChatLost, gentest.ChatCut)
		id := w.order()
		for range 2 {
			if f := w.fails(order.StageGenerate, order.Wait, order.CodeProviderNoAnswer); f.After <= 0 {
				t.Errorf("waits %v", f.After)
			}
			w.restart()
		}
		w.must(order.StageGenerate)
		w.delivers(id, "1")
		if len(chat.Requests()) != 2 || len(s.asked) != 1 || !strings.Contains(w.checks(id)[0], "lost twice") {
			t.Errorf("%d questions, %d runs, %q", len(chat.Requests()), len(s.asked), w.checks(id))
		}
	})
}

func TestNoLookIsPaidForWhileAnotherHostMayWork(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, _ := w.useCheck(9)
		before, held := w.service, 0
		w.service = func(s *fulfill.Service) { before(s); s.Generators[0].Free = true }
		w.options = func(o *fulfill.Options) {
			o.Held = func() error {
				if held++; held == 2 { // the first is asked before the generator's call
					return &order.Failure{Class: order.Wait, Code: order.CodeLease, Err: errors.New("the lease is not renewed")}
				}
				return nil
			}
		}
		w.restart()
		id := w.order()
		w.fails(order.StageGenerate, order.Wait, order.CodeLease)
		if len(chat.Requests()) != 0 || len(w.checks(id)) != 0 {
			t.Errorf("%d questions, %q", len(chat.Requests()), w.checks(id))
		}
		w.must(order.StageGenerate)
		w.delivers(id, "1")
	})
}

// What is made goes to the client during a pause, and no call is made in one.
func TestAPauseKeepsNoMadeWork(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, s := w.useCheck(3)
		s.after = func() {
			w.asOwner(func(o store.Owner) error { return o.Pause(order.Pause{Service: title}, nil) })
		}
		id := w.order()
		w.must(order.StageGenerate)
		w.delivers(id, "1")
		if len(chat.Requests()) != 0 || !strings.Contains(w.checks(id)[0], "not checked: ") {
			t.Errorf("%d questions, %q", len(chat.Requests()), w.checks(id))
		}
	})
}

func TestFilesThatWereLookedAtAreNotLookedAtAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, s := w.useCheck(3, 9)
		s.same = true
		w.order()
		if why := w.waits(); chat.Paid() != 1 || len(s.asked) != 2 || !strings.Contains(why, "3 of 10") {
			t.Errorf("%d looks, %d runs; it waits because %s", chat.Paid(), len(s.asked), why)
		}
	})
}

// shots makes pictures of videos, or none.
type shots struct{ err error }

func (shots) Scaled(order.Artifact, int, int) ([]byte, error) { return []byte("JPEG"), nil }

func (s shots) Frames(_ context.Context, _ order.Artifact, count, _ int) (list [][]byte, err error) {
	for range count {
		list = append(list, []byte("JPEG"))
	}
	return list, s.err
}

func TestFramesOfAVideoAreLookedAtWhereThereAreSome(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shrinker fulfill.Shrinker
		frames   int
		note     string
	}{
		"with ffmpeg":    {shots{}, 4, "9 of 10"},
		"without":        {nil, 0, "ffmpeg is not installed"},
		"a broken video": {shots{errors.New("it has no frame")}, 0, "it has no frame"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				chat, _ := w.useCheck(9)
				before := w.service
				w.service = func(s *fulfill.Service) {
					before(s)
					s.Requirements = fulfill.Requirements{Rules: media.Rules{Kind: media.Video}}
					s.Generators[0].Backend = generatorFunc(func(_ context.Context, r generate.Request) (generate.Result, error) {
						file := filepath.Join(r.OutputDir, "a.mp4")
						return generate.Result{Files: []string{file}}, os.WriteFile(file, film, 0o600)
					})
				}
				w.options = func(o *fulfill.Options) { o.Shrinker = c.shrinker }
				w.restart()
				id := w.order()
				w.must(order.StageGenerate)
				w.must(order.StageUpload)
				w.must(order.StageDeliver)
				list := chat.Requests()
				if len(list) != min(c.frames, 1) || c.frames > 0 && (len(list[0].Pictures) != c.frames || !strings.Contains(list[0].Text, `"video":true`)) {
					t.Errorf("%d questions: %+v", len(list), list)
				}
				if !strings.Contains(w.checks(id)[0], c.note) || w.delivered(id) != 1 {
					t.Errorf("%q", w.checks(id))
				}
			})
		})
	}
}
