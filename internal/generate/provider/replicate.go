package provider

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// replicate makes predictions. Its model is owner/name, owner/name:version or
// the id of a version;
// params are the model's input, of which image_input names the field that takes
// the reference. Predictions have an id; their files are deleted
// an hour after they are made.
type replicate struct{ spec Spec }

func newReplicate(s Spec) (backend, error) { return &replicate{s}, nil }

type prediction struct {
	Status string          `json:"status"`
	Output json.RawMessage `json:"output"`
	Error  any             `json:"error"`
}

func (b *replicate) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	input, err := input(req, b.spec.Params, "")
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
	return a.ticket()
}

func (b *replicate) poll(ctx context.Context, c *conn, ticket string) (*output, error) {
	var p prediction
	a, err := c.ask(ctx, "/v1/predictions/"+url.PathEscape(ticket), c.bearer(), &p)
	if err != nil {
		return nil, err
	}
	switch p.Status {
	case "starting", "processing":
		return nil, nil
	case "succeeded":
		if len(p.Output) == 0 || string(p.Output) == "null" {
			return nil, a.expired("its result")
		}
		links, ok := linksOf(p.Output)
		if !ok {
			return nil, order.Failf(order.Retry, "no_output", "the model's output is no file: %s", a.snippet())
		}
		return linked(links), nil
	case "failed", "canceled", "aborted":
		text, _ := p.Error.(string)
		if indecent(text) {
			return nil, a.refused(order.Spent, "%s", text)
		}
		return nil, a.failed("%s %s", p.Status, text)
	}
	return nil, a.failure()
}

// version is the id of the version that the model names, or "".
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

// linksOf reads an output that is one address or a list of them.
func linksOf(raw json.RawMessage) ([]string, bool) {
	var one string
	if json.Unmarshal(raw, &one) == nil && one != "" {
		return []string{one}, true
	}
	var list []string
	err := json.Unmarshal(raw, &list)
	return list, err == nil && len(list) > 0
}
