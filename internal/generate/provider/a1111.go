package provider

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// a1111 speaks to the web interface of AUTOMATIC1111 or Forge on the owner's machine.
// It answers at once and costs nothing, so a call without an answer is repeated.
// Params are fields of the request, such as steps and width.
//
// It cancels nothing. The server interrupts whatever runs, and answers that request with
// the unfinished picture as a success. What runs cannot be known for certain: current_task
// of /sdapi/v1/progress is always null in the published versions, because it is imported
// by its value, and between any look and the interruption the next request may begin.
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
		Images json.RawMessage `json:"images"`
		Info   json.RawMessage `json:"info"`
	}
	if err := a.decode(&made); err != nil {
		return "", nil, err
	}
	images := anyOf(made.Images)
	all, ok := images.([]any)
	if !ok {
		all = []any{images}
	}
	pictures, err := picturesIn(b.results(all, made.Info))
	if err != nil {
		return "", nil, err
	}
	if len(pictures) == 0 {
		return "", nil, a.failure()
	}
	return "", &output{blobs: pictures}, nil
}

// results returns the pictures of an answer that are for the client. One that shows the
// whole batch may come first, and what extensions saw in the picture, such as the maps
// of ControlNet, comes last.
func (b *a1111) results(images []any, info json.RawMessage) []any {
	if len(info) == 0 || string(info) == "null" {
		return images
	}
	var text string
	if json.Unmarshal(info, &text) == nil { // most servers send the object as a text
		info = json.RawMessage(text)
	}
	var fields map[string]json.RawMessage
	made := b.asked()
	if json.Unmarshal(info, &fields) == nil {
		made = max(listed(fields["all_seeds"]), listed(fields["all_prompts"]))
	}
	if first := wholeNumber(fields["index_of_first_image"]); first > 0 && first < len(images) {
		images = images[first:]
	}
	if made > 0 && made < len(images) {
		images = images[:made]
	}
	return images
}

// asked returns the number of pictures that the params ask for, or 0 if a script decides
// it.
func (b *a1111) asked() int {
	pictures := 1
	for _, name := range []string{"batch_size", "n_iter"} {
		text, _ := json.Marshal(b.spec.Params[name]) // a value of the configuration
		pictures *= max(1, wholeNumber(text))
	}
	if b.spec.Params["script_name"] != nil {
		return 0
	}
	return pictures
}

// listed returns the length of a list, or 0.
func listed(raw json.RawMessage) int {
	var list []json.RawMessage
	_ = json.Unmarshal(raw, &list) // anything else has no length
	return len(list)
}

// wholeNumber returns an integer, which may be written as a text, or 0.
func wholeNumber(raw json.RawMessage) int {
	n, err := strconv.Atoi(strings.Trim(string(raw), `"`))
	if err != nil {
		return 0
	}
	return n
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
