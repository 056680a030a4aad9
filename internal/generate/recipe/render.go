package recipe

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Values are what a request is written with.
type Values struct {
	// Makes is "image", "video" or empty.
	Makes   string
	Prompt  string
	Model   string
	Seed    uint32
	Call    string // the id of the call
	OrderID string
	Key     string
	Job     string
	// UUID returns a new UUID.
	UUID       func() string
	References []Reference
}

// Reference is a picture of the client.
type Reference struct {
	URL, MIME string
	Bytes     int64
	// Base64 reads the picture. It is called only if the recipe wants its bytes.
	Base64 func() (string, error)
}

// Request is a request to the provider. Path begins with a slash, or is an address that
// the provider named.
type Request struct {
	Method, Path string
	Header       http.Header
	Body         []byte
}

// Submit returns the request that is paid for.
func (r *Recipe) Submit(v Values) (Request, error) {
	s := r.submission(v.Makes)
	if s.pictured != nil && len(v.References) > 0 {
		s = s.pictured
	}
	w := r.writer(v)
	params := map[string]any{}
	for name, param := range r.params {
		if !r.uses["params."+name] && !slices.Contains([]string{r.cost.param, PromptLimitParam, ReferenceLimitParam}, name) {
			params[name] = param
		}
	}
	filled, _ := w.fill(merged(s.body, s.into, params))
	if filled == nil {
		filled = map[string]any{}
	}
	body, err := json.Marshal(filled)
	if w.err != nil {
		return Request{}, w.err
	}
	q := w.request(s.endpoint)
	q.Body = body
	if r.Idempotency != "" && v.Call != "" {
		q.Header.Set(r.Idempotency, v.Call)
	}
	return q, err
}

// submission returns the request for what is made.
func (r *Recipe) submission(makes string) *submission {
	if makes == "video" && r.video != nil {
		return r.video
	}
	return &r.submit
}

// Lookup returns the request for the job of a call.
func (r *Recipe) Lookup(v Values) Request { return r.writer(v).request(r.lookup) }

// Poll returns the request for the state of a job.
func (r *Recipe) Poll(v Values) Request {
	q := r.writer(v).request(r.poll)
	if IsAddress(v.Job) {
		q.Path = v.Job
	}
	return q
}

// Result returns the request for the files of a finished job. It returns false if the
// answer to the poll holds them.
func (r *Recipe) Result(v Values) (Request, bool) {
	return r.writer(v).request(r.result), r.result.path != ""
}

// Cancel returns the request that cancels a job.
func (r *Recipe) Cancel(v Values) Request { return r.writer(v).request(r.cancel) }

// ListModels returns the request for the models that there are.
func (r *Recipe) ListModels(v Values) Request { return r.writer(v).request(r.models) }

// Probe returns a request that costs nothing.
func (r *Recipe) Probe(v Values) Request { return r.writer(v).request(r.probe) }

// IsAddress reports whether a job is named by a full address.
func IsAddress(job string) bool {
	return strings.HasPrefix(job, "https://") || strings.HasPrefix(job, "http://")
}

// merged returns a copy of body with params in the table at into, which is created if it
// does not exist. A table of both holds the fields of both.
func merged(body map[string]any, into []string, params map[string]any) map[string]any {
	body = maps.Clone(body)
	if len(params) == 0 {
		return body
	}
	if body == nil {
		body = map[string]any{}
	}
	if len(into) == 0 {
		for name, v := range params {
			table, isTable := v.(map[string]any)
			if _, both := body[name].(map[string]any); both && isTable {
				body = merged(body, []string{name}, table)
				continue
			}
			body[name] = v
		}
		return body
	}
	inner, _ := body[into[0]].(map[string]any)
	body[into[0]] = merged(inner, into[1:], params)
	return body
}

// writer fills in the placeholders of one request.
type writer struct {
	recipe *Recipe
	Values
	each  *Reference // the picture that an entry of a list is repeated for
	param bool       // a param is being filled in
	err   error
}

func (r *Recipe) writer(v Values) *writer { return &writer{recipe: r, Values: v} }

func (w *writer) request(e endpoint) Request {
	q := Request{Method: e.method, Path: w.path(e.path), Header: http.Header{}}
	for _, headers := range []map[string]string{w.recipe.headers, e.headers} {
		for name, value := range headers {
			q.Header.Set(name, w.text(value, func(s string) string { return s }))
		}
	}
	return q
}

// path fills in a path. A value cannot add a query or another part to it, but the name
// of a model may have slashes.
func (w *writer) path(s string) string {
	before, query, asked := strings.Cut(s, "?")
	path := placeholder.ReplaceAllStringFunc(before, func(found string) string {
		value := w.text(found, func(s string) string { return s })
		if placeholder.FindStringSubmatch(found)[1] != "model" {
			return url.PathEscape(value)
		}
		parts := strings.Split(value, "/")
		for i, part := range parts {
			parts[i] = url.PathEscape(part)
		}
		return strings.Join(parts, "/")
	})
	if !asked {
		return path
	}
	return path + "?" + w.text(query, url.QueryEscape)
}

// text fills in a text. escape is applied to each value.
func (w *writer) text(s string, escape func(string) string) string {
	return placeholder.ReplaceAllStringFunc(s, func(found string) string {
		value, there := w.value(placeholder.FindStringSubmatch(found)[1])
		if !there {
			return ""
		}
		return escape(fmt.Sprint(value))
	})
}

// fill returns a copy of v with values in place of the placeholders, or nil if nothing
// is left of it. lost reports that a field was left out of a table in it.
func (w *writer) fill(v any) (filled any, lost bool) {
	switch v := v.(type) {
	case map[string]any:
		table := make(map[string]any, len(v))
		for name, inner := range v {
			value, gone := w.fill(inner)
			if lost = lost || gone || value == nil; value != nil {
				table[name] = value
			}
		}
		if len(table) == 0 && len(v) > 0 {
			return nil, true
		}
		return table, lost
	case []any:
		list := make([]any, 0, len(v))
		for _, inner := range v {
			list = append(list, w.entries(inner)...)
		}
		if len(list) == 0 && len(v) > 0 {
			return nil, true
		}
		return list, false
	case string:
		if m := placeholder.FindStringSubmatch(v); m != nil && m[0] == v {
			value, there := w.value(m[1])
			return value, !there
		}
		return w.text(v, func(s string) string { return s }), false
	}
	return v, false
}

// entries returns what becomes of one entry of a list.
func (w *writer) entries(v any) (list []any) {
	if w.each == nil && repeated(v) {
		for i := range w.References {
			w.each = &w.References[i]
			list = append(list, w.entries(v)...)
		}
		w.each = nil
		return list
	}
	if filled, lost := w.fill(v); filled != nil && !lost {
		return []any{filled}
	}
	return nil
}

// repeated reports whether v holds a placeholder of a picture without a number.
func repeated(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), repeated)
	case []any:
		return slices.ContainsFunc(v, repeated)
	case string:
		for _, m := range placeholder.FindAllStringSubmatch(v, -1) {
			if strings.HasPrefix(m[1], "reference.") {
				return true
			}
		}
	}
	return false
}

// value returns the value of a placeholder, and whether it has one.
func (w *writer) value(name string) (any, bool) {
	if param, ok := strings.CutPrefix(name, "params."); ok {
		v, there := w.recipe.param(param)
		if !there || w.param {
			return v, there
		}
		w.param = true
		v, _ = w.fill(v)
		w.param = false
		return v, v != nil
	}
	if which, form, ok := strings.Cut(name, "."); ok {
		return w.picture(which, form)
	}
	switch name {
	case "seed":
		return w.Seed, true
	case "uuid":
		return w.UUID(), true
	}
	s := map[string]string{"prompt": w.Prompt, "model": w.Model, "call": w.Call, "order_id": w.OrderID, "key": w.Key, "job": w.Job}[name]
	return s, s != ""
}

// picture returns a reference in one of its forms.
func (w *writer) picture(which, form string) (any, bool) {
	ref := w.each
	if n := referenceNumber(which); n > len(w.References) {
		return nil, false
	} else if n > 0 {
		ref = &w.References[n-1]
	}
	if ref == nil {
		return nil, false
	}
	switch form {
	case "url":
		return ref.URL, ref.URL != ""
	case "mime":
		return ref.MIME, ref.MIME != ""
	}
	if most := w.recipe.LinkAbove; most > 0 && ref.Bytes > most && strings.HasPrefix(ref.URL, "https://") {
		return ref.URL, true
	}
	data, err := ref.Base64()
	if err != nil {
		w.err = err
		return nil, false
	}
	if form == "data_uri" {
		data = "data:" + ref.MIME + ";base64," + data
	}
	return data, true
}
