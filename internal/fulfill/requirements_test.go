package fulfill_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/media"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

func TestNoClientGetsTheFileOfAnotherOrTheOneHeSentBack(t *testing.T) {
	t.Parallel()
	same := func(_ context.Context, r generate.Request) (generate.Result, error) {
		file := filepath.Join(r.OutputDir, "same.png")
		return generate.Result{Files: []string{file}}, os.WriteFile(file, picture, 0o600)
	}
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.service = func(s *fulfill.Service) { s.Generators[0].Backend = generatorFunc(same) }
		w.restart()
		first := w.order()
		w.must(order.StageGenerate)
		w.must(order.StageUpload)
		w.must(order.StageDeliver)
		w.order()
		if f := w.fails(order.StageGenerate, order.Retry, order.CodeDuplicate); !strings.Contains(f.Error(), first) {
			t.Errorf("%v", f)
		}
		w.service = func(s *fulfill.Service) { s.Generators[0].Backend, s.Requirements.Repeats = generatorFunc(same), true }
		w.restart()
		w.must(order.StageGenerate)
		w.must(order.StageUpload)
		w.must(order.StageDeliver)
		if err := w.market.Dispute(first, "no"); err != nil {
			t.Fatal(err)
		}
		w.poll()
		w.fails(order.StageGenerate, order.Retry, order.CodeSameAgain)
	})
}

type generatorFunc func(context.Context, generate.Request) (generate.Result, error)

func (f generatorFunc) Generate(ctx context.Context, r generate.Request) (generate.Result, error) {
	return f(ctx, r)
}
func (generatorFunc) Check(context.Context) error { return nil }

// critic is a checker that returns one error.
type critic struct {
	err   error
	req   generate.Request
	files []string
}

func (c *critic) CheckFiles(_ context.Context, req generate.Request, files []string) error {
	c.req, c.files = req, files
	return c.err
}

func TestTheOwnersCheckMayVeto(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err   *order.Failure
		class order.Class
		code  order.Code
	}{
		"a veto":        {fails(order.Fail, order.CodeRefused, order.ChargeNone), order.Retry, order.CodeVetoed},
		"later":         {fails(order.Retry, order.CodeTryLater, order.ChargeNone), order.Wait, order.CodeTryLater},
		"broken":        {fails(order.Retry, order.CodeExit, order.ChargeNone), order.Hold, order.CodeCheck},
		"misconfigured": {fails(order.Hold, order.CodeMisconfigured, order.ChargeNone), order.Hold, order.CodeMisconfigured},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				judge := &critic{err: c.err}
				w.service = func(s *fulfill.Service) { s.Requirements.Checker = judge }
				w.restart()
				id := w.order()
				w.fails(order.StageGenerate, c.class, c.code)
				if len(judge.files) != 1 || len(w.artifacts(id)) != 0 {
					t.Errorf("it was shown %q; kept %+v", judge.files, w.artifacts(id))
				}
				judge.err = nil
				if c.class == order.Hold {
					w.retry(id)
				}
				w.must(order.StageGenerate)
				if again := len(w.painter.asked) == 2; again != (c.code == order.CodeVetoed) {
					t.Errorf("the work was made %d times", len(w.painter.asked))
				}
			})
		})
	}
}

func TestTheNumberOfFilesIsRequired(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.service = func(s *fulfill.Service) { s.Requirements.Files = 2 }
		w.restart()
		w.order()
		w.fails(order.StageGenerate, order.Retry, order.CodeBadFile)
		w.painter.files = 2
		w.must(order.StageGenerate)
	})
}

// film is a short video as far as its container shows.
var film = []byte("\x00\x00\x00\x14ftypisom\x00\x00\x02\x00isom\x00\x00\x00\x10moov\x00\x00\x00\x08trak\x00\x00\x00\x0cmdat\x00\x00\x00\x00")

func TestAStillNextToAPromisedVideoIsLeftOut(t *testing.T) {
	t.Parallel()
	both := func(_ context.Context, r generate.Request) (generate.Result, error) {
		still, video := filepath.Join(r.OutputDir, "a.png"), filepath.Join(r.OutputDir, "b.mp4")
		return generate.Result{Files: []string{still, video}}, errors.Join(os.WriteFile(still, picture, 0o600), os.WriteFile(video, film, 0o600))
	}
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		seen := &critic{}
		w.service = func(s *fulfill.Service) {
			s.Generators[0].Backend = generatorFunc(both)
			s.Requirements = fulfill.Requirements{Rules: media.Rules{Kind: media.Video}, Files: 1, Checker: seen}
		}
		w.restart()
		w.order()
		made := w.must(order.StageGenerate).Artifacts
		if len(made) != 1 || made[0].MIME != "video/mp4" || len(seen.files) != 1 || filepath.Base(seen.files[0]) != "b.mp4" {
			t.Errorf("delivers %+v, and the check saw %q", made, seen.files)
		}
		w.must(order.StageUpload)
		w.must(order.StageDeliver)
	})
}

func TestALinkMeetsTheRequirementsOrIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind  string
		rules media.Rules
		class order.Class // empty when it is taken
		code  order.Code
	}{
		"of the kind":           {"image", media.Rules{Kind: "image"}, "", ""},
		"of no kind":            {"", media.Rules{Kind: "image"}, "", ""},
		"of another kind":       {"document", media.Rules{Kind: "image"}, order.Retry, order.CodeBadFile},
		"of a size":             {"image", media.Rules{Kind: "image", MinWidth: 1024}, order.Hold, order.CodeNotMeasured},
		"of a service of links": {"document", media.Rules{Kind: "link"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.painter.files, w.painter.url, w.painter.kind = 0, "https://cdn.example/x", c.kind
				w.service = func(s *fulfill.Service) { s.Requirements.Rules = c.rules }
				w.restart()
				w.order()
				if c.class == "" {
					w.must(order.StageGenerate)
				} else {
					w.fails(order.StageGenerate, c.class, c.code)
				}
			})
		})
	}
}

// series makes files of the given contents, one list for each run.
func series(runs ...[]string) generatorFunc {
	return func(_ context.Context, r generate.Request) (made generate.Result, err error) {
		for i, content := range runs[0] {
			if strings.HasPrefix(content, "https:") {
				made.URL = content
				continue
			}
			file := filepath.Join(r.OutputDir, fmt.Sprintf("%d.png", i))
			made.Files = append(made.Files, file)
			err = errors.Join(err, os.WriteFile(file, []byte(string(picture)+content), 0o600))
		}
		runs = runs[1:]
		return made, err
	}
}

func TestTheSameFileIsNotDeliveredTwiceInOne(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.service = func(s *fulfill.Service) { s.Generators[0].Backend = series([]string{"a", "a"}, []string{"a", "b"}) }
		w.restart()
		w.order()
		w.fails(order.StageGenerate, order.Retry, order.CodeDuplicate)
		w.must(order.StageGenerate)
	})
}

// A file that was sent back two rounds ago is refused too. Of several files, some
// may stay the same.
func TestALaterRoundBringsSomethingNew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rounds [][]string
		good   bool
	}{
		"the file of two rounds ago": {[][]string{{"a"}, {"b"}, {"a"}}, false},
		"the same link":              {[][]string{{"https://cdn.example/a"}, {"b"}, {"https://cdn.example/a"}}, false},
		"one of two is new":          {[][]string{{"a", "b"}, {"a", "c"}, {"a", "d"}}, true},
		"two old ones":               {[][]string{{"a", "b"}, {"a", "c"}, {"b", "c"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.service = func(s *fulfill.Service) { s.Generators[0].Backend = series(c.rounds...) }
				w.restart()
				id := w.order()
				for round := range 3 {
					if round == 2 && !c.good {
						w.fails(order.StageGenerate, order.Retry, order.CodeSameAgain)
						return
					}
					if w.must(order.StageGenerate).Next == order.StageUpload {
						w.must(order.StageUpload)
					}
					w.must(order.StageDeliver)
					if err := w.market.Dispute(id, "no"); err != nil {
						t.Fatal(err)
					}
					w.poll()
				}
			})
		})
	}
}

func TestAClientGetsNoPieceTwice(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(func(s *fulfill.Service) {
			weekly(s)
			s.Generators[0].Backend = series([]string{"a"}, []string{"a"}, []string{"b"})
		}, weeklyOffer)
		w.asks(w.order(), 2)
		w.must(order.StageGenerate)
		w.fails(order.StageGenerate, order.Retry, order.CodeDuplicate)
		w.must(order.StageGenerate)
	})
}
