package provider

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/lenient"
	"atelierd/internal/order"
)

// fal puts requests into fal's queue. Its model is the path of an app, such as
// fal-ai/flux/dev. Params are the app's input. image_input names the field for the
// reference, by default image_url.
type fal struct {
	spec Spec
	// app is the path below which a request is polled unless fal names another: the
	// first parts of the model.
	app string
}

var falNeeds = Needs{
	Type: "fal", Key: true, Model: true, Prompt: true, Params: []string{"image_input"},
	References: References{Image: Unlimited, Video: Unlimited, Animations: true},
}

func newFal(s Spec) (backend, error) {
	parts := strings.Split(s.Model, "/")
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return nil, errors.New("model must be the path of an app, such as fal-ai/flux/dev")
	}
	own := 2
	if (parts[0] == "workflows" || parts[0] == "comfy") && len(parts) > 2 {
		own = 3 // the kind of app precedes the app
	}
	return &fal{s, "/" + strings.Join(parts[:own], "/")}, nil
}

func (b *fal) header(c *conn) http.Header {
	// Without the second header fal would retry by itself and charge for it.
	return http.Header{"Authorization": {"Key " + c.key.Reveal()}, "X-Fal-No-Retry": {"1"}}
}

func (b *fal) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	input, err := input(req, b.spec, "image_url", anySize)
	if err != nil {
		return "", nil, err
	}
	a, err := c.do(ctx, call{method: http.MethodPost, path: "/" + b.spec.Model, header: b.header(c), json: input, paid: true})
	if err != nil {
		return "", nil, err
	}
	id, result := falJob(a)
	if !a.ok() || id == "" {
		if f := falRefusal(a, order.ChargeNone); f != nil {
			return "", nil, f
		}
		return "", nil, falFailure(a)
	}
	// fal prefers to be polled at the address that it names. The key goes there only
	// if the address is fal's.
	if at, err := c.target(result); err == nil && strings.HasSuffix(at, "/requests/"+id) {
		return at, nil, nil
	}
	return id, nil, nil
}

// falJob returns the id of the request and the address of its result. The id is a part
// of each address too.
func falJob(a answer) (id, result string) {
	var made struct {
		Result lenient.Text `json:"response_url"`
		Status lenient.Text `json:"status_url"`
	}
	_ = lenient.Unmarshal(a.body, &made) // the id may be found without them
	result = cmp.Or(string(made.Result), strings.TrimSuffix(string(made.Status), "/status"))
	if id = a.id("request_id", "requestid", "id"); id == "" {
		if _, after, ok := strings.Cut(result, "/requests/"); ok && !strings.Contains(after, "/") {
			id = after
		}
	}
	return id, result
}

// falState is the state of a request. A failed request is completed too, and may say
// why.
type falState struct {
	Status lenient.Text    `json:"status"`
	Error  json.RawMessage `json:"error"`
	Kind   lenient.Text    `json:"error_type"`
	Before lenient.Number  `json:"queue_position"` // requests that come before it
	Logs   json.RawMessage `json:"logs"`
}

// progress returns how far a request is that has not ended.
func (s falState) progress() order.Progress {
	if phase := phaseOf(string(s.Status)); phase == order.PhaseQueued {
		return order.Progress{Phase: phase, Queue: placeAfter(s.Before)}
	}
	var lines []struct {
		Message lenient.Text `json:"message"`
	}
	_ = lenient.Unmarshal(s.Logs, &lines) // there may be none
	text := ""
	for _, l := range lines {
		text += string(l.Message) + "\n"
	}
	return order.Progress{Phase: order.PhaseMaking, Fraction: barIn(text)}
}

// reason returns why the request failed, or "" if the state names no reason.
func (s falState) reason() string {
	return cmp.Or(saidIn(anyOf(s.Error)), string(s.Kind))
}

// path returns where a request is asked about: its id, or the address that fal named, is
// the ticket.
func (b *fal) path(ticket string) string {
	if strings.Contains(ticket, "://") {
		return ticket
	}
	return b.app + "/requests/" + url.PathEscape(ticket)
}

func (b *fal) cancels() bool { return true }

// cancel implements canceller.
func (b *fal) cancel(ctx context.Context, c *conn, ticket string) (order.CancelResult, error) {
	return c.cancel(ctx, call{method: http.MethodPut, path: b.path(ticket) + "/cancel", header: b.header(c)})
}

func (b *fal) poll(ctx context.Context, c *conn, ticket string) (*output, error) {
	path := b.path(ticket)
	var state falState
	a, err := c.ask(ctx, path+"/status?logs=1", b.header(c), &state)
	if err != nil {
		return nil, err
	}
	switch c.state(state.Status) {
	case stateWaiting:
		c.progress(state.progress())
		return nil, nil
	case stateDone, stateFailed: // the result says how it failed
		if state.Kind == falRefused {
			return nil, a.refused(order.ChargeFull, "%s", state.reason())
		}
		return b.result(ctx, c, path, state.reason())
	}
	return nil, a.failure()
}

// result fetches what a completed request made. fal answers with the status of the
// app, so a 4xx is the end of the job. A 5xx with a reason, in the state or in the
// answer, is also the end, and fal charges nothing for it. A 5xx without a reason may
// be fal's own, and the result can still be fetched.
func (b *fal) result(ctx context.Context, c *conn, path, reason string) (*output, error) {
	a, err := c.get(ctx, path, b.header(c)) // it may hold the pictures
	if err != nil {
		return nil, err
	}
	if a.ok() {
		return falFiles(a)
	}
	if f := falRefusal(a, order.ChargeFull); f != nil {
		return nil, f
	}
	f, reason := falFailure(a), cmp.Or(reason, a.header.Get("X-Fal-Error-Type"))
	switch {
	case a.gone():
		return nil, a.expired("its result")
	case bytes.Contains(bytes.ToLower(a.body), []byte("in progress")):
		return nil, a.notVisible()
	case f.Code == order.CodeProviderRejected && a.status <= 499:
		return nil, a.failed("%s", a.snippet())
	case f.Code == order.CodeOutage && reason != "":
		return nil, a.failed("%s", reason).Nothing()
	}
	return nil, f
}

// falFiles returns the files of an app. Apps differ in how they name them, and those of
// workflows and of ComfyUI have any shape.
func falFiles(a answer) (*output, error) {
	var made struct {
		Images json.RawMessage `json:"images"`
		Videos json.RawMessage `json:"videos"`
		Image  json.RawMessage `json:"image"`
		Video  json.RawMessage `json:"video"`
		// Flagged pictures come back black.
		Flagged []bool `json:"has_nsfw_concepts"`
	}
	_ = lenient.Unmarshal(a.body, &made) // an app may answer with a list or a text
	if len(made.Flagged) > 0 && !slices.Contains(made.Flagged, false) {
		return nil, a.refused(order.ChargeFull, "the result is flagged as not safe")
	}
	images := anyOf(made.Images)
	if list, ok := images.([]any); ok {
		for i := range min(len(list), len(made.Flagged)) {
			if made.Flagged[i] {
				list[i] = nil
			}
		}
	}
	list := resultsIn([]any{images, anyOf(made.Videos), anyOf(made.Image), anyOf(made.Video)})
	if len(list) == 0 {
		list = foundIn(a.body)
	}
	if len(list) > 0 {
		return &output{blobs: list}, nil
	}
	if f := falRefusal(a, order.ChargeFull); f != nil {
		return nil, f
	}
	if inner := a.inside(); !inner.ok() {
		return nil, inner.failure()
	}
	var whole any
	if err := a.decode(&whole); err != nil && len(a.body) > 0 {
		return nil, err
	}
	if unfilled(whole) {
		return nil, a.notVisible()
	}
	return nil, a.noFile()
}

// falRefused is fal's word for content that it refuses.
const falRefused = "content_policy_violation"

// falRefusal returns the refusal of a 4xx, or of a success without a file, or nil if it
// is none. The word is in a header, next to the detail or inside it, which is a text or
// a list.
func falRefusal(a answer, charge order.Charge) *order.Failure {
	if !a.ok() && (a.status < 400 || a.status > 499) {
		return nil
	}
	var wire struct {
		Kind   lenient.Text    `json:"error_type"`
		Detail json.RawMessage `json:"detail"`
	}
	_ = lenient.Unmarshal(a.body, &wire) // an error may have any form
	var reason string
	_ = json.Unmarshal(wire.Detail, &reason)
	var list []struct {
		Type    string `json:"type"`
		Message string `json:"msg"`
	}
	_ = json.Unmarshal(wire.Detail, &list)
	refused := a.header.Get("X-Fal-Error-Type") == falRefused || wire.Kind == falRefused || strings.Contains(reason, falRefused)
	for _, d := range list {
		if d.Type == falRefused {
			refused, reason = true, cmp.Or(reason, d.Message)
		}
	}
	if !refused {
		return nil
	}
	return a.refused(charge, "%s", cmp.Or(reason, falRefused))
}

// falFailure distinguishes an empty account from a refused key, which share a status.
func falFailure(a answer) *order.Failure {
	if a.status == http.StatusForbidden && (bytes.Contains(a.body, []byte("Exhausted balance")) || bytes.Contains(a.body, []byte("User is locked"))) {
		a = a.withStatus(http.StatusPaymentRequired)
	}
	return a.failure()
}

// probe polls a request that does not exist. The answer shows whether the key is
// valid, and nothing is made.
func (b *fal) probe(ctx context.Context, c *conn) error {
	a, err := c.do(ctx, call{method: http.MethodGet, path: b.app + "/requests/00000000-0000-0000-0000-000000000000/status", header: b.header(c)})
	if err != nil {
		return err
	}
	if a.ok() || a.status == http.StatusBadRequest || a.status == http.StatusNotFound || a.status == http.StatusUnprocessableEntity {
		return nil
	}
	return falFailure(a)
}
