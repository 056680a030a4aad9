package provider

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/lenient"
	"atelierd/internal/order"
)

// openai speaks OpenAI's images API, which many providers offer: a new picture or,
// with references, an edit of up to 16 of them. It answers at once, and a lost answer
// cannot be fetched again. Params are fields of the request, such as size, quality and
// output_format. The param edits is "json" for a provider whose edits take JSON
// instead of a form. The param image_input names the field of a new picture's request
// that takes references, for a provider without edits.
type openai struct{ spec Spec }

var openAINeeds = Needs{
	Type: "openai", Key: true, Model: true, Makes: images, Prompt: true, Params: []string{"edits", "image_input"},
	References: References{Image: 16},
}

func newOpenAI(s Spec) (backend, error) { return &openai{s}, nil }

func (b *openai) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	r, err := b.request(c, req)
	if err != nil {
		return "", nil, err
	}
	a, err := c.do(ctx, r)
	if err != nil {
		return "", nil, err
	}
	if !a.ok() {
		return "", nil, b.failure(a)
	}
	out, err := b.made(a)
	return "", out, costing(err, openAICost(a))
}

// made returns the pictures of a success. Servers differ in the list's name and in what
// an entry is.
func (b *openai) made(a answer) (*output, error) {
	var made struct {
		Data   json.RawMessage `json:"data"`
		Images json.RawMessage `json:"images"`
		Output json.RawMessage `json:"output"`
	}
	out, wrong := &output{cost: openAICost(a)}, a.decode(&made)
	for _, list := range []json.RawMessage{made.Data, made.Images, made.Output} {
		pictures, err := picturesIn(anyOf(list))
		if out.blobs = pictures; len(pictures) > 0 {
			return out, nil
		}
		wrong = cmp.Or(wrong, err)
	}
	if out.blobs = foundIn(a.body); len(out.blobs) > 0 {
		return out, nil
	}
	if wrong != nil {
		return nil, wrong
	}
	list, listed := anyOf(made.Data).([]any)
	switch s := openAIComplaintOf(a); {
	case s.refused(), s.noCredit(), !a.inside().ok():
		return nil, b.failure(a.inside())
	case listed && len(list) > 0:
		return nil, a.noFile()
	case listed && s == (openAIComplaint{}):
		return nil, a.refused(order.ChargeFull, "") // some providers of this API refuse in this way
	}
	return nil, a.failure()
}

// request returns the request for a new picture or, with references, for an edit of
// them, as a form or as JSON. With image_input, references are part of a new picture's
// request.
func (b *openai) request(c *conn, req generate.Request) (call, error) {
	pictures, named := req.References, b.spec.Params["image_input"] != nil
	if !named {
		req.References = nil
	}
	fields, err := input(req, b.spec, "", anySize)
	if err != nil {
		return call{}, err
	}
	fields = with(map[string]any{"model": b.spec.Model}, fields)
	delete(fields, "edits")
	r := call{method: http.MethodPost, path: "/images/generations", header: c.bearer(), json: fields, paid: true}
	if named || len(pictures) == 0 {
		return r, nil
	}
	r.path = "/images/edits"
	if b.spec.Params["edits"] == "json" {
		var list []any
		for _, p := range pictures {
			uri, err := dataURI(p)
			if err != nil {
				return r, err
			}
			list = append(list, map[string]any{"type": "image_url", "url": uri})
		}
		if fields["image"] = list[0]; len(list) > 1 {
			delete(fields, "image")
			fields["images"] = list
		}
		return r, nil
	}
	body, kind, err := form(fields, pictures)
	r.json, r.body = nil, body
	r.header.Set("Content-Type", kind)
	return r, err
}

// openAIComplaint is the error of an answer. Its form differs between providers:
// error is an object or a text, and the code is inside it or next to it.
type openAIComplaint struct{ code, kind, message string }

func openAIComplaintOf(a answer) (s openAIComplaint) {
	var wire struct {
		Code  any             `json:"code"`
		Error json.RawMessage `json:"error"`
	}
	_ = lenient.Unmarshal(a.body, &wire) // an answer of another form holds no error
	s.code, _ = wire.Code.(string)
	if json.Unmarshal(wire.Error, &s.message) == nil {
		return s
	}
	var inner struct {
		Code    any          `json:"code"`
		Type    lenient.Text `json:"type"`
		Message lenient.Text `json:"message"`
	}
	_ = lenient.Unmarshal(wire.Error, &inner)
	if code, ok := inner.Code.(string); ok {
		s.code = code
	}
	s.kind, s.message = string(inner.Type), string(inner.Message)
	return s
}

// Codes and words by which content is refused. The words are looked for in the message
// only, because the whole answer may repeat the prompt.
var (
	openAIRefusals = []string{
		"moderation_blocked", "content_policy_violation", "content_filter", "contentFilter",
		"prompt_is_improper", "InputTextSensitiveContentDetected", "OutputImageSensitiveContentDetected",
	}
	openAIRefusal = regexp.MustCompile(`(?i)content violates|rejected by content moderation|content[ _-]moderat|safety system|` +
		`sensitive (content|information)|content (filter|management) policy|content[ _-]policy|inappropriate content|\bflagged\b`)
)

func (s openAIComplaint) refused() bool {
	return slices.Contains(openAIRefusals, s.code) || slices.Contains(openAIRefusals, s.kind) ||
		strings.Contains(s.code, "content-moderated") || openAIRefusal.MatchString(s.message)
}

// noCredit reports whether the account has no credit left, which shares a status with
// rate limits and bad requests.
func (s openAIComplaint) noCredit() bool {
	return slices.ContainsFunc([]string{s.code, s.kind}, func(word string) bool {
		return word == "insufficient_quota" || word == "billing_hard_limit_reached" || word == "insufficient_credits"
	})
}

// failure recognises a refusal and an empty account by the error in the answer.
// Refused content may share the status of a refused key.
func (b *openai) failure(a answer) error {
	s := openAIComplaintOf(a)
	switch {
	case slices.Contains([]int{200, 400, 403, 422}, a.status) && s.refused():
		f := a.refused(order.ChargeNone, "%s", cmp.Or(s.message, s.code, s.kind))
		if f.Cost = openAICost(a); f.Cost > 0 {
			f.Charge = order.ChargeFull
		}
		return f
	case s.noCredit():
		a = a.withStatus(http.StatusPaymentRequired)
	}
	return a.failure()
}

// openAICost returns the cost that the answer reports, or 0. xAI counts in ticks, ten
// thousand million to a dollar. OpenRouter reports dollars, and the LiteLLM proxy does
// so in a header.
func openAICost(a answer) order.USD {
	var wire struct {
		Usage struct {
			Ticks lenient.Number `json:"cost_in_usd_ticks"`
			Cost  lenient.Number `json:"cost"`
		} `json:"usage"`
	}
	_ = lenient.Unmarshal(a.body, &wire) // usage may be of another form
	header, _ := strconv.ParseFloat(a.header.Get("X-Litellm-Response-Cost"), 64)
	for _, dollars := range []float64{wire.Usage.Ticks.Value() / 1e10, wire.Usage.Cost.Value(), header} {
		if dollars > 0 && dollars < 1e6 {
			return order.USD(math.Ceil(dollars * float64(order.Dollar)))
		}
	}
	return 0
}

func (b *openai) poll(context.Context, *conn, string) (*output, error) { return nil, errNoJobs }

// probe lists the models, and requests the model if it is not among them. Some
// providers list no models, or not all.
func (b *openai) probe(ctx context.Context, c *conn) error {
	a, err := c.do(ctx, call{method: http.MethodGet, path: "/models", header: c.bearer()})
	switch {
	case err != nil:
		return err
	case a.status == http.StatusNotFound, a.status == http.StatusMethodNotAllowed, b.listed(a):
		return nil
	case !a.ok():
		return b.failure(a)
	}
	a, err = c.do(ctx, call{method: http.MethodGet, path: "/models/" + url.PathEscape(b.spec.Model), header: c.bearer()})
	if err == nil && a.status == http.StatusNotFound && openAIComplaintOf(a).code == "model_not_found" {
		err = a.failure()
	}
	return err
}

// listed reports whether the answer names the model.
func (b *openai) listed(a answer) bool {
	var list struct {
		Models []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	_ = lenient.Unmarshal(a.body, &list) // an answer of another form lists none
	for _, m := range list.Models {
		if m.ID == b.spec.Model {
			return true
		}
	}
	return false
}

// plain returns a value as text for a form. Lists and tables become JSON.
func plain(value any) string {
	switch value.(type) {
	case []any, map[string]any:
		if b, err := json.Marshal(value); err == nil {
			return string(b)
		}
	}
	return fmt.Sprint(value)
}

// form returns a multipart body of fields and pictures. One picture goes as image,
// which every server takes, and several go as image[], which few servers take.
func form(fields map[string]any, pictures []generate.Reference) (body []byte, contentType string, err error) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for name, value := range fields {
		if err := w.WriteField(name, plain(value)); err != nil {
			return nil, "", err
		}
	}
	field := "image"
	if len(pictures) > 1 {
		field = "image[]"
	}
	for i, p := range pictures {
		content, err := read(p)
		if err != nil {
			return nil, "", err
		}
		part, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"; filename="reference-%d"`, field, i+1)},
			"Content-Type":        {p.MIME},
		})
		if err != nil {
			return nil, "", err
		}
		if _, err := part.Write(content); err != nil {
			return nil, "", err
		}
	}
	err = w.Close() // Close writes the end, so it precedes Bytes
	return buf.Bytes(), w.FormDataContentType(), err
}
