package provider

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// minimax makes videos. Its answers, most of them of status 200, hold a code of their
// own. Params are fields of the request, such as duration. Tasks have an id.
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
		Code    int    `json:"status_code"`
		Message string `json:"status_msg"`
	} `json:"base_resp"`
}

// refused reports whether the content was the reason.
func (v verdict) refused() bool { return v.Base.Code == 1026 || v.Base.Code == 1027 }

// check returns what the answer's code means, or nil for success. charge is what a
// refusal cost. A failed poll says nothing about its job.
func (v verdict) check(a answer, charge order.Charge) error {
	reason := v.Base.Message
	held := func(code order.Code, hint string) error {
		f := order.Failf(order.Hold, code, "the provider answered %d: %q", v.Base.Code, a.quote(200, "%s", reason)).WithHint("%s", hint)
		f.Charge = chargeUnsent(a.paid)
		return f
	}
	if v.refused() {
		return a.refused(charge, "%s", reason)
	}
	switch v.Base.Code {
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
	f := a.failed("%d %s", v.Base.Code, reason)
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
	var made struct {
		verdict
		ID json.RawMessage `json:"task_id"`
	}
	if err := read200(a, &made, &made.verdict, order.ChargeNone); err != nil {
		return "", nil, err
	}
	if id := idOf(made.ID); id != "" {
		return id, nil, nil
	}
	return "", nil, a.failure()
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
		Status string          `json:"status"`
		File   json.RawMessage `json:"file_id"`
	}
	err = read200(a, &task, &task.verdict, order.ChargeFull)
	if task.Status == "Fail" {
		// The task has ended, whatever the code.
		if task.refused() {
			return nil, a.refused(order.ChargeFull, "%s", task.Base.Message)
		}
		return nil, a.failed("%d %s", task.Base.Code, task.Base.Message)
	}
	if task.Base.Code == 2013 {
		return nil, a.expired("its job") // the only parameter of the request is the id
	}
	if err != nil {
		return nil, err
	}
	switch task.Status {
	case "Preparing", "Queueing", "Processing":
		return nil, nil
	case "Success":
		if id := idOf(task.File); id != "" {
			return b.file(ctx, c, id)
		}
		return nil, order.Failf(order.Retry, order.CodeNoOutput, "the provider's answer holds no file: %s", a.snippet())
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
			URL string `json:"download_url"`
		} `json:"file"`
	}
	if err := read200(a, &made, &made.verdict, order.ChargeFull); err != nil {
		return nil, err
	}
	if made.File.URL == "" {
		return nil, a.failure()
	}
	return linked([]string{made.File.URL}), nil
}

// idOf returns an id that may be a number or a text, or "" if there is none.
func idOf(raw json.RawMessage) string {
	s := strings.Trim(string(raw), `"`)
	if s == "null" || s == "0" {
		return ""
	}
	return s
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
	if json.Unmarshal(a.body, &v) == nil && (v.Base.Code == 1004 || v.Base.Code == 2049) {
		return v.check(a, order.ChargeNone)
	}
	return nil
}
