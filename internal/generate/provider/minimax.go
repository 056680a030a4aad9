package provider

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/lenient"
	"atelierd/internal/order"
)

// minimax makes videos. Its answers, most of them of status 200, hold a code of their
// own. Params are fields of the request, such as duration. Tasks have an id. It is no
// recipe because the file is asked for by an id of its own, and because one code means
// other things for a call, a task and a file. The newer API has the recipe minimax-v2.
type minimax struct{ spec Spec }

// mostMiniMax is the most bytes of a picture inside a request.
const mostMiniMax = 14 << 20

var miniMaxNeeds = Needs{
	Type: "minimax", Key: true, Model: true, Makes: videos, Prompt: true, PromptLimit: 2000,
	References: References{Image: 1, Video: 1},
}

func newMiniMax(s Spec) (backend, error) { return &minimax{s}, nil }

// verdict is the part of each answer that holds its code.
type verdict struct {
	Base struct {
		Number  lenient.Number `json:"status_code"`
		Message lenient.Text   `json:"status_msg"`
	} `json:"base_resp"`
}

func (v verdict) code() int { return int(v.Base.Number.Value()) }

func (v verdict) message() string { return string(v.Base.Message) }

// refused reports whether the content was the reason.
func (v verdict) refused() bool { return v.code() == 1026 || v.code() == 1027 }

// check returns what the answer's code means, or nil for success. charge is what a
// refusal cost. A failed poll says nothing about its job.
func (v verdict) check(a answer, charge order.Charge) error {
	reason := v.message()
	held := func(code order.Code, hint string) error {
		f := order.Failf(order.Hold, code, "the provider answered %d: %q", v.code(), a.quote(200, "%s", reason)).WithHint("%s", hint)
		f.Charge = chargeUnsent(a.paid)
		return f
	}
	if v.refused() {
		return a.refused(charge, "%s", reason)
	}
	switch v.code() {
	case 0:
		return nil
	case 1002, 1039, 1041, 2045:
		return a.withStatus(http.StatusTooManyRequests).failure()
	case 2056: // the plan's share of a few hours is used up
		a = a.withStatus(http.StatusTooManyRequests)
		f := a.failure()
		f.After = max(f.After, 30*time.Minute)
		return f
	case 1000, 1024, 1033: // its own error, before there is a task
		return a.withStatus(http.StatusServiceUnavailable).failure()
	case 1001: // its own timeout: there may be a task
		return a.withStatus(http.StatusGatewayTimeout).failure()
	case 1004, 2049:
		return held(order.CodeProviderKeyRefused, "check that the generator's key is valid")
	case 2061:
		return held(order.CodeProviderNotFound, "the account's plan does not include the model: change the model or the plan")
	case 1008, 1028, 1030:
		return held(order.CodeNoCredit, creditHint)
	case 2013:
		return held(order.CodeProviderRejected, rejectedHint)
	}
	f := a.failed("%d %s", v.code(), reason)
	if !a.paid {
		f.Charge = order.ChargePending
	}
	return f
}

func (b *minimax) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	fields := map[string]any{"model": b.spec.Model, "prompt": req.Prompt}
	picture, err := first(req.References, mostMiniMax)
	if err != nil {
		return "", nil, err
	}
	if picture != "" {
		fields["first_frame_image"] = picture
	}
	a, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/video_generation", header: c.bearer(), json: with(fields, b.spec.Params), paid: true})
	if err != nil {
		return "", nil, err
	}
	var made verdict
	id, _, noID := a.ticket("task_id", "id")
	if err := read200(a, &made, &made, order.ChargeNone); err != nil && (noID != nil || made.refused()) {
		return "", nil, err
	}
	return id, nil, noID
}

// read200 decodes an answer and checks its code.
func read200(a answer, v any, how *verdict, charge order.Charge) error {
	if !a.ok() {
		return a.failure()
	}
	if err := a.decode(v); err != nil {
		return err
	}
	return how.check(a, charge)
}

func (b *minimax) poll(ctx context.Context, c *conn, ticket string) (*output, error) {
	a, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/query/video_generation?task_id=" + url.QueryEscape(ticket), header: c.bearer()})
	if err != nil {
		return nil, err
	}
	if a.gone() {
		return nil, a.expired("its job")
	}
	var task struct {
		verdict
		Status lenient.Text    `json:"status"`
		File   json.RawMessage `json:"file_id"`
	}
	err = read200(a, &task, &task.verdict, order.ChargeFull)
	if a.ok() && task.Status != "" && c.state(task.Status) == stateFailed {
		// The task has ended, whatever the code.
		if task.refused() {
			return nil, a.refused(order.ChargeFull, "%s", task.message())
		}
		return nil, a.failed("%d %s", task.code(), task.message())
	}
	if task.code() == 2013 {
		return nil, a.expired("its job") // the only parameter of the request is the id
	}
	if err != nil {
		return nil, err
	}
	switch c.state(task.Status) {
	case stateWaiting:
		return nil, nil
	case stateDone:
		if id := idOf(task.File); id != "" {
			return b.file(ctx, c, id)
		}
		if list := foundIn(a.body); len(list) > 0 {
			return &output{blobs: list[:1]}, nil
		}
		return nil, a.notVisible()
	}
	return nil, a.failure()
}

// file asks for the address of the video.
func (b *minimax) file(ctx context.Context, c *conn, id string) (*output, error) {
	a, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/files/retrieve?file_id=" + url.QueryEscape(id), header: c.bearer()})
	if err != nil {
		return nil, err
	}
	if a.gone() {
		return nil, a.expired("its result")
	}
	var made struct {
		verdict
		File struct {
			URL lenient.Text `json:"download_url"`
		} `json:"file"`
	}
	err = read200(a, &made, &made.verdict, order.ChargeFull)
	if made.code() == 2013 {
		return nil, a.expired("its result") // the only parameter of the request is the id
	}
	if err != nil {
		return nil, err
	}
	if at := link(string(made.File.URL)); at != "" {
		return linked([]string{at}), nil
	}
	if list := foundIn(a.body); len(list) > 0 {
		return &output{blobs: list[:1]}, nil
	}
	return nil, a.noFileIn(string(made.File.URL))
}

// probe polls a task that does not exist. Only a refused key is a failure.
func (b *minimax) probe(ctx context.Context, c *conn) error {
	a, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/query/video_generation?task_id=0", header: c.bearer()})
	if err != nil {
		return err
	}
	if !a.ok() && a.status != http.StatusNotFound && a.status != http.StatusBadRequest {
		return a.failure()
	}
	var v verdict
	if lenient.Unmarshal(a.body, &v) == nil && (v.code() == 1004 || v.code() == 2049) {
		return v.check(a, order.ChargeNone)
	}
	return nil
}
