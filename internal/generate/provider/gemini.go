package provider

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/lenient"
	"atelierd/internal/order"
)

// gemini asks Google's models for pictures; veo asks them for videos. It answers at once,
// and a lost answer cannot be fetched again. The params aspectRatio and imageSize go into imageConfig,
// those of geminiParts next to generationConfig, and all others into it.
type gemini struct{ spec Spec }

// geminiNeeds: 14 MB of pictures fit into a request of 20 MB of base64.
var geminiNeeds = Needs{
	Type: "gemini", Key: true, Model: true, Makes: both, Prompt: true,
	References: References{Image: Unlimited, Video: 1, Bytes: 14 << 20},
	Params:     append([]string{"aspectRatio", "imageSize", usdPerSecond}, geminiParts...),
}

func newGemini(s Spec) (backend, error) {
	if s.Makes == "video" {
		return newVeo(s)
	}
	return &gemini{s}, nil
}

// geminiRefusals are the finish reasons of refused content.
var geminiRefusals = []string{
	"SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT", "RECITATION",
	"IMAGE_RECITATION", "BLOCKLIST", "SPII",
}

func (b *gemini) header(c *conn) http.Header {
	return http.Header{"X-Goog-Api-Key": {c.key.Reveal()}} // never in the query, which proxies log
}

// geminiPart is one part of a request or an answer.
type geminiPart struct {
	Text    string        `json:"text,omitempty"`
	Inline  *geminiInline `json:"inlineData,omitempty"`
	Snake   *geminiInline `json:"inline_data,omitempty"` // as some proxies name it
	Thought bool          `json:"thought,omitempty"`     // a draft of the model
}

type geminiInline struct {
	MIME string `json:"mimeType"`
	Data string `json:"data"`
}

// geminiAnswer is what the model made, or why it made nothing.
type geminiAnswer struct {
	Feedback struct {
		BlockReason lenient.Text `json:"blockReason"`
	} `json:"promptFeedback"`
	Candidates []struct {
		Finish  lenient.Text `json:"finishReason"`
		Message lenient.Text `json:"finishMessage"`
		Content struct {
			Parts []geminiPart `json:"parts"`
		} `json:"content"`
	} `json:"candidates"`
}

func (b *gemini) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	parts := []geminiPart{{Text: req.Prompt}}
	for _, r := range req.References {
		content, err := read(r)
		if err != nil {
			return "", nil, err
		}
		parts = append(parts, geminiPart{Inline: &geminiInline{r.MIME, base64.StdEncoding.EncodeToString(content)}})
	}
	a, err := c.do(ctx, call{
		method: http.MethodPost, path: b.path() + ":generateContent", header: b.header(c), paid: true,
		json: b.request(parts),
	})
	if err != nil {
		return "", nil, err
	}
	if !a.ok() {
		return "", nil, b.failure(a)
	}
	var made geminiAnswer
	if err := a.decode(&made); err != nil {
		return "", nil, err
	}
	out, err := made.output()
	if err == nil && len(out.blobs) == 0 {
		out, err = nil, b.empty(a, made, req.Attempt)
	}
	return "", out, err
}

// output returns the pictures of the answer.
func (g geminiAnswer) output() (*output, error) {
	var all []any
	for _, candidate := range g.Candidates {
		for _, p := range candidate.Content.Parts {
			if inline := cmp.Or(p.Inline, p.Snake); inline != nil && !p.Thought {
				all = append(all, inline.Data)
			}
		}
	}
	pictures, err := picturesIn(all)
	return &output{blobs: pictures}, err
}

// geminiTries is how often a request is made whose answers are empty.
const geminiTries = 3

// empty returns the failure of an answer without a picture. An answer that is empty for
// no reason happens now and then, so the request is made again a few times. Each is
// paid for.
func (b *gemini) empty(a answer, made geminiAnswer, attempt int) error {
	if inner := a.inside(); !inner.ok() {
		return b.failure(inner)
	}
	f, refused := made.failure(a)
	if !refused && attempt >= geminiTries {
		f.Class = order.Hold
		return f.WithHint("try another model or prompt; %s makes another call, which is paid for", retryCommand)
	}
	return f
}

// failure returns why the answer holds no picture, and whether that is a refusal. Only
// a reason that says so is one, and not a text of the model.
func (g geminiAnswer) failure(a answer) (f *order.Failure, refused bool) {
	refusal, end, text := "", "", ""
	for _, candidate := range g.Candidates {
		for _, p := range candidate.Content.Parts {
			if !p.Thought {
				text = cmp.Or(text, p.Text)
			}
		}
		if end = string(candidate.Finish); slices.Contains(geminiRefusals, strings.ToUpper(end)) {
			refusal = end + " " + string(candidate.Message)
		}
	}
	switch {
	case g.Feedback.BlockReason != "" && g.Feedback.BlockReason != "BLOCK_REASON_UNSPECIFIED":
		return a.refused(order.ChargeFull, "%s", g.Feedback.BlockReason), true
	case refusal != "":
		return a.refused(order.ChargeFull, "%s", refusal), true
	case end != "" && !strings.EqualFold(end, "STOP") && !strings.EqualFold(end, "NO_IMAGE"): // cut off, or its own error
		return a.failed("it ended with %s: %s", end, text), false
	}
	return order.Failf(order.Retry, order.CodeNoOutput, "the provider's answer holds no picture: %s", a.quote(300, "%s %s", end, text)), false
}

// geminiParts are the params that go next to generationConfig.
var geminiParts = []string{"safetySettings", "tools", "toolConfig", "systemInstruction"}

// request returns the request with each param where it belongs.
func (b *gemini) request(parts any) map[string]any {
	config := with(map[string]any{"responseModalities": []string{"TEXT", "IMAGE"}}, b.spec.Params)
	request := map[string]any{"contents": []any{map[string]any{"role": "user", "parts": parts}}, "generationConfig": config}
	image := map[string]any{}
	move := func(to map[string]any, names ...string) {
		for _, name := range names {
			if v, there := config[name]; there {
				to[name] = v
				delete(config, name)
			}
		}
	}
	move(image, "aspectRatio", "imageSize")
	move(request, geminiParts...)
	if len(image) > 0 {
		config["imageConfig"] = image
	}
	return request
}

func (b *gemini) path() string { return "/v1beta/models/" + url.PathEscape(b.spec.Model) }

func (b *gemini) poll(context.Context, *conn, string) (*output, error) { return nil, errNoJobs }

func (b *gemini) probe(ctx context.Context, c *conn) error {
	return b.probeFor(ctx, c, "generateContent")
}

// probeFor checks that the key may use the model, and that the model has the method.
func (b *gemini) probeFor(ctx context.Context, c *conn, method string) error {
	a, err := c.do(ctx, call{method: http.MethodGet, path: b.path(), header: b.header(c)})
	if err != nil {
		return err
	}
	if !a.ok() {
		return b.failure(a)
	}
	var model struct {
		Methods []string `json:"supportedGenerationMethods"`
	}
	_ = lenient.Unmarshal(a.body, &model) // an answer of another form says nothing
	if can := model.Methods; len(can) > 0 && !slices.Contains(can, method) {
		return order.Failf(order.Hold, order.CodeProviderRejected, "the model %.60q has no method %s", b.spec.Model, method).
			WithHint(`set makes = "video" for a model that makes videos, and no other`).Nothing()
	}
	return nil
}

// geminiDelay finds how long the answer to too many requests asks to wait.
var geminiDelay = regexp.MustCompile(`"retryDelay":\s*"([0-9.]+s)"`)

// failure recognises a wrong key, which is answered with 400, and an empty account,
// which is answered like too many requests.
func (b *gemini) failure(a answer) error {
	has := func(text string) bool { return bytes.Contains(a.body, []byte(text)) }
	switch {
	case a.status == http.StatusBadRequest && has("API_KEY_INVALID"): // wherever it stands
		a = a.withStatus(http.StatusUnauthorized)
	case a.status == http.StatusTooManyRequests && (has("prepayment credits") || has("limit: 0,")):
		a = a.withStatus(http.StatusPaymentRequired)
	}
	f := a.failure()
	if m := geminiDelay.FindSubmatch(a.body); m != nil && f.Class == order.Wait {
		if d, err := time.ParseDuration(string(m[1])); err == nil {
			f.After = min(max(f.After, d), mostWait)
		}
	}
	return f
}
