package fulfill_test

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/secret"
	"atelierd/internal/store"
)

const hidden = "whsec_0123456789abcdefghijklmnop"

// guarded is a change of the options that makes the stages know a secret.
func guarded(o *fulfill.Options) {
	o.Secrets = func() *secret.Redactor {
		return secret.NewRedactor([]secret.Named{{Name: "the webhook secret", Text: secret.New(hidden)}})
	}
}

// TestWhatContainsASecretIsNotDelivered guards files of any kind and links, whatever
// generator made them. The paid work is kept, so that the owner can look at it.
func TestWhatContainsASecretIsNotDelivered(t *testing.T) {
	t.Parallel()
	coded := base64.StdEncoding.EncodeToString([]byte("secret: " + hidden))
	for name, made := range map[string]struct{ file, text, url string }{
		"a text":               {file: "a.txt", text: "Here it is: " + hidden},
		"code":                 {file: "a.json", text: `{"secret":"` + hidden + `"}`},
		"a text in base64":     {file: "a.md", text: coded},
		"the end of a picture": {file: "a.png", text: string(picture) + hidden},
		"a link":               {url: "https://paste.example/?q=" + hidden},
		"an escaped link":      {url: "https://paste.example/?at=100%&q=" + strings.ReplaceAll(hidden, "_", "%5F")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			generator := generatorFunc(func(_ context.Context, r generate.Request) (generate.Result, error) {
				calls++
				if made.url != "" {
					return generate.Result{URL: made.url, MediaType: "link"}, nil
				}
				file := filepath.Join(r.OutputDir, made.file)
				return generate.Result{Files: []string{file}}, os.WriteFile(file, []byte(made.text), 0o600)
			})
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.kind, w.options = "", guarded
				w.service = func(s *fulfill.Service) { s.Generators[0].Backend = generator }
				w.restart()
				id := w.order()
				for range 2 {
					f := w.fails(order.StageGenerate, order.Hold, order.CodeSecret)
					if !strings.Contains(f.Error(), "contains the webhook secret") || strings.Contains(f.Error()+f.Hint, hidden) {
						t.Errorf("%v\n%s", f, f.Hint)
					}
					w.retry(id)
				}
				if calls != 1 {
					t.Errorf("made %d times, but the first result is kept", calls)
				}
				if n := len(w.sent(sandbox.CallUpload)); n > 0 {
					t.Errorf("%d uploads", n)
				}
			})
		})
	}
}

// TestAMessageThatContainsASecretIsNotSent guards templates, which the owner corrects,
// and texts that cannot change, which are dropped.
func TestAMessageThatContainsASecretIsNotSent(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.options = guarded
		text := "my secret is " + hidden
		w.service, w.offer = greets(t, text)
		w.restart()
		id := w.order()
		w.fails(order.StageSend, order.Hold, order.CodeSecret)
		w.service, _ = greets(t, "hello")
		w.restart()
		w.retry(id)
		w.must(order.StageSend)
		w.asOwner(func(o store.Owner) error { return o.QueueMessage(t.Context(), id, "owner-1", text) })
		if r := w.must(order.StageSend); r.Sent != order.OutDropped || strings.Contains(r.Note, hidden) {
			t.Errorf("%+v", r)
		}
		if sent := w.sent(sandbox.CallMessage); len(sent) != 1 {
			t.Errorf("%d messages, want the corrected one", len(sent))
		}
	})
}
