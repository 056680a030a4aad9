package provider

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/generate"
	"atelierd/internal/lenient"
)

// This file reads the providers' lists of models, which show ahead of time that one
// ends.

// lister is a backend whose provider lists its models.
type lister interface {
	listing(ctx context.Context, c *conn) (generate.Listing, error)
}

// Listing implements generate.Lister. Providers without a list say nothing.
func (p *Provider) Listing(ctx context.Context) (generate.Listing, error) {
	l, ok := p.backend.(lister)
	if !ok {
		return generate.Listing{}, nil
	}
	c, err := p.connect()
	if err != nil {
		return generate.Listing{}, err
	}
	ctx, cancel := beat.TimeoutCause(ctx, probeTimeout, errSilent)
	defer cancel()
	return l.listing(ctx, c)
}

// list asks for a list of models. An answer that is not a list says nothing.
func (c *conn) list(ctx context.Context, path string, header http.Header, v any) error {
	a, err := c.do(ctx, call{method: http.MethodGet, path: path, header: header})
	if err != nil {
		return err
	}
	if a.ok() {
		_ = lenient.Unmarshal(a.body, v)
	}
	return nil
}

// openAIModel is a model of the images API. Some lists say when it is shut down.
type openAIModel struct {
	ID   lenient.Text    `json:"id"`
	Ends json.RawMessage `json:"shutdown_date"`
}

// listing also asks for the model alone, because some providers list only a part.
func (b *openai) listing(ctx context.Context, c *conn) (l generate.Listing, err error) {
	var list struct {
		Models []openAIModel `json:"data"`
	}
	if err := c.list(ctx, "/models", c.bearer(), &list); err != nil {
		return l, err
	}
	for _, m := range list.Models {
		if string(m.ID) == b.spec.Model {
			return generate.Listing{Known: true, Listed: true, Ends: dateOf(m.Ends)}, nil
		}
	}
	var one openAIModel
	if err := c.list(ctx, "/models/"+url.PathEscape(b.spec.Model), c.bearer(), &one); err != nil {
		return l, err
	}
	l.Listed = string(one.ID) == b.spec.Model
	l.Known, l.Ends = l.Listed || len(list.Models) > 0, dateOf(one.Ends)
	return l, nil
}

func (b *gemini) listing(ctx context.Context, c *conn) (l generate.Listing, err error) {
	var list struct {
		Models []struct {
			Name lenient.Text `json:"name"`
		} `json:"models"`
		Next lenient.Text `json:"nextPageToken"`
	}
	if err := c.list(ctx, "/v1beta/models?pageSize=1000", b.header(c), &list); err != nil {
		return l, err
	}
	for _, m := range list.Models {
		l.Listed = l.Listed || strings.TrimPrefix(string(m.Name), "models/") == strings.TrimPrefix(b.spec.Model, "models/")
	}
	l.Known = l.Listed || len(list.Models) > 0 && list.Next == ""
	return l, nil
}

// dateOf reads a date, a time or the seconds since 1970. It is zero for anything else.
func dateOf(raw json.RawMessage) time.Time {
	var text lenient.Text
	_ = lenient.Unmarshal(raw, &text) // anything else is not a date
	for _, layout := range []string{time.DateOnly, time.RFC3339, time.DateTime} {
		if at, err := time.Parse(layout, string(text)); err == nil {
			return at.UTC()
		}
	}
	if seconds, err := strconv.ParseInt(string(text), 10, 64); err == nil && seconds > 0 && seconds < 1e11 {
		return time.Unix(seconds, 0).UTC()
	}
	return time.Time{}
}
