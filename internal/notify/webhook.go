package notify

import (
	"context"
	"net/http"
	"time"
)

// webhook sends JSON to a program of the owner's:
//
//	{"id": "…", "title": "…", "text": "…", "urgent": true, "at": "2026-11-25T14:00:00Z"}
//
// A message that is sent again has the same id, also as its Idempotency-Key.
type webhook struct{ poster }

func (w webhook) Send(ctx context.Context, m Message) (string, error) {
	u, err := w.address()
	if err != nil {
		return "", err
	}
	token, err := w.bearer()
	if err != nil {
		return "", err
	}
	a, err := w.post(ctx, request{
		method: http.MethodPost, address: u, bearer: token, header: http.Header{"Idempotency-Key": {m.ID}}, body: form(m),
	})
	if err != nil {
		return "", err
	}
	if a.ok() {
		return "", nil
	}
	return "", a.failure("")
}

// form is a message as programs of the owner's read it.
func form(m Message) map[string]any {
	return map[string]any{"id": m.ID, "title": m.Title, "text": m.Text, "urgent": m.Urgent, "at": m.At.UTC().Format(time.RFC3339)}
}
