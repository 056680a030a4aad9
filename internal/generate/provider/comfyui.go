package provider

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/lenient"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// comfyUI runs the owner's workflow on the owner's ComfyUI server. The workflow is in
// API format, with placeholders in its texts: {{prompt}}, {{order_id}}, {{seed}},
// {{reference_1}} to {{reference_9}}, and the name of each param. A text that is only
// a placeholder gets the type of the value.
//
// The call's key is the id of the job, by which the job is looked up. Nodes that call a
// paid service get the owner's partner key.
type comfyUI struct {
	spec     Spec
	workflow map[string]any
	used     map[string]bool // placeholders
}

var comfyUINeeds = Needs{
	Type: "comfyui", Local: true, Workflow: true, PartnerKey: true,
	References: References{Image: mostReferences, Video: mostReferences, Animations: true},
}

func newComfyUI(s Spec) (backend, error) {
	workflow, err := parseWorkflow(s.Workflow)
	if err != nil {
		return nil, err
	}
	b := &comfyUI{spec: s, workflow: workflow, used: map[string]bool{}}
	findPlaceholders(workflow, b.used)
	for _, name := range slices.Sorted(maps.Keys(b.used)) {
		_, param := s.Params[name]
		if !param && name != "prompt" && name != "order_id" && name != "seed" && referenceNumber(name) == 0 {
			return nil, fmt.Errorf("the workflow has an unknown placeholder {{%.60s}}: known are prompt, order_id, seed, "+
				"reference_1 to reference_%d, and the names of the params", name, mostReferences)
		}
	}
	if !slices.ContainsFunc(slices.Collect(maps.Keys(b.used)), func(name string) bool { return name == "prompt" || referenceNumber(name) > 0 }) {
		return nil, errors.New("the workflow has neither {{prompt}} nor {{reference_1}}, so every client would get the same file")
	}
	return b, nil
}

// repeats: a job is looked up by its key before it is submitted.
func (b *comfyUI) repeats() bool { return true }

// lookUp is needed before each submit, because the server would run the same id twice.
func (b *comfyUI) lookUp(ctx context.Context, c *conn, key string) (string, error) {
	job, waiting, err := b.find(ctx, c, key)
	if err != nil || job == nil && !waiting {
		return "", err
	}
	return key, nil
}

func (b *comfyUI) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	id := req.Call.Key
	values, err := b.values(ctx, c, req)
	if err != nil {
		return "", nil, unpaid(err)
	}
	body := map[string]any{"prompt": fill(b.workflow, values), "client_id": cmp.Or(id, "atelierd")}
	if !c.partner.Empty() {
		body["extra_data"] = map[string]any{"api_key_comfy_org": c.partner.Reveal()}
	}
	if id != "" {
		body["prompt_id"] = id
	}
	a, err := c.do(ctx, call{method: http.MethodPost, path: "/prompt", header: c.fileHeader(), json: body, paid: true})
	if err != nil {
		return "", nil, err
	}
	if inner := a.inside(); !inner.ok() && a.ok() && inner.status != http.StatusBadRequest {
		return "", nil, inner.failure()
	}
	if f := rejection(a); f != nil {
		return "", nil, b.dropped(ctx, c, cmp.Or(a.id("prompt_id"), id), f)
	}
	if !a.ok() {
		return "", nil, a.failure()
	}
	if own := a.id("prompt_id"); own != "" {
		id = own
	}
	if id == "" || lenient.Fields(a.body) == nil || a.torn != nil && a.id("prompt_id") == "" {
		return "", nil, a.failure()
	}
	return id, nil, nil
}

// unpaid returns the failure of a step before the job is submitted.
func unpaid(err error) error {
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Class != order.Stopped {
		return f.Nothing()
	}
	return err
}

// values returns the values of the placeholders. Params override the rest. Only the
// references that the workflow uses are uploaded.
func (b *comfyUI) values(ctx context.Context, c *conn, req generate.Request) (map[string]any, error) {
	values := map[string]any{"prompt": req.Prompt, "order_id": req.OrderID, "seed": seedOf(req.Call.Key)}
	for _, name := range slices.Sorted(maps.Keys(b.used)) {
		n := referenceNumber(name)
		if _, param := b.spec.Params[name]; param || n == 0 {
			continue
		}
		if n > len(req.References) {
			return nil, order.Failf(order.Hold, order.CodeReference, "the workflow needs {{%s}}, and the client has linked %d pictures; %s",
				name, len(req.References), term.Line(cmp.Or(strings.Join(req.Notes, "; "), "there are no more links"), 300)).
				WithHint("ask the client for a picture, or use a workflow without {{%s}}", name)
		}
		file, err := b.upload(ctx, c, fmt.Sprintf("atelierd-%s-%d", req.Call.Key, n), req.References[n-1])
		if err != nil {
			return nil, err
		}
		values[name] = file
	}
	return with(values, b.spec.Params), nil
}

// upload sends a picture to the server, and returns the name by which nodes load it.
func (b *comfyUI) upload(ctx context.Context, c *conn, name string, r generate.Reference) (string, error) {
	content, err := read(r)
	if err != nil {
		return "", err
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("image", name+extension(r.MIME))
	if err == nil {
		_, err = part.Write(content)
	}
	if err = errors.Join(err, w.WriteField("type", "input"), w.WriteField("overwrite", "true"), w.Close()); err != nil {
		return "", order.Failf(order.Retry, order.CodeReference, "cannot send a reference: %w", err)
	}
	header := http.Header{}
	maps.Copy(header, c.fileHeader())
	header.Set("Content-Type", w.FormDataContentType())
	a, err := c.do(ctx, call{method: http.MethodPost, path: "/upload/image", header: header, body: body.Bytes()})
	if err != nil {
		return "", err
	}
	if !a.ok() {
		return "", a.failure()
	}
	var stored struct {
		Name      string `json:"name"`
		Subfolder string `json:"subfolder"`
	}
	if err := a.decode(&stored); err != nil {
		return "", err
	}
	if stored.Name == "" {
		return "", a.failure()
	}
	return path.Join(stored.Subfolder, stored.Name), nil
}

// extension returns the ending by which some nodes recognise a picture.
func extension(mime string) string {
	known := map[string]string{"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif"}
	return cmp.Or(known[mime], ".png")
}

// comfyJob is a job in the server's history, which has ended.
type comfyJob struct {
	Outputs map[string]map[string]json.RawMessage `json:"outputs"`
	Status  struct {
		Word      lenient.Text        `json:"status_str"`
		Completed lenient.Text        `json:"completed"`
		Messages  [][]json.RawMessage `json:"messages"`
	} `json:"status"`
}

func (b *comfyUI) poll(ctx context.Context, c *conn, ticket string) (*output, error) {
	job, waiting, err := b.find(ctx, c, ticket)
	switch {
	case err != nil:
		return nil, err
	case waiting:
		return nil, nil
	case job == nil:
		f := order.Failf(order.Retry, order.CodeJobLost, "ComfyUI has lost the job, as in a restart")
		f.Outage = true
		return nil, f
	}
	if reason, failed := job.failure(); failed {
		return nil, answer{redact: c.redact}.failed("%s", reason)
	}
	return &output{blobs: job.files()}, nil
}

// find returns the job if it has ended, or reports that it still waits or runs. The
// history is read again because the job may have ended in between.
func (b *comfyUI) find(ctx context.Context, c *conn, id string) (job *comfyJob, waiting bool, err error) {
	if job, err = b.ended(ctx, c, id); job != nil || err != nil {
		return job, false, err
	}
	if waiting, err = b.waiting(ctx, c, id); waiting || err != nil {
		return nil, waiting, err
	}
	job, err = b.ended(ctx, c, id)
	return job, false, err
}

// ended returns the job from the history, or nil.
func (b *comfyUI) ended(ctx context.Context, c *conn, id string) (*comfyJob, error) {
	var history map[string]json.RawMessage
	if err := b.ask(ctx, c, "/history/"+url.PathEscape(id), &history); err != nil || history[id] == nil {
		return nil, err
	}
	var job *comfyJob
	if err := lenient.Unmarshal(history[id], &job); err != nil {
		return nil, answer{redact: c.redact, body: history[id]}.unusable("unexpected answer of the provider about its job")
	}
	return job, nil
}

// waiting reports whether the job is in the queue or runs.
func (b *comfyUI) waiting(ctx context.Context, c *conn, id string) (bool, error) {
	place, running, err := b.queued(ctx, c, id)
	switch {
	case place > 0:
		c.progress(order.Progress{Phase: order.PhaseQueued, Queue: place})
	case running:
		c.progress(order.Progress{Phase: order.PhaseMaking})
	}
	return place > 0 || running, err
}

// queued returns the job's place in the queue, from 1, or reports that it runs.
func (b *comfyUI) queued(ctx context.Context, c *conn, id string) (place int, running bool, err error) {
	var queue struct {
		Running json.RawMessage `json:"queue_running"`
		Pending json.RawMessage `json:"queue_pending"`
	}
	if err := b.ask(ctx, c, "/queue", &queue); err != nil {
		return 0, false, err
	}
	holds := func(list json.RawMessage) int {
		var entries [][]json.RawMessage
		if list != nil && json.Unmarshal(list, &entries) != nil { // the job may be in it
			err = answer{redact: c.redact, body: list}.unusable("unexpected answer of the provider about its queue")
		}
		return placeIn(entries, id)
	}
	place, running = holds(queue.Pending), holds(queue.Running) > 0
	return place, running, err
}

// placeIn returns the place of the job in a list of the server, from 1, or 0. An entry
// begins with its number in the queue and the id; the list has no order.
func placeIn(entries [][]json.RawMessage, id string) int {
	number := func(entry []json.RawMessage) (n lenient.Number) {
		_ = n.UnmarshalJSON(entry[0]) // it never fails
		return n
	}
	at := slices.IndexFunc(entries, func(entry []json.RawMessage) bool { return len(entry) > 1 && idOf(entry[1]) == id })
	if at < 0 {
		return 0
	}
	own, place := number(entries[at]).Value(), 1
	for _, entry := range entries {
		if len(entry) > 1 && number(entry).Value() < own {
			place++
		}
	}
	return place
}

// drop takes the job out of the queue or, if it runs, interrupts it. It reports whether
// the job has never run, as far as that is known.
func (b *comfyUI) drop(ctx context.Context, c *conn, id string) (unused bool, err error) {
	post := func(path string, body map[string]any) error {
		a, err := c.do(ctx, call{method: http.MethodPost, path: path, header: c.fileHeader(), json: body})
		if err == nil && !a.ok() {
			err = a.failure()
		}
		return err
	}
	if err := post("/queue", map[string]any{"delete": []string{id}}); err != nil {
		return false, err
	}
	place, running, err := b.queued(ctx, c, id)
	switch {
	case err != nil || place > 0:
		return false, err
	case running: // older servers interrupt whatever runs, so nothing is sent for a job that does not
		return false, post("/interrupt", map[string]any{"prompt_id": id})
	}
	job, err := b.ended(ctx, c, id)
	return job == nil && err == nil, err
}

func (b *comfyUI) cancels() bool { return true }

// cancel implements canceller.
func (b *comfyUI) cancel(ctx context.Context, c *conn, ticket string) (order.CancelResult, error) {
	unused, err := b.drop(ctx, c, ticket)
	return order.CancelResult{CostKnown: unused && err == nil}, err
}

// ask reads an answer into v. It holds whole workflows and may be large.
func (b *comfyUI) ask(ctx context.Context, c *conn, path string, v any) error {
	a, err := c.get(ctx, path, c.fileHeader())
	if err != nil {
		return err
	}
	if !a.ok() {
		return a.failure()
	}
	return a.decode(v)
}
