package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"atelierd/internal/beat"
	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// refusal matches the words by which providers without a code for it refuse content.
var refusal = regexp.MustCompile(`(?i)nsfw|safety|sensitive|moderat|content[ _-]?policy|not safe|prohibited|inappropriate|flagged`)

func refusedContent(text string) bool { return refusal.MatchString(text) }

// linked returns an output of files to be fetched.
func linked(links []string) *output {
	out := &output{}
	for _, l := range links {
		out.blobs = append(out.blobs, blob{link: l})
	}
	return out
}

// probe sends a request that costs nothing, and accepts any good status.
func (c *conn) probe(ctx context.Context, path string, header http.Header) error {
	a, err := c.do(ctx, call{method: http.MethodGet, path: path, header: header})
	if err != nil {
		return err
	}
	if !a.ok() {
		return a.failure()
	}
	return nil
}

// get asks about a job. The answer may be as large as the files.
func (c *conn) get(ctx context.Context, path string, header http.Header) (answer, error) {
	ctx, cancel := beat.TimeoutCause(ctx, linkTimeout, errSilent)
	defer cancel()
	resp, err := c.send(ctx, call{method: http.MethodGet, path: path, header: header})
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, file, err := c.spool.read(resp, maxAnswer)
	if errors.Is(err, errTooLong) {
		f := order.Failf(order.Hold, order.CodeProviderTooLarge, "the provider's answer is larger than %d MB", maxAnswer>>20).
			WithHint("%s asks for it again, %s makes another call, which is paid for", retryCommand, redoCommand)
		f.Charge = order.ChargePending
		return answer{}, f
	}
	if err != nil {
		return answer{}, c.unread(ctx, err, false)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: body, file: file, redact: c.redact}, nil
}

// ask reads what the provider knows of a job into v. A job that it no longer knows
// has expired.
func (c *conn) ask(ctx context.Context, path string, header http.Header, v any) (answer, error) {
	a, err := c.get(ctx, path, header)
	switch {
	case err != nil:
		return a, err
	case a.gone():
		return a, a.expired("its job")
	case !a.ok():
		return a, a.failure()
	}
	return a, a.decode(v)
}

// emptyAccount returns the failure of an account whose balance, if known, is used up.
func (a answer) emptyAccount(balance *float64) error {
	if balance == nil || *balance > 0 {
		return nil
	}
	return a.withStatus(http.StatusPaymentRequired).failure()
}

// ticket returns the id of the job from the answer to a submission. names are the
// fields that may hold it, the provider's own first.
func (a answer) ticket(names ...string) (string, *output, error) {
	if a.ok() {
		if id := a.id(names...); id != "" {
			return id, nil, nil
		}
	}
	return "", nil, a.failure()
}

// input returns the fields of a request that depend on the model: the prompt, the
// references in the field that params.image_input names, and the other params. A
// name in a list, such as ["image_urls"], names a field that takes a list. A picture
// of more than most bytes goes as a link.
func input(req generate.Request, spec Spec, otherwise string, most int64) (map[string]any, error) {
	params := with(spec.Params, nil)
	field, many := otherwise, false
	switch name := params["image_input"].(type) {
	case string:
		field = name
	case []any:
		if len(name) == 1 {
			field, many = fmt.Sprint(name[0]), true
		}
	}
	delete(params, "image_input")
	fields := map[string]any{"prompt": req.Prompt}
	var pictures []string
	for _, r := range req.References {
		uri, err := picture(r, most)
		if err != nil {
			return nil, err
		}
		if pictures = append(pictures, uri); !many {
			break
		}
	}
	switch {
	case len(pictures) == 0:
	case field == "":
		spec.Log.Warn("references left out: params.image_input does not name the model's field for them",
			"order", req.OrderID, "attempt", req.Attempt)
	case many:
		fields[field] = pictures
	default:
		fields[field] = pictures[0]
	}
	return with(fields, params), nil
}
