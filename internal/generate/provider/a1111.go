package provider

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"

	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// a1111 speaks to the web interface of AUTOMATIC1111 or Forge on the owner's machine.
// It answers at once and costs nothing, so a call without an answer is repeated.
// Params are fields of the request, such as steps and width.
type a1111 struct{ spec Spec }

var a1111Needs = Needs{
	Type: "a1111", Local: true, Makes: images, Prompt: true, Params: []string{"override_settings"},
	References: References{Image: 1, Animations: true},
}

func newA1111(s Spec) (backend, error) { return &a1111{s}, nil }

func (b *a1111) repeats() bool { return true }

func (b *a1111) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	fields, path := map[string]any{"prompt": req.Prompt}, "/sdapi/v1/txt2img"
	if len(req.References) > 0 {
		content, err := read(req.References[0])
		if err != nil {
			return "", nil, err
		}
		path, fields["init_images"] = "/sdapi/v1/img2img", []string{base64.StdEncoding.EncodeToString(content)}
	}
	fields = with(fields, b.spec.Params)
	if b.spec.Model != "" {
		settings, _ := fields["override_settings"].(map[string]any)
		fields["override_settings"] = with(map[string]any{"sd_model_checkpoint": b.spec.Model}, settings)
	}
	a, err := c.do(ctx, call{method: http.MethodPost, path: path, header: c.fileHeader(), json: fields, paid: true})
	if err != nil {
		return "", nil, err
	}
	if !a.ok() {
		return "", nil, a.failure()
	}
	var made struct {
		Images []string `json:"images"`
		Info   string   `json:"info"`
	}
	if err := a.decode(&made); err != nil {
		return "", nil, err
	}
	// The pictures of a batch may follow one that shows all of them.
	var info struct {
		First int `json:"index_of_first_image"`
	}
	_ = json.Unmarshal([]byte(made.Info), &info) // without it the first picture is the first of the batch
	out := &output{}
	for _, s := range made.Images[min(max(info.First, 0), len(made.Images)):] {
		picture, err := fromBase64(s)
		if err != nil {
			return "", nil, err
		}
		out.blobs = append(out.blobs, picture)
	}
	if len(out.blobs) == 0 {
		return "", nil, a.failure()
	}
	return "", out, nil
}

func (b *a1111) poll(context.Context, *conn, string) (*output, error) { return nil, errNoJobs }

// probe also checks that the model is installed.
func (b *a1111) probe(ctx context.Context, c *conn) error {
	a, err := c.do(ctx, call{method: http.MethodGet, path: "/sdapi/v1/sd-models", header: c.fileHeader()})
	if err != nil {
		return err
	}
	if !a.ok() {
		return a.failure()
	}
	var models []struct {
		Title string `json:"title"`
		Name  string `json:"model_name"`
	}
	if err := a.decode(&models); err != nil {
		return err
	}
	var names []string
	for _, m := range models {
		if b.spec.Model == m.Title || b.spec.Model == m.Name {
			return nil
		}
		names = append(names, m.Name)
	}
	if b.spec.Model == "" {
		return nil
	}
	return order.Failf(order.Hold, order.CodeMisconfigured, "the model %.80q is not installed there", b.spec.Model).
		WithHint("install it, or set model to one of: %s", term.Line(fmt.Sprint(names), 200)).Nothing()
}
