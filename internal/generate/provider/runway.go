package provider

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf16"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// runway makes pictures and videos. Params are fields of the request, such as
// ratio and duration. Tasks have an id.
type runway struct{ spec Spec }

func newRunway(s Spec) (backend, error) { return &runway{s}, nil }

// mostRunway is the longest prompt, in UTF-16 units.
const mostRunway = 1000

func (b *runway) header(c *conn) http.Header {
	h := c.bearer()
	h.Set("X-Runway-Version", "2024-11-06")
	return h
}

func (b *runway) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	text := utf16.Encode([]rune(req.Prompt))
	fields := map[string]any{"model": b.spec.Model, "promptText": string(utf16.Decode(text[:min(len(text), mostRunway)]))}
	path := "/v1/text_to_image"
	picture, err := first(req)
	if err != nil {
		return "", nil, err
	}
	switch {
	case b.spec.Makes == "video" && picture != "":
		path, fields["promptImage"] = "/v1/image_to_video", picture
	case b.spec.Makes == "video":
		path = "/v1/text_to_video"
	case picture != "":
		fields["referenceImages"] = []any{map[string]any{"uri": picture}}
	}
	a, err := c.do(ctx, call{method: http.MethodPost, path: path, header: b.header(c), json: with(fields, b.spec.Params), paid: true})
	if err != nil {
		return "", nil, err
	}
	return a.ticket()
}

func (b *runway) poll(ctx context.Context, c *conn, ticket string) (*output, error) {
	a, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/tasks/" + url.PathEscape(ticket), header: b.header(c)})
	if err != nil {
		return nil, err
	}
	if a.gone() {
		return nil, a.expired("its job")
	}
	if !a.ok() {
		return nil, a.failure()
	}
	var task struct {
		Status  string   `json:"status"`
		Output  []string `json:"output"`
		Failure string   `json:"failure"`
		Code    string   `json:"failureCode"`
	}
	if err := a.decode(&task); err != nil {
		return nil, err
	}
	switch task.Status {
	case "PENDING", "THROTTLED", "RUNNING":
		return nil, nil
	case "SUCCEEDED":
		return linked(task.Output), nil
	case "FAILED", "CANCELLED", "CANCELED":
		if strings.HasPrefix(task.Code, "SAFETY") || strings.Contains(task.Code, ".SAFETY") {
			return nil, a.refused(order.Spent, "%s %s", task.Code, task.Failure)
		}
		return nil, a.failed("%s", cmp.Or(task.Failure, task.Code, task.Status))
	}
	return nil, a.failure()
}

func (b *runway) probe(ctx context.Context, c *conn) error {
	return c.probe(ctx, "/v1/organization", b.header(c))
}
