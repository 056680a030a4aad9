package fulfill_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"atelierd/internal/assistant"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/generate/gentest"
	"atelierd/internal/order"
	"atelierd/internal/pipenet"
	"atelierd/internal/sandbox"
)

const wrote = `{"prompt": "A red fox in a night garden, ink.", "requirements": ["There is one fox.", "It is night."]}`

// useAssistant has a model write the prompts, at $1 and $2 a million tokens.
func (w *world) useAssistant() (*gentest.Chat, *fulfill.Assistant) {
	w.t.Helper()
	chat, a := w.model(func(gentest.ChatRequest) string { return wrote })
	w.service = func(s *fulfill.Service) { s.PromptBy = a }
	w.restart()
	return chat, a
}

// model starts a server whose model answers what says returns.
func (w *world) model(says func(gentest.ChatRequest) string) (*gentest.Chat, *fulfill.Assistant) {
	w.t.Helper()
	chat := gentest.NewChat("", says)
	listener := pipenet.New()
	server := &http.Server{Handler: chat}
	done := make(chan struct{})
	go func() { defer close(done); server.Serve(listener) }()
	w.t.Cleanup(func() {
		server.Close()
		<-done
	})
	backend, err := assistant.New(assistant.Spec{
		BaseURL: "http://model.test/v1", Model: "model", Input: order.Dollar, Output: 2 * order.Dollar, Pictures: true,
		Transport: &http.Transport{DialContext: listener.Dial, DisableKeepAlives: true},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return chat, &fulfill.Assistant{Backend: backend, Breaker: &generate.Breaker{Probe: backend.Check}}
}

// prompts returns what was stored for an order.
func (w *world) prompts(id string) []order.Prompt {
	w.t.Helper()
	list, err := w.store.Prompts(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// template has the generator get the text of the template, with a note that says why.
func (w *world) template(id, why string) {
	w.t.Helper()
	w.must(order.StageGenerate)
	if p := w.prompts(id); len(p) != 1 || p[0].Text != "" || !strings.Contains(p[0].Note, why) {
		w.t.Errorf("%+v, want a note of %q", p, why)
	}
	if asked := w.painter.asked; len(asked) != 1 || asked[0].Prompt != "a fox" {
		w.t.Errorf("%+v", asked)
	}
}

func TestTheAssistantWritesThePromptOfATake(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, a := w.useAssistant()
		w.service = func(s *fulfill.Service) {
			s.PromptBy, s.Approval = a, order.Failf(order.Hold, order.CodeReview, "it waits for approval")
		}
		w.restart()
		id := w.order()
		w.painter.err = order.Failf(order.Retry, order.CodeProviderFailed, "it failed")
		w.fails(order.StageGenerate, order.Retry, order.CodeProviderFailed)
		w.restart()
		w.painter.err = nil
		w.must(order.StageGenerate)
		for _, r := range w.painter.asked {
			if r.Prompt != "A red fox in a night garden, ink." {
				t.Errorf("the generator got %q", r.Prompt)
			}
		}
		if chat.Paid() != 1 || len(w.painter.asked) != 2 {
			t.Errorf("%d answers, %d runs", chat.Paid(), len(w.painter.asked))
		}
		p := w.prompts(id)
		if len(p) != 1 || p[0].Take != 1 || p[0].Note != "" || strings.Join(p[0].Requirements, " ") != "There is one fox. It is night." {
			t.Errorf("%+v", p)
		}
		if said := chat.Requests()[0]; !strings.Contains(said.Text, `"brief":"a fox"`) || strings.Contains(said.Task, "a fox") {
			t.Errorf("the task and the data: %+v", said)
		}
		if spent := w.spent(id); spent != 1200+order.Dollar/25 {
			t.Errorf("$%s was spent", spent)
		}
		w.redo(id, 0)
		w.must(order.StageGenerate)
		if p := w.prompts(id); len(p) != 2 || p[1].Take != 2 || chat.Paid() != 2 {
			t.Errorf("a new take: %+v, %d answers", p, chat.Paid())
		}
	})
}

func TestAnAnswerThatIsNoneLeavesThePromptToTheTemplate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		note   string
		cost   order.USD
	}{
		"a refusal":       {gentest.ChatAnswer("stop", map[string]any{"content": nil, "refusal": "I cannot."}), "refuses: I cannot.", 1200},
		"its length":      {gentest.ChatAnswer("length", map[string]any{"content": "{"}), "cut off at max_tokens", 1200},
		"another field":   {gentest.ChatText(`{"prompt": "a", "requirements": [], "price_usd": "0.01"}`), "not of the schema", 1200},
		"an empty prompt": {gentest.ChatText(`{"prompt": " \u0000", "requirements": []}`), "an empty prompt", 1200},
		"a long prompt":   {gentest.ChatText(`{"prompt": "` + strings.Repeat("x", 5000) + `", "requirements": []}`), "an empty prompt", 1200},
		"a wrong model":   {gentest.ChatStatus(404, nil), "answered 404", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				chat, _ := w.useAssistant()
				chat.Next(c.answer)
				id := w.order()
				w.template(id, c.note)
				if len(chat.Requests()) != 1 || w.spent(id) != c.cost+order.Dollar/25 {
					t.Errorf("%d questions, $%s", len(chat.Requests()), w.spent(id))
				}
			})
		})
	}
}

func TestALostAnswerIsAskedForOnceMore(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, a := w.useAssistant()
		chat.Next(gentest.ChatLost, gentest.ChatCut, gentest.ChatLost)
		id := w.order()
		for range 2 {
			if f := w.fails(order.StageGenerate, order.Wait, order.CodeProviderNoAnswer); f.After <= 0 {
				t.Errorf("waits %v", f.After)
			}
			w.restart()
		}
		w.template(id, "lost twice")
		price := a.Backend.Price(assistant.Question{})
		if spent := w.spent(id); len(chat.Requests()) != 2 || spent < 2*price {
			t.Errorf("%d questions, $%s", len(chat.Requests()), spent)
		}
	})
}

// The answer arrives and the process ends before it is committed.
func TestAnAnswerThatWasNotCommittedCountsAsSpent(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, _ := w.useAssistant()
		id := w.order()
		for range 2 {
			ctx, cancel := context.WithCancelCause(t.Context())
			w.storeHook = func(point string) error {
				if strings.HasSuffix(point, "prompt") {
					cancel(order.ErrStopping)
					return errors.New("the process ends here")
				}
				return nil
			}
			if _, err := w.f.Run(ctx, w.lease(order.StageGenerate)); err == nil {
				t.Fatal("the process did not end")
			}
			w.storeHook = nil
			w.restart()
		}
		w.template(id, "lost twice")
		h, err := w.store.History(t.Context(), id)
		if err != nil || len(h.Calls) != 3 || h.Calls[0].State != order.CallUnknown || h.Calls[1].State != order.CallUnknown || h.Calls[0].Cost < 8000 {
			t.Errorf("%v, %+v", err, h.Calls)
		}
		if chat.Paid() != 2 || h.Calls[0].Purpose != order.PurposePrompt || h.Calls[2].Purpose != order.PurposeMake {
			t.Errorf("%d answers", chat.Paid())
		}
	})
}

func TestALimitIsWaitedOutUntilTheAssistantIsPaused(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, _ := w.useAssistant()
		for range 5 {
			chat.Next(gentest.ChatStatus(429, map[string]string{"Retry-After": "9"}))
		}
		id := w.order()
		for range 4 {
			w.fails(order.StageGenerate, order.Wait, order.CodeProviderRateLimited)
		}
		w.template(id, "answered 429")
		if chat.Paid() != 0 || w.spent(id) != order.Dollar/25 {
			t.Errorf("%d answers, $%s", chat.Paid(), w.spent(id))
		}
	})
}

func TestAtACapTheTemplateWritesThePrompt(t *testing.T) {
	t.Parallel()
	for _, caps := range []order.Caps{{Attempt: 5000}, {Order: 5000}, {Day: 5000}} {
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			w.caps = caps
			chat, _ := w.useAssistant()
			id := w.order()
			w.template(id, "cap")
			if len(chat.Requests()) != 0 {
				t.Errorf("%d questions", len(chat.Requests()))
			}
		})
	}
}

func TestNothingIsAskedBeforeTheOrderIsSeen(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, a := w.useAssistant()
		w.service = func(s *fulfill.Service) { s.Generators[0].Free, s.PromptBy = true, a }
		w.options = func(o *fulfill.Options) {
			o.Ready = func(order.Job) error {
				return &order.Failure{Class: order.Wait, Code: order.CodeChecking, Err: errors.New("not compared yet")}
			}
		}
		w.restart()
		id := w.order()
		w.fails(order.StageGenerate, order.Wait, order.CodeChecking)
		if len(chat.Requests()) != 0 || len(w.prompts(id)) != 0 {
			t.Errorf("%d questions", len(chat.Requests()))
		}
	})
}

func TestNothingIsAskedAboutAnOrderThatThisProcessHasNotSeen(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, a := w.useAssistant()
		id := w.order()
		w.unseen = true // the first poll of the next process has not ended
		w.service = func(s *fulfill.Service) { s.Generators[0].Free, s.PromptBy = true, a }
		w.restart()
		w.fails(order.StageGenerate, order.Wait, order.CodeNotSeen)
		if len(chat.Requests()) != 0 || len(w.prompts(id)) != 0 {
			t.Errorf("%d questions", len(chat.Requests()))
		}
	})
}

// A reference that is too large for a question is shown smaller. The model knows of those that
// it is not shown.
func TestLargeReferencesAreShownSmaller(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shrinker fulfill.Shrinker
		shown    int
	}{"with a shrinker": {shots{}, 2}, "without": {nil, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				chat, _ := w.useAssistant()
				w.options = func(o *fulfill.Options) { o.Shrinker = c.shrinker }
				w.linked(2, 6<<20)
				w.must(order.StageGenerate)
				asked := chat.Requests()[0]
				if len(asked.Pictures) != c.shown || strings.Contains(asked.Text, `"references_not_shown":2`) != (c.shown == 0) {
					t.Errorf("%d pictures: %s", len(asked.Pictures), asked.Text)
				}
			})
		})
	}
}
