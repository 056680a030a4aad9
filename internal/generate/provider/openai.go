package provider

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// openai speaks the images API that many providers offer in OpenAI's shape: a
// new picture, or, with references, an edit of up to 16 of them. It answers at
// once and keeps nothing by which a lost answer could be had again. Params are
// fields of the request, such as size, quality and output_format.
type openai struct{ spec Spec }

func newOpenAI(s Spec) (backend, error) { return &openai{s}, nil }

// mostEdited is how many pictures an edit takes.
const mostEdited = 16

func (b *openai) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	fields := with(map[string]any{"model": b.spec.Model, "prompt": req.Prompt}, b.spec.Params)
	r := call{method: http.MethodPost, path: "/images/generations", header: c.bearer(), json: fields, paid: true}
	if len(req.References) > 0 {
		body, kind, err := form(fields, req.References[:min(len(req.References), mostEdited)])
		if err != nil {
			return "", nil, err
		}
		r.path, r.json, r.body = "/images/edits", nil, body
		r.header.Set("Content-Type", kind)
	}
	a, err := c.do(ctx, r)
	if err != nil {
		return "", nil, err
	}
	if !a.ok() {
		return "", nil, b.failure(a)
	}
	var made struct {
		Data []struct {
			Base64 string `json:"b64_json"`
			URL    string `json:"url"`
		} `json:"data"`
	}
	if err := a.decode(&made); err != nil {
		return "", nil, err
	}
	if made.Data == nil {
		return "", nil, a.failure() // an empty list is a refusal, but not an answer of another form
	}
	out := &output{}
	for _, d := range made.Data {
		picture := blob{link: d.URL}
		if d.Base64 != "" {
			if picture, err = fromBase64(d.Base64); err != nil {
				return "", nil, err
			}
		}
		if picture.link != "" || picture.data != nil {
			out.blobs = append(out.blobs, picture)
		}
	}
	if len(out.blobs) == 0 {
		// Some that offer this API refuse so.
		return "", nil, a.refused(order.Spent, "the answer holds no picture")
	}
	return "", out, nil
}

// failure knows the codes of a refusal.
func (b *openai) failure(a answer) error {
	var wire struct {
		Error struct {
			Code    any    `json:"code"`
			Type    string `json:"type"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(a.body, &wire) == nil && a.status == http.StatusBadRequest {
		code, _ := wire.Error.Code.(string)
		for _, word := range []string{code, wire.Error.Type} {
			if word == "moderation_blocked" || word == "content_policy_violation" {
				return a.refused(order.SpentNothing, "%s", cmp.Or(wire.Error.Message, word))
			}
		}
	}
	return a.failure()
}

func (b *openai) poll(context.Context, *conn, string) (*output, error) { return nil, errNoJobs }

func (b *openai) probe(ctx context.Context, c *conn) error {
	return c.probe(ctx, "/models", c.bearer())
}

// form is a multipart body of fields and pictures.
func form(fields map[string]any, pictures []generate.Reference) (body []byte, contentType string, err error) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for name, value := range fields {
		if err := w.WriteField(name, fmt.Sprint(value)); err != nil {
			return nil, "", err
		}
	}
	for i, p := range pictures {
		content, err := read(p)
		if err != nil {
			return nil, "", err
		}
		part, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {fmt.Sprintf(`form-data; name="image[]"; filename="reference-%d"`, i+1)},
			"Content-Type":        {p.MIME}})
		if err != nil {
			return nil, "", err
		}
		if _, err := part.Write(content); err != nil {
			return nil, "", err
		}
	}
	err = w.Close() // it writes the end, so it comes before the bytes are read
	return buf.Bytes(), w.FormDataContentType(), err
}
