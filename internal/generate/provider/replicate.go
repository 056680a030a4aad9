package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"atelierd/internal/generate"
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
	Status string          `json:"status"`
	Output json.RawMessage `json:"output"`
	Error  any             `json:"error"`
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
		var made any
		if err := json.Unmarshal(p.Output, &made); err != nil {
			return nil, a.failure()
		}
		links := linksIn(made)
		if len(links) == 0 { // the next call would return the same
			return nil, order.Failf(order.Hold, order.CodeNoOutput, "the model's output is not a file: %s", a.snippet()).
				WithHint("set the generator's model to one that makes files")
		}
		return linked(links), nil
	case "failed", "canceled", "aborted":
		text, _ := p.Error.(string)
		if refusedContent(text) {
			return nil, a.refused(order.ChargeFull, "%s", text)
		}
		return nil, a.failed("%s", cmp.Or(text, p.Status))
	}
	return nil, a.failure()
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

// linksIn returns the addresses in an output, which is one address, a list or a table
// of them.
func linksIn(v any) (links []string) {
	switch v := v.(type) {
	case string:
		if strings.HasPrefix(v, "https://") || strings.HasPrefix(v, "http://") || strings.HasPrefix(v, "data:") {
			links = append(links, v)
		}
	case []any:
		for _, inner := range v {
			links = append(links, linksIn(inner)...)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			links = append(links, linksIn(v[name])...)
		}
	}
	return links
}
