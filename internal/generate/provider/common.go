package provider

import (
	"context"
	"io"
	"net/http"
	"regexp"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// refusal are words by which providers that have no code for a refusal say that
// the content was the reason.
var refusal = regexp.MustCompile(`(?i)nsfw|safety|sensitive|moderat|content[ _-]?policy|not safe|prohibited|inappropriate|flagged`)

func indecent(text string) bool { return refusal.MatchString(text) }

// linked is an output of files that are fetched.
func linked(links []string) *output {
	out := &output{}
	for _, l := range links {
		out.blobs = append(out.blobs, blob{link: l})
	}
	return out
}

// probe asks for something that costs nothing; any good status will do.
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

// get asks a question about a job whose answer may be as large as its files.
func (c *conn) get(ctx context.Context, path string, header http.Header) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, linkTimeout, errSilent)
	defer cancel()
	resp, err := c.send(ctx, call{method: http.MethodGet, path: path, header: header})
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return answer{}, c.noAnswer(ctx, err, false)
	}
	if len(body) > maxAnswer {
		return answer{}, order.Failf(order.Retry, "too_large", "the provider's answer is larger than %d MB", maxAnswer>>20)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: body, redact: c.redact}, nil
}

// ask reads what the provider knows of a job into v. A job that it does not know
// any more has expired.
func (c *conn) ask(ctx context.Context, path string, header http.Header, v any) (answer, error) {
	a, err := c.do(ctx, call{method: http.MethodGet, path: path, header: header})
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

// ticket reads the id of a job out of the answer to a submission.
func (a answer) ticket() (string, *output, error) {
	if !a.ok() {
		return "", nil, a.failure()
	}
	var made struct {
		ID string `json:"id"`
	}
	if err := a.decode(&made); err != nil {
		return "", nil, err
	}
	if made.ID == "" {
		return "", nil, a.failure()
	}
	return made.ID, nil, nil
}

// input is a request of fields that only the model knows: its prompt, the first
// reference in the field that params.image_input names, and the other params.
func input(req generate.Request, params map[string]any, otherwise string) (map[string]any, error) {
	params = with(params, nil)
	field := otherwise
	if name, ok := params["image_input"].(string); ok {
		field = name
	}
	delete(params, "image_input")
	fields := map[string]any{"prompt": req.Prompt}
	if field != "" {
		picture, err := first(req)
		if err != nil {
			return nil, err
		}
		if picture != "" {
			fields[field] = picture
		}
	}
	return with(fields, params), nil
}
