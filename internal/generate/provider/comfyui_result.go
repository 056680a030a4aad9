package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"atelierd/internal/lenient"
	"atelierd/internal/order"
)

// This file reads what ComfyUI says about a workflow, its nodes and its files.

type workflowError struct {
	Message string `json:"message"`
	Details string `json:"details"`
}

func (e workflowError) String() string { return strings.TrimSpace(e.Message + " " + e.Details) }

// rejection returns a failure that names the wrong node, or nil if there is none. The
// server answers 400, or 200 if other nodes still produce something.
func rejection(a answer) *order.Failure {
	var wire struct {
		Error json.RawMessage `json:"error"`
		Nodes json.RawMessage `json:"node_errors"`
	}
	if lenient.Unmarshal(a.body, &wire) != nil || !a.ok() && a.status != http.StatusBadRequest {
		return nil
	}
	var whole workflowError
	_ = json.Unmarshal(wire.Error, &whole) // it may be missing
	reason := whole.String()
	var nodes map[string]struct {
		Errors []workflowError `json:"errors"`
		Class  string          `json:"class_type"`
	}
	_ = json.Unmarshal(wire.Nodes, &nodes) // an empty one is a list
	for _, id := range slices.SortedFunc(maps.Keys(nodes), byNumber) {
		reason = fmt.Sprintf("node %s (%s)", id, nodes[id].Class)
		if len(nodes[id].Errors) > 0 {
			reason += ": " + nodes[id].Errors[0].String()
			break
		}
	}
	if reason == "" {
		return nil
	}
	f := order.Failf(order.Hold, order.CodeProviderRejected, "the provider rejects the workflow: %s", a.quote(300, "%s", reason)).
		WithHint("fix the workflow, or install what it needs in ComfyUI")
	if !a.ok() {
		return f.Nothing()
	}
	return f
}

// dropped drops a job that the server began although some of its nodes are wrong. Its
// result would lack a part. It returns the rejection f with what the job has cost.
func (b *comfyUI) dropped(ctx context.Context, c *conn, id string, f *order.Failure) error {
	if f.Charge == order.ChargeNone || id == "" {
		return f
	}
	unused, err := b.drop(ctx, c, id)
	if err != nil {
		c.log.Warn("a job with wrong nodes could not be deleted", "ticket", id, "error", c.clean(err.Error()))
	}
	if unused {
		return f.Nothing()
	}
	return f
}

// failure reports whether the job failed, and why.
func (j *comfyJob) failure() (reason string, failed bool) {
	if !strings.EqualFold(string(j.Status.Word), "error") && (j.Status.Completed == "true" || len(j.Status.Messages) == 0) {
		return "", false
	}
	for _, message := range j.Status.Messages {
		var name string
		var said struct {
			Node      string `json:"node_id"`
			Class     string `json:"node_type"`
			Exception string `json:"exception_message"`
		}
		if len(message) < 2 || json.Unmarshal(message[0], &name) != nil || json.Unmarshal(message[1], &said) != nil {
			continue
		}
		switch name {
		case "execution_error":
			return fmt.Sprintf("node %s (%s): %s", said.Node, said.Class, said.Exception), true
		case "execution_interrupted":
			return "the job was interrupted", true
		}
	}
	return "the workflow was not completed", true
}

// comfyFile is an entry of a list of files.
type comfyFile struct {
	Name      string `json:"filename"`
	Subfolder string `json:"subfolder"`
	Type      string `json:"type"`
}

// comfyLists are the keys under which ComfyUI itself lists pictures and videos.
var comfyLists = []string{"images", "gifs", "videos"}

// comfyEndings are those of files that can be delivered. Nodes save others next to them,
// such as latents.
var comfyEndings = []string{
	".png", ".jpg", ".jpeg", ".webp", ".gif", ".mp4", ".webm", ".mov", ".pdf", ".zip",
	".txt", ".md", ".html", ".csv", ".json", ".js", ".py",
}

// files returns the files that the job saved. If it saved none that can be delivered,
// they are its previews, or else whatever it saved. Nodes list files under any key.
func (j *comfyJob) files() []blob {
	var saved, previews, others []blob
	known := map[string]bool{}
	for _, id := range slices.SortedFunc(maps.Keys(j.Outputs), byNumber) {
		lists := j.Outputs[id]
		keys := slices.DeleteFunc(slices.Sorted(maps.Keys(lists)), func(key string) bool { return slices.Contains(comfyLists, key) })
		for _, key := range append(slices.Clone(comfyLists), keys...) {
			for _, f := range comfyFiles(lists[key]) {
				file := blob{path: "/view?" + url.Values{"filename": {f.Name}, "subfolder": {f.Subfolder}, "type": {f.Type}}.Encode()}
				switch {
				case known[file.path]:
				case f.Type == "temp":
					previews = append(previews, file)
				case f.Type != "output":
				case slices.Contains(comfyLists, key) || slices.Contains(comfyEndings, strings.ToLower(path.Ext(f.Name))):
					saved = append(saved, file)
				default:
					others = append(others, file)
				}
				known[file.path] = true
			}
		}
	}
	for _, list := range [][]blob{saved, previews} {
		if len(list) > 0 {
			return list
		}
	}
	return others
}

// comfyFiles returns the files in a list. A node may use its key for something else.
func comfyFiles(raw json.RawMessage) (files []comfyFile) {
	var list []json.RawMessage
	_ = json.Unmarshal(raw, &list) // what is not a list has no files
	for _, entry := range list {
		var f comfyFile
		if json.Unmarshal(entry, &f) == nil && f.Name != "" {
			f.Type = cmp.Or(f.Type, "output")
			files = append(files, f)
		}
	}
	return files
}

// probe also checks that the server has the nodes of the workflow.
func (b *comfyUI) probe(ctx context.Context, c *conn) error {
	if err := c.probe(ctx, "/system_stats", c.fileHeader()); err != nil {
		return err
	}
	var missing []string
	for _, class := range b.classes() {
		a, err := c.do(ctx, call{method: http.MethodGet, path: "/object_info/" + url.PathEscape(class), header: c.fileHeader()})
		if err != nil {
			return err
		}
		var known map[string]json.RawMessage
		// An unknown node is an empty table. A server that cannot be asked says nothing.
		if a.ok() && lenient.Unmarshal(a.body, &known) == nil && known != nil && len(known) == 0 {
			missing = append(missing, class)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return order.Failf(order.Hold, order.CodeProviderRejected, "ComfyUI lacks nodes of the workflow: %s", answer{redact: c.redact}.quote(300, "%s", strings.Join(missing, ", "))).
		WithHint("install them in ComfyUI, or change the workflow").Nothing()
}

// classes returns the kinds of nodes in the workflow, each once.
func (b *comfyUI) classes() []string {
	set := map[string]bool{}
	for _, node := range b.workflow {
		fields, _ := node.(map[string]any)
		if class, _ := fields["class_type"].(string); class != "" {
			set[class] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}
