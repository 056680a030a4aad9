package provider

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// gemini asks Google's models for pictures. It answers at once and keeps nothing.
// The params aspectRatio and imageSize go into imageConfig, all others into
// generationConfig.
type gemini struct{ spec Spec }

func newGemini(s Spec) (backend, error) { return &gemini{s}, nil }

// geminiRefusals are the ends of an answer that say no to its content.
var geminiRefusals = []string{"SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT", "RECITATION",
	"IMAGE_RECITATION", "BLOCKLIST", "SPII", "NO_IMAGE"}

func (b *gemini) header(c *conn) http.Header {
	return http.Header{"X-Goog-Api-Key": {c.key.Reveal()}} // never in the query, which is logged on the way
}

func (b *gemini) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	type inline struct {
		MIME string `json:"mimeType"`
		Data string `json:"data"`
	}
	type part struct {
		Text    string  `json:"text,omitempty"`
		Inline  *inline `json:"inlineData,omitempty"`
		Thought bool    `json:"thought,omitempty"` // of the model, on the way: a draft
	}
	parts := []part{{Text: req.Prompt}}
	for _, r := range req.References {
		content, err := read(r)
		if err != nil {
			return "", nil, err
		}
		parts = append(parts, part{Inline: &inline{r.MIME, base64.StdEncoding.EncodeToString(content)}})
	}
	a, err := c.do(ctx, call{method: http.MethodPost, path: b.path() + ":generateContent", header: b.header(c), paid: true,
		json: map[string]any{"contents": []any{map[string]any{"role": "user", "parts": parts}}, "generationConfig": b.config()}})
	if err != nil {
		return "", nil, err
	}
	if !a.ok() {
		return "", nil, b.failure(a)
	}
	var made struct {
		Feedback struct {
			BlockReason string `json:"blockReason"`
		} `json:"promptFeedback"`
		Candidates []struct {
			Finish  string `json:"finishReason"`
			Message string `json:"finishMessage"`
			Content struct {
				Parts []part `json:"parts"`
			} `json:"content"`
		} `json:"candidates"`
	}
	if err := a.decode(&made); err != nil {
		return "", nil, err
	}
	out, why, said := &output{}, "", ""
	for _, candidate := range made.Candidates {
		for _, p := range candidate.Content.Parts {
			if p.Thought {
				continue
			}
			said = cmp.Or(said, p.Text)
			if p.Inline == nil || p.Inline.Data == "" {
				continue
			}
			picture, err := fromBase64(p.Inline.Data)
			if err != nil {
				return "", nil, err
			}
			out.blobs = append(out.blobs, picture)
		}
		if slices.Contains(geminiRefusals, candidate.Finish) {
			why = candidate.Finish + " " + candidate.Message
		}
	}
	switch {
	case len(out.blobs) > 0:
		return "", out, nil
	case made.Feedback.BlockReason != "":
		return "", nil, a.refused(order.Spent, "%s", made.Feedback.BlockReason)
	case why != "":
		return "", nil, a.refused(order.Spent, "%s", why)
	case len(made.Candidates) == 0:
		return "", nil, a.failure()
	}
	return "", nil, a.refused(order.Spent, "the answer holds no picture: %s", said)
}

func (b *gemini) config() map[string]any {
	config := with(map[string]any{"responseModalities": []string{"TEXT", "IMAGE"}}, b.spec.Params)
	image := map[string]any{}
	for _, name := range []string{"aspectRatio", "imageSize"} {
		if v, there := config[name]; there {
			image[name] = v
		}
	}
	maps.DeleteFunc(config, func(name string, _ any) bool { return image[name] != nil })
	if len(image) > 0 {
		config["imageConfig"] = image
	}
	return config
}

func (b *gemini) path() string { return "/v1beta/models/" + url.PathEscape(b.spec.Model) }

func (b *gemini) poll(context.Context, *conn, string) (*output, error) { return nil, errNoJobs }

func (b *gemini) probe(ctx context.Context, c *conn) error {
	a, err := c.do(ctx, call{method: http.MethodGet, path: b.path(), header: b.header(c)})
	if err != nil {
		return err
	}
	if !a.ok() {
		return b.failure(a)
	}
	return nil
}

// failure knows that a wrong key is answered with 400.
func (b *gemini) failure(a answer) error {
	if a.status == http.StatusBadRequest && bytes.Contains(a.body, []byte("API_KEY_INVALID")) {
		a.status = http.StatusUnauthorized
	}
	return a.failure()
}
