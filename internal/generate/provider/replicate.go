package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/lenient"
	"atelierd/internal/order"
)

// replicate makes predictions. Its model is owner/name, owner/name:version or the id
// of a version. Params are the model's input. image_input names the field for the
// reference or, as a list, for all of them. Predictions have an id. Their files are
// deleted after an hour.
type replicate struct{ spec Spec }

// mostReplicate is the most bytes of a picture inside a request.
const mostReplicate = 256 << 10

var replicateNeeds = Needs{
	Type: "replicate", Key: true, Model: true, Prompt: true, Params: []string{"image_input"},
	References: References{Image: Unlimited, Video: Unlimited, Animations: true},
}

func newReplicate(s Spec) (backend, error) { return &replicate{s}, nil }

type prediction struct {
	Status lenient.Text    `json:"status"`
	Output json.RawMessage `json:"output"`
	Error  json.RawMessage `json:"error"`
	Logs   lenient.Text    `json:"logs"`
}

func (b *replicate) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	input, err := input(req, b.spec, "", mostReplicate)
	if err != nil {
		return "", nil, err
	}
	path, body := "/v1/models/"+b.spec.Model+"/predictions", map[string]any{"input": input}
	if version := b.version(); version != "" {
		path, body["version"] = "/v1/predictions", version
	}
	a, err := c.do(ctx, call{method: http.MethodPost, path: path, header: c.bearer(), json: body, paid: true})
	if err != nil {
		return "", nil, err
	}
	if id, _, err := a.ticket("id", "prediction_id"); err == nil {
		return id, nil, nil
	}
	var made struct {
		URLs struct {
			Get string `json:"get"`
		} `json:"urls"`
	}
	_ = lenient.Unmarshal(a.body, &made) // without it there is no id
	if _, id, ok := strings.Cut(made.URLs.Get, "/v1/predictions/"); ok && a.ok() && id != "" {
		return id, nil, nil
	}
	return "", nil, a.failure()
}

func (b *replicate) poll(ctx context.Context, c *conn, ticket string) (*output, error) {
	var p prediction
	a, err := c.ask(ctx, "/v1/predictions/"+url.PathEscape(ticket), c.bearer(), &p)
	if err != nil {
		return nil, err
	}
	switch c.state(p.Status) {
	case stateWaiting:
		c.progress(order.Progress{Phase: phaseOf(string(p.Status)), Fraction: barIn(string(p.Logs))})
		return nil, nil
	case stateDone:
		made := anyOf(p.Output)
		if list := resultsIn(made); len(list) > 0 {
			return &output{blobs: list}, nil
		}
		return nil, a.noFileIn(made)
	case stateFailed:
		text := saidIn(anyOf(p.Error))
		if refusedContent(text) {
			return nil, a.refused(order.ChargeFull, "%s", text)
		}
		return nil, a.failed("%s", cmp.Or(text, string(p.Status)))
	}
	return nil, a.failure()
}

func (b *replicate) cancels() bool { return true }

// cancel implements canceller.
func (b *replicate) cancel(ctx context.Context, c *conn, ticket string) (order.CancelResult, error) {
	return c.cancel(ctx, call{method: http.MethodPost, path: "/v1/predictions/" + url.PathEscape(ticket) + "/cancel", header: c.bearer()})
}

// version returns the id of the version that the model names, or "".
func (b *replicate) version() string {
	if _, version, ok := strings.Cut(b.spec.Model, ":"); ok || strings.Contains(b.spec.Model, "/") {
		return version
	}
	return b.spec.Model
}

func (b *replicate) probe(ctx context.Context, c *conn) error {
	path := "/v1/models/" + b.spec.Model
	if b.version() != "" {
		path = "/v1/account"
	}
	return c.probe(ctx, path, c.bearer())
}
