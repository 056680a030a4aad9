package fulfill_test

import (
	"testing"

	"atelierd/internal/generate/gentest"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

func TestAnAnswerWithASecretIsNone(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, _ := w.useAssistant()
		w.options = guarded
		w.restart()
		chat.Next(gentest.ChatText(`{"prompt": "a fox", "requirements": ["It shows ` + hidden + `."]}`))
		id := w.order()
		w.template(id, "answer contains the webhook secret")
		if w.spent(id) != 1200+order.Dollar/25 || len(chat.Requests()) != 1 {
			t.Errorf("$%s, %d questions", w.spent(id), len(chat.Requests()))
		}
	})
}

func TestAQuestionWithASecretIsNotAsked(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, _ := w.useAssistant()
		w.options = guarded
		w.restart()
		id := w.order(func(o *sandbox.NewOrder) { o.Brief = "a fox with " + hidden })
		w.must(order.StageGenerate)
		if p := w.prompts(id); len(p) != 1 || p[0].Note != "the question contains the webhook secret" {
			t.Errorf("%+v", p)
		}
		if len(chat.Requests()) != 0 || w.spent(id) != order.Dollar/25 {
			t.Errorf("%d questions, $%s", len(chat.Requests()), w.spent(id))
		}
	})
}
