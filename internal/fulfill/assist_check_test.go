package fulfill_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/generate/gentest"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// takeCost is what a take costs with its check.
const takeCost = order.Dollar/25 + 1200

// sketcher makes a file of other content each time, or fails at the next failures of the list.
type sketcher struct {
	asked []generate.Request
	fails []error // one a run; nil makes the file
	same  bool    // it makes the same each time
	after func()  // is called once a file is made; may be nil
}

func (*sketcher) Check(context.Context) error { return nil }

// Repeats lets a call whose result is missing be made again, which no take before may cause.
func (*sketcher) Repeats() bool { return true }

func (s *sketcher) Generate(_ context.Context, r generate.Request) (generate.Result, error) {
	s.asked = append(s.asked, r)
	if n := len(s.asked); n <= len(s.fails) && s.fails[n-1] != nil {
		return generate.Result{}, s.fails[n-1]
	}
	file := filepath.Join(r.OutputDir, "a.png")
	n := len(s.asked)
	if s.same {
		n = 1
	}
	if s.after != nil {
		s.after()
	}
	body := fmt.Appendf(slices.Clone(picture), "%d", n)
	return generate.Result{Files: []string{file}, Cost: order.Dollar / 25}, os.WriteFile(file, body, 0o600)
}

// scored is the answer of a model with a score and a problem.
func scored(n int) string {
	return fmt.Sprintf(`{"score": %d, "problems": ["Problem of the take with %[1]d.\nIt is bad."]}`, n)
}

// useCheck has a model give the scores, one after the other, and the service make work below 6
// once more.
func (w *world) useCheck(scores ...int) (*gentest.Chat, *sketcher) {
	w.t.Helper()
	s := &sketcher{}
	chat, a := w.model(func(r gentest.ChatRequest) string {
		if r.Schema != "check" || len(scores) == 0 {
			return "there is nothing to say"
		}
		n := scores[0]
		scores = scores[1:]
		return scored(n)
	})
	w.service = func(o *fulfill.Service) {
		o.Generators[0].Backend, o.Check = s, &fulfill.Check{By: a, Below: 6, Again: 1}
	}
	w.restart()
	return chat, s
}

// seen returns the scores and notes of an order's checks, one each.
func (w *world) checks(id string) (list []string) {
	w.t.Helper()
	checks, err := w.store.Checks(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range checks {
		list = append(list, fmt.Sprintf("%d: %s", c.Take, c.Words()))
	}
	return list
}

// waits runs the generate stage, after which the order waits for the owner, and returns why.
func (w *world) waits() string {
	w.t.Helper()
	hold := w.must(order.StageGenerate).Hold
	if hold == nil || hold.Code != order.CodeReview || !strings.Contains(hold.Hint, "orders approve ord_") {
		w.t.Fatalf("it does not wait for approval: %+v", hold)
	}
	return hold.Error()
}

// delivers uploads and delivers the files, whose content ends as given.
func (w *world) delivers(id, content string) {
	w.t.Helper()
	w.must(order.StageUpload)
	w.must(order.StageDeliver)
	files := w.artifacts(id)
	if len(files) != 1 || w.delivered(id) != 1 {
		w.t.Fatalf("%d deliveries of %+v", w.delivered(id), files)
	}
	got, err := os.ReadFile(filepath.Join(w.dir, files[0].Path))
	if err != nil || !strings.HasSuffix(string(got), "\x82"+content) || strings.Contains(files[0].Name, "take") {
		w.t.Errorf("%v; file %s ends in %q, want %q", err, files[0].Name, got[max(len(got)-4, 0):], content)
	}
}

func TestGoodWorkIsDeliveredAfterOneLook(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, s := w.useCheck(6)
		id := w.order()
		w.must(order.StageGenerate)
		w.delivers(id, "1")
		if r := chat.Requests()[0]; len(r.Pictures) != 1 || !strings.Contains(r.Text, `"brief":"a fox"`) || strings.Contains(r.Task, "a fox") {
			t.Errorf("the model is shown %d pictures and %s", len(r.Pictures), r.Text)
		}
		if chat.Paid() != 1 || len(s.asked) != 1 || w.spent(id) != takeCost || !slices.Equal(w.checks(id), []string{"1: 6 of 10"}) {
			t.Errorf("%d looks, %d runs, $%s, %q", chat.Paid(), len(s.asked), w.spent(id), w.checks(id))
		}
	})
}

func TestABadTakeIsMadeAgainAndTheBetterOneDelivered(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, s := w.useCheck(3, 8)
		id := w.order()
		w.must(order.StageGenerate)
		w.delivers(id, "2")
		if !slices.Equal(w.checks(id), []string{"1: 3 of 10, below 6", "2: 8 of 10"}) || chat.Paid() != 2 || len(s.asked) != 2 || w.spent(id) != 2*takeCost {
			t.Errorf("%q, %d looks, %d runs, $%s", w.checks(id), chat.Paid(), len(s.asked), w.spent(id))
		}
		again := s.asked[1]
		want := []string{"Problem of the take with 3. It is bad."}
		if !slices.Equal(again.Problems, want) || !strings.HasSuffix(again.Prompt, "- "+want[0]) || again.Instructions != "" || len(s.asked[0].Problems) != 0 {
			t.Errorf("the second take is asked for with %q, %q, %q", again.Problems, again.Prompt, again.Instructions)
		}
		takes, err := w.store.Takes(t.Context(), id, order.KindDelivery, 0)
		if err != nil || len(takes) != 2 || len(takes[0].Files) != 1 || !takes[1].ByCheck || takes[1].SameAs != 0 {
			t.Errorf("%v, %+v", err, takes)
		}
	})
}

func TestTheBestTakeWaitsForTheOwner(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scores []int
		takes  int
		file   string
	}{
		"the first":          {[]int{5, 3}, 3, "1"},
		"the last":           {[]int{3, 5}, 2, "2"},
		"the last of equals": {[]int{4, 4}, 2, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				chat, s := w.useCheck(c.scores...)
				id := w.order()
				best := slices.Max(c.scores)
				if why := w.waits(); !strings.Contains(why, fmt.Sprintf("the best of 2 takes %d of 10, below 6: Problem of the take with %[1]d.", best)) {
					t.Errorf("it waits because %s", why)
				}
				if w.delivered(id) != 0 || chat.Paid() != 2 || len(s.asked) != 2 {
					t.Errorf("%d looks, %d runs", chat.Paid(), len(s.asked))
				}
				takes, err := w.store.Takes(t.Context(), id, order.KindDelivery, 0)
				if err != nil || len(takes) != c.takes {
					t.Errorf("%v, %+v", err, takes)
				}
				w.asOwner(func(o store.Owner) error { return o.Approve(t.Context(), id, 0) })
				w.delivers(id, c.file)
			})
		})
	}
}

func TestARedoIsLookedAtAnew(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, s := w.useCheck(5, 3, 2, 7)
		id := w.order()
		w.waits()
		w.redoAs(id, order.Redo{Instructions: "less red", FromThese: true})
		w.must(order.StageGenerate)
		w.delivers(id, "4")
		third, last := s.asked[2], s.asked[3]
		if chat.Paid() != 4 || len(third.Problems) != 0 || len(last.Problems) != 1 || last.Instructions != "less red" {
			t.Errorf("%d looks; then %q; at last %q, %q", chat.Paid(), third.Problems, last.Problems, last.Instructions)
		}
		if len(third.References) != 1 || len(last.References) != 1 || third.References[0].Path != last.References[0].Path {
			t.Errorf("they start from %+v and %+v", third.References, last.References)
		}
	})
}

func TestWithoutALookTheWorkGoesOnWithANote(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		note   string
		cost   order.USD
	}{
		"a refusal":     {gentest.ChatAnswer("stop", map[string]any{"content": nil, "refusal": "I cannot."}), "refuses: I cannot.", 1200},
		"a cut answer":  {gentest.ChatAnswer("length", map[string]any{"content": `{"score": 9, "problems": []}`}), "cut off at max_tokens", 1200},
		"another field": {gentest.ChatText(`{"score": 9, "problems": [], "approve": true}`), "not of the schema", 1200},
		"no score":      {gentest.ChatText(`{"problems": []}`), "no score", 1200},
		"eleven":        {gentest.ChatText(`{"score": 11, "problems": []}`), "no score", 1200},
		"below zero":    {gentest.ChatText(`{"score": -1, "problems": []}`), "no score", 1200},
		"a wrong model": {gentest.ChatStatus(404, nil), "answered 404", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				chat, _ := w.useCheck()
				chat.Next(c.answer)
				id := w.order()
				w.must(order.StageGenerate)
				w.delivers(id, "1")
				if list := w.checks(id); len(list) != 1 || !strings.Contains(list[0], "not checked: ") || !strings.Contains(list[0], c.note) {
					t.Errorf("%q, want %q", list, c.note)
				}
				if len(chat.Requests()) != 1 || w.spent(id) != c.cost+order.Dollar/25 {
					t.Errorf("%d questions, $%s", len(chat.Requests()), w.spent(id))
				}
			})
		})
	}
}

func TestATakeAfterABadOneThatCannotBeLookedAtWaits(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, _ := w.useCheck(4)
		chat.Next(gentest.ChatText(scored(4)), gentest.ChatStatus(404, nil))
		id := w.order()
		if why := w.waits(); !strings.Contains(why, "approval: take 2 waits and was not checked: ") || !strings.Contains(why, "; take 1 had 4 of 10, below 6: Problem of the take with 4.") {
			t.Errorf("it waits because %s", why)
		}
		w.asOwner(func(o store.Owner) error { return o.Approve(t.Context(), id, 0) })
		w.delivers(id, "2")
	})
}

// A cap, a refusal or a fault in a take that the check wants leaves the owner the one before.
func TestATakeThatIsNotMadeLeavesTheOneBefore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		caps  order.Caps
		fails error
		note  string
	}{
		"the cap of an attempt": {order.Caps{Attempt: 2*order.Dollar/25 - 1}, nil, "cap"},
		"the cap of an order":   {order.Caps{Order: 2*order.Dollar/25 - 1}, nil, "cap"},
		"the cap of a day":      {order.Caps{Day: 2*order.Dollar/25 - 1}, nil, "cap"},
		"a refusal":             {order.Caps{}, fails(order.Fail, order.CodeRefused, order.ChargeNone), "says refused"},
		"a fault":               {order.Caps{}, fails(order.Retry, order.CodeProviderFailed, order.ChargeFull), "says provider"},
		"no credit":             {order.Caps{}, fails(order.Hold, order.CodeNoCredit, order.ChargeNone), "says no_credit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.caps = c.caps
				chat, s := w.useCheck(4)
				before := w.service
				w.service = func(o *fulfill.Service) { before(o); o.Generators[0].Price = order.Dollar / 25 }
				w.restart()
				s.fails = []error{nil, c.fails}
				id := w.order()
				if why := w.waits(); !strings.Contains(why, "gives the files 4 of 10") || !strings.Contains(why, "; take 2 was not made: ") || !strings.Contains(why, c.note) {
					t.Errorf("it waits because %s", why)
				}
				if chat.Paid() != 1 {
					t.Errorf("%d looks", chat.Paid())
				}
				w.asOwner(func(o store.Owner) error { return o.Approve(t.Context(), id, 0) })
				w.delivers(id, "1")
			})
		})
	}
}

func TestAtACapNothingIsLookedAt(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.caps = order.Caps{Order: order.Dollar / 25}
		chat, _ := w.useCheck(3)
		id := w.order()
		w.must(order.StageGenerate)
		w.delivers(id, "1")
		if len(chat.Requests()) != 0 || !strings.Contains(w.checks(id)[0], "cap") {
			t.Errorf("%d questions, %q", len(chat.Requests()), w.checks(id))
		}
	})
}

func TestTheOwnersProgramLooksFirst(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, _ := w.useCheck(9)
		before, judge := w.service, &critic{err: fails(order.Fail, order.CodeRefused, order.ChargeNone)}
		w.service = func(s *fulfill.Service) { before(s); s.Requirements.Checker = judge }
		w.restart()
		id := w.order()
		w.fails(order.StageGenerate, order.Retry, order.CodeVetoed)
		if len(chat.Requests()) != 0 {
			t.Error("the assistant is asked about files that the program refuses")
		}
		judge.err = nil
		w.must(order.StageGenerate)
		w.delivers(id, "2")
	})
}

func TestEachTakeIsJudgedByTheListOfTheFirst(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		n := 0
		chat, a := w.model(func(r gentest.ChatRequest) string {
			if n++; r.Schema == "prompt" {
				return fmt.Sprintf(`{"prompt": "Prompt %d.", "requirements": ["Requirement %[1]d."]}`, n)
			}
			return scored(n) // 2 and 4
		})
		s := &sketcher{}
		w.service = func(o *fulfill.Service) {
			o.Generators[0].Backend, o.PromptBy, o.Check = s, a, &fulfill.Check{By: a, Below: 6, Again: 1}
		}
		w.restart()
		w.order()
		w.waits()
		list := chat.Requests()
		if len(list) != 4 || !strings.Contains(list[2].Text, `"problems":["Problem of the take with 2. It is bad."]`) {
			t.Fatalf("%d questions; the second prompt is for %s", len(list), list[2].Text)
		}
		for _, look := range []gentest.ChatRequest{list[1], list[3]} {
			if !strings.Contains(look.Text, `"requirements":["Requirement 1."]`) || strings.Contains(look.Text, "template") {
				t.Errorf("it judges by %s", look.Text)
			}
		}
		if s.asked[1].Prompt != "Prompt 3." {
			t.Errorf("the second take has the prompt %q", s.asked[1].Prompt)
		}
	})
}
