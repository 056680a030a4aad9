package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"time"
)

const (
	// ntfyBytes is the longest message, in bytes. A longer one would become a file.
	ntfyBytes = 4096
	// ntfyTitle is the longest title that phones show.
	ntfyTitle = 250
)

// ntfy publishes to a topic of ntfy.sh or of one's own server.
//
// Source: ntfy's documentation and server, July 2025.
type ntfy struct{ poster }

// Send publishes the message in JSON, because a header cannot hold each character. JSON is
// taken only at the root of the server, so the topic moves from the address into the body.
func (n ntfy) Send(ctx context.Context, m Message) (string, error) {
	u, err := n.address()
	if err != nil {
		return "", err
	}
	token, err := n.bearer()
	if err != nil {
		return "", err
	}
	topic, err := url.PathUnescape(path.Base(u.EscapedPath()))
	if err != nil || topic == "/" || topic == "." {
		return "", failf(Broken, "the address of ntfy ends with no topic")
	}
	u.Path, u.RawPath = path.Dir(u.Path), ""
	body := map[string]any{"topic": topic, "title": cut(m.Title, ntfyTitle, bytesOf), "message": cut(m.Text, ntfyBytes, bytesOf), "priority": 3}
	switch {
	case m.Text == "":
		body["message"] = cut(m.Title, ntfyBytes, bytesOf)
		delete(body, "title")
	case len(m.Title) > ntfyTitle:
		body["message"] = cut(m.plain(), ntfyBytes, bytesOf) // with the whole title
	}
	if m.Urgent {
		body["priority"], body["tags"] = 4, []string{"warning"}
	}
	a, err := n.post(ctx, request{method: http.MethodPost, address: u, bearer: token, body: body})
	if err != nil {
		return "", err
	}
	if a.ok() {
		return "", nil
	}
	var said struct {
		Code  int
		Error string
	}
	_ = json.Unmarshal(a.body, &said) // without it the status decides
	f := a.failure(said.Error)
	if said.Code == 42902 || said.Code == 42905 || said.Code == 42908 { // what a day allows is used up
		f.After = max(f.After, time.Hour)
	}
	return "", f
}
