package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// fal has requests worked on in fal's queue. Its model is the path of an app, as
// fal-ai/flux/dev. Params are the app's input; image_input names the field that
// takes the reference, image_url if it is not set.
type fal struct {
	spec Spec
	// app is what a request is asked about by: the first two parts of the path.
	app string
}

func newFal(s Spec) (backend, error) {
	parts := strings.Split(s.Model, "/")
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return nil, errors.New("model must be the path of an app, such as fal-ai/flux/dev")
	}
	return &fal{s, "/" + parts[0] + "/" + parts[1]}, nil
}

func (b *fal) header(c *conn) http.Header {
	// Without the second, fal would try again by itself, and charge for it.
	return http.Header{"Authorization": {"Key " + c.key.Reveal()}, "X-Fal-No-Retry": {"1"}}
}

func (b *fal) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	input, err := input(req, b.spec.Params, "image_url")
	if err != nil {
		return "", nil, err
	}
	a, err := c.do(ctx, call{method: http.MethodPost, path: "/" + b.spec.Model, header: b.header(c), json: input, paid: true})
	if err != nil {
		return "", nil, err
	}
	if !a.ok() {
		return "", nil, b.failure(a, order.SpentNothing)
	}
	var made struct {
		ID string `json:"request_id"`
	}
	if err := a.decode(&made); err != nil {
		return "", nil, err
	}
	if made.ID == "" {
		return "", nil, a.failure()
	}
	return made.ID, nil, nil
}

func (b *fal) poll(ctx context.Context, c *conn, ticket string) (*output, error) {
	path := b.app + "/requests/" + url.PathEscape(ticket)
	a, err := c.do(ctx, call{method: http.MethodGet, path: path + "/status", header: b.header(c)})
	if err != nil {
		return nil, err
	}
	if a.gone() {
		return nil, a.expired("its job")
	}
	if !a.ok() {
		return nil, a.failure()
	}
	var state struct {
		Status string `json:"status"`
	}
	if err := a.decode(&state); err != nil {
		return nil, err
	}
	switch state.Status {
	case "IN_QUEUE", "IN_PROGRESS":
		return nil, nil
	case "COMPLETED":
	default:
		return nil, a.failure()
	}
	if a, err = c.do(ctx, call{method: http.MethodGet, path: path, header: b.header(c)}); err != nil {
		return nil, err
	}
	if !a.ok() {
		return nil, b.failure(a, order.Spent)
	}
	return b.result(a)
}

// result reads what an app has made. Apps differ in how they name it.
func (b *fal) result(a answer) (*output, error) {
	type file struct {
		URL string `json:"url"`
	}
	var made struct {
		Images []file `json:"images"`
		Videos []file `json:"videos"`
		Image  file   `json:"image"`
		Video  file   `json:"video"`
	}
	if err := a.decode(&made); err != nil {
		return nil, err
	}
	var links []string
	for _, f := range append(append(made.Images, made.Videos...), made.Image, made.Video) {
		if f.URL != "" {
			links = append(links, f.URL)
		}
	}
	if len(links) == 0 {
		return nil, order.Failf(order.Retry, "no_output", "the provider's answer holds no file: %s", a.snippet())
	}
	return linked(links), nil
}

// failure knows the forms of a refusal, and that a result that is an error is
// the end of the job.
func (b *fal) failure(a answer, spending order.Spending) error {
	kind := a.header.Get("X-Fal-Error-Type")
	var wire struct {
		Detail json.RawMessage `json:"detail"`
	}
	_ = json.Unmarshal(a.body, &wire) // an answer of any form may be an error
	var details []struct {
		Type    string `json:"type"`
		Message string `json:"msg"`
	}
	_ = json.Unmarshal(wire.Detail, &details) // it may be a text
	for _, d := range details {
		if d.Type == "content_policy_violation" || kind == "" {
			kind = d.Type
		}
	}
	if kind == "content_policy_violation" && a.status >= 400 && a.status <= 499 {
		reason := kind
		if len(details) > 0 {
			reason = cmp.Or(details[0].Message, kind)
		}
		return a.refused(spending, "%s", reason)
	}
	f := a.failure()
	if spending == order.Spent {
		switch {
		case a.gone():
			return a.expired("its result")
		case f.Code == "rejected":
			return a.failed("%s", a.snippet())
		}
	}
	return f
}

// probe asks about a request that is not there: the answer shows whether the key
// is good, and nothing is made.
func (b *fal) probe(ctx context.Context, c *conn) error {
	a, err := c.do(ctx, call{method: http.MethodGet, path: b.app + "/requests/00000000-0000-0000-0000-000000000000/status", header: b.header(c)})
	if err != nil {
		return err
	}
	if a.ok() || a.status == http.StatusBadRequest || a.status == http.StatusNotFound || a.status == http.StatusUnprocessableEntity {
		return nil
	}
	return a.failure()
}
