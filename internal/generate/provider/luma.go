package provider

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/lenient"
	"atelierd/internal/order"
)

// luma makes pictures and videos with Luma's Dream Machine. Params are fields of the
// request, such as aspect_ratio. References go as links, because Luma accepts nothing
// else. Jobs have an id. It is no recipe because which assets are previews depends on
// what is made, and because the API is being replaced: see the recipe luma-agents.
type luma struct{ spec Spec }

var lumaNeeds = Needs{
	Type: "luma", Key: true, Model: true, Makes: both, Prompt: true,
	References: References{Image: 4, Video: 1, Links: true, Animations: true},
}

func newLuma(s Spec) (backend, error) { return &luma{s}, nil }

const lumaPath = "/dream-machine/v1/generations"

func (b *luma) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	fields, path := map[string]any{"model": b.spec.Model, "prompt": req.Prompt}, lumaPath
	switch b.spec.Makes {
	case "image":
		path += "/image"
		var list []any
		for _, r := range req.References {
			list = append(list, map[string]any{"url": r.URL})
		}
		if list != nil {
			fields["image_ref"] = list
		}
	default:
		path += "/video"
		if len(req.References) > 0 {
			fields["keyframes"] = map[string]any{"frame0": map[string]any{"type": "image", "url": req.References[0].URL}}
		}
	}
	a, err := c.do(ctx, call{method: http.MethodPost, path: path, header: c.bearer(), json: with(fields, b.spec.Params), paid: true})
	if err != nil {
		return "", nil, err
	}
	return a.ticket("id", "generation_id")
}

func (b *luma) poll(ctx context.Context, c *conn, ticket string) (*output, error) {
	var job struct {
		State  lenient.Text    `json:"state"`
		Reason lenient.Text    `json:"failure_reason"`
		Assets json.RawMessage `json:"assets"`
	}
	a, err := c.ask(ctx, lumaPath+"/"+url.PathEscape(ticket), c.bearer(), &job)
	if err != nil {
		return nil, err
	}
	switch c.state(job.State) {
	case stateWaiting:
		return nil, nil
	case stateDone:
		assets := anyOf(job.Assets)
		if made := b.made(assets); len(made) > 0 {
			return &output{blobs: made[:1]}, nil
		}
		if table, ok := assets.(map[string]any); ok {
			assets = table[b.spec.Makes]
		}
		return nil, a.noFileIn(assets)
	case stateFailed:
		reason := string(job.Reason)
		if refusedContent(reason) || strings.Contains(reason, "blacklisted") {
			return nil, a.refused(order.ChargeFull, "%s", reason)
		}
		return nil, a.failed("%s", reason)
	}
	return nil, a.failure()
}

// made returns what was made. The other assets of a video, such as its image, are
// previews, and may be there before it.
func (b *luma) made(assets any) []blob {
	table, ok := assets.(map[string]any)
	if !ok {
		return resultsIn(assets)
	}
	if made := resultsIn(table[b.spec.Makes]); len(made) > 0 {
		return made
	}
	others := maps.Clone(table)
	for _, name := range []string{"image", "video", "progress_video"} {
		delete(others, name)
	}
	return resultsIn(others)
}

// probe also checks that there is credit left.
func (b *luma) probe(ctx context.Context, c *conn) error {
	var account struct {
		Credits lenient.Number `json:"credit_balance"`
	}
	a, err := c.ask(ctx, "/dream-machine/v1/credits", c.bearer(), &account)
	if err == nil {
		err = a.emptyAccount(account.Credits.Known)
	}
	return err
}
