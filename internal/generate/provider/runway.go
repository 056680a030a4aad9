package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/lenient"
	"atelierd/internal/order"
)

// runway makes pictures and videos. Params are fields of the request, such as ratio
// and duration. Tasks have an id. How long a prompt may be and how many references a
// picture may have differs between its models, so the params prompt_limit and
// reference_limit say it.
type runway struct{ spec Spec }

func newRunway(s Spec) (backend, error) { return &runway{s}, nil }

// mostRunwayPicture is the number of bytes that fill 5 MB of base64.
const mostRunwayPicture = 5 << 20 / 4 * 3

var runwayNeeds = Needs{
	Type: "runway", Key: true, Model: true, Makes: both, Prompt: true,
	Params:     []string{promptLimit, referenceLimit},
	References: References{Image: Unlimited, Video: 1},
}

func (b *runway) header(c *conn) http.Header {
	h := c.bearer()
	h.Set("X-Runway-Version", "2024-11-06")
	return h
}

func (b *runway) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	path, fields, err := b.request(req)
	if err != nil {
		return "", nil, err
	}
	fields = with(fields, b.spec.Params)
	delete(fields, promptLimit)
	delete(fields, referenceLimit)
	a, err := c.do(ctx, call{method: http.MethodPost, path: path, header: b.header(c), json: fields, paid: true})
	if err != nil {
		return "", nil, err
	}
	if id, _, err := a.ticket("id", "task_id"); err == nil {
		return id, nil, nil
	}
	a = a.inside()
	switch reason := runwayError(a); {
	case a.status == http.StatusBadRequest && strings.Contains(reason, "enough credits"):
		a = a.withStatus(http.StatusPaymentRequired)
	case a.status == http.StatusBadRequest && refusedContent(reason):
		return "", nil, a.refused(order.ChargeNone, "%s", reason)
	}
	return "", nil, a.failure()
}

// request returns the path and the fields of a request. A video begins with the first
// reference.
func (b *runway) request(req generate.Request) (path string, fields map[string]any, err error) {
	var pictures []any
	for _, r := range req.References {
		uri, err := picture(r, mostRunwayPicture)
		if err != nil {
			return "", nil, err
		}
		pictures = append(pictures, uri)
	}
	fields = map[string]any{"model": b.spec.Model, "promptText": req.Prompt}
	switch {
	case b.spec.Makes == "video" && len(pictures) > 0:
		fields["promptImage"] = pictures[0]
		return "/v1/image_to_video", fields, nil
	case b.spec.Makes == "video":
		return "/v1/text_to_video", fields, nil
	case len(pictures) > 0:
		for i, uri := range pictures {
			pictures[i] = map[string]any{"uri": uri}
		}
		fields["referenceImages"] = pictures
	}
	return "/v1/text_to_image", fields, nil
}

// runwayError returns the error of the answer without its remarks on single fields,
// whose names could look like a refusal.
func runwayError(a answer) string {
	var wire struct {
		Error json.RawMessage `json:"error"`
	}
	_ = lenient.Unmarshal(a.body, &wire) // an answer of another form holds no error
	return words(anyOf(wire.Error))
}

func (b *runway) poll(ctx context.Context, c *conn, ticket string) (*output, error) {
	var task struct {
		Status  lenient.Text    `json:"status"`
		Output  json.RawMessage `json:"output"`
		Failure lenient.Text    `json:"failure"`
		Code    lenient.Text    `json:"failureCode"`
		Cost    json.RawMessage `json:"cost"`
	}
	a, err := c.ask(ctx, "/v1/tasks/"+url.PathEscape(ticket), b.header(c), &task)
	if err != nil {
		return nil, err
	}
	switch c.state(task.Status) {
	case stateWaiting:
		return nil, nil
	case stateDone:
		out := &output{blobs: resultsIn(anyOf(task.Output))}
		if len(out.blobs) == 0 {
			return nil, a.noFileIn(anyOf(task.Output))
		}
		out.cost, _ = runwayCost(task.Cost)
		return out, nil
	case stateFailed:
		if strings.HasPrefix(strings.TrimPrefix(strings.ToUpper(string(task.Code)), "INPUT_PREPROCESSING."), "SAFETY") {
			return nil, runwayCharge(a.refused(order.ChargeFull, "%s %s", task.Code, task.Failure), task.Cost)
		}
		return nil, runwayCharge(a.failed("%s", cmp.Or(task.Failure, task.Code, task.Status)), task.Cost)
	}
	return nil, a.failure()
}

func (b *runway) cancels() bool { return true }

// cancel implements canceller. The same request erases a task that has ended.
func (b *runway) cancel(ctx context.Context, c *conn, ticket string) (order.CancelResult, error) {
	return c.cancel(ctx, call{method: http.MethodDelete, path: "/v1/tasks/" + url.PathEscape(ticket), header: b.header(c)})
}

// runwayCost returns what a task has cost, and whether the answer says it. A credit is
// one cent.
func runwayCost(raw json.RawMessage) (cost order.USD, said bool) {
	var wire struct {
		Credits lenient.Number `json:"credits"`
	}
	_ = lenient.Unmarshal(raw, &wire) // another form says nothing
	credits := wire.Credits.Known
	if credits == nil || *credits < 0 || *credits > 1e6 {
		return 0, false
	}
	return order.USD(math.Ceil(*credits * float64(order.Dollar) / 100)), true
}

// runwayCharge returns the failure of a task with what it has cost: nothing if its
// credits were refunded.
func runwayCharge(f *order.Failure, raw json.RawMessage) *order.Failure {
	cost, said := runwayCost(raw)
	if said && cost == 0 {
		return f.Nothing()
	}
	return f.WithCost(cost)
}

// probe also checks that there is credit left.
func (b *runway) probe(ctx context.Context, c *conn) error {
	var account struct {
		Credits lenient.Number `json:"creditBalance"`
	}
	a, err := c.ask(ctx, "/v1/organization", b.header(c), &account)
	if err == nil {
		err = a.emptyAccount(account.Credits.Known)
	}
	return err
}
