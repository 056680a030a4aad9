package fulfill

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"atelierd/internal/order"
)

// secretFile holds a file that contains a secret of the daemon: once a client has it,
// it cannot be taken back. It does not matter who made the file.
func (f *Fulfiller) secretFile(path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	name, err := f.o.Secrets().FindIn(in)
	if err != nil || name == "" {
		return err
	}
	return order.Failf(order.Hold, order.CodeSecret, "the file %.60q contains %s, so it is not delivered", filepath.Base(path), name).
		WithHint("find out how it got into %s; then %s makes the work again, and %s gives it up",
			path, order.Command("orders redo", order.AnyOrder), order.Command("orders cancel", order.AnyOrder))
}

// secretLink holds a link that contains a secret. The link itself is not shown.
func (f *Fulfiller) secretLink(link string) error {
	name := f.o.Secrets().FindInLink(link)
	if name == "" {
		return nil
	}
	return order.Failf(order.Hold, order.CodeSecret, "the generator's link contains %s, so it is not delivered", name).
		WithHint("find out how it got there; then %s makes the work again", order.Command("orders redo", order.AnyOrder))
}

// secretIn returns the name of a secret that a question to the assistant or its answer
// contains, or "". The question would go to another host, and the answer would be stored,
// shown and given to a generator.
func (f *Fulfiller) secretIn(v any) (string, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return f.o.Secrets().FindIn(&text)
}

// secretText checks a message before it is sent. One that is written from a template is
// held, so that the owner corrects the template. A text that cannot change is dropped.
func (f *Fulfiller) secretText(m order.Outgoing, body string) (order.Result, error) {
	name, err := f.o.Secrets().FindIn(strings.NewReader(body))
	if err != nil || name == "" {
		return order.Result{}, err
	}
	if m.Body != "" {
		f.o.Log.Error("a message was dropped, because it contains a secret", "order", m.OrderID, "message", m.Reason, "secret", name)
		return order.Result{Sent: order.OutDropped, Note: "it contains " + name}, nil
	}
	return order.Result{}, order.Failf(order.Hold, order.CodeSecret, "the message contains %s, so it is not sent", name).
		WithHint("correct %s in [messages] of the configuration, then run %s and %s",
			order.Template(m.Reason), order.Command("reload"), order.Command("orders retry", m.OrderID))
}
