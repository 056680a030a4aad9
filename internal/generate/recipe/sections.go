package recipe

import (
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// recipe reads the whole file.
func (p *parser) recipe(t *table) *Recipe {
	r := &Recipe{
		Title: t.text("title"), Source: t.text("source"), Date: t.day("date"), Tried: t.day("tried"),
		BaseURL: strings.TrimRight(t.text("base_url"), "/"), KeyHosts: t.texts("key_hosts"), Makes: t.texts("makes"),
		PromptLimit: t.count("prompt_limit", 1<<20), PromptRequired: t.boolean("prompt_required", true),
		headers: t.headers("headers"), uses: p.uses,
	}
	t.top(r)
	refs := t.sub("references")
	r.MaxReferences, r.Animations = refs.count("max", 100), refs.boolean("animations", false)
	r.ReferenceBytes = int64(refs.count("max_mb", 100)) << 20
	r.LinkAbove = int64(refs.count("link_above_mb", 100)) << 20
	refs.done()
	defaults := t.sub("params")
	r.defaults = defaults.values
	p.placeholders("params", r.defaults, bodyNames)
	t.submission(r)
	t.lookup(r)
	t.poll(r)
	t.result(r)
	t.cost(r)
	t.errors(r)
	t.cancel(r)
	t.probe(r)
	t.models(r)
	t.done()
	return r
}

// day returns a day that is a text or a date. It is empty without one.
func (t *table) day(key string) string {
	t.known = append(t.known, key)
	switch v := t.values[key].(type) {
	case nil:
		return ""
	case toml.LocalDate:
		return v.String()
	case string:
		if _, err := time.Parse(time.DateOnly, v); err == nil {
			return v
		}
	}
	t.problem(t.at(key), `must be a day such as "2026-11-25"`)
	return ""
}

var hostPattern = regexp.MustCompile(`^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$`)

// top checks the fields outside the sections.
func (t *table) top(r *Recipe) {
	if r.Title == "" {
		t.problem("title", "is missing; write the provider's name")
	}
	if r.Source == "" {
		t.problem("source", "is missing; write where the API is described")
	}
	if r.Date == "" && !slices.ContainsFunc(t.problems, func(p Problem) bool { return p.Field == "date" }) {
		t.problem("date", `is missing; write the day when the description was read, such as "2026-11-25"`)
	}
	if u, err := url.Parse(r.BaseURL); r.BaseURL != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.User != nil) {
		t.problem("base_url", "must be an http or https address without a user or a query")
	}
	for _, h := range r.KeyHosts {
		if !hostPattern.MatchString(h) {
			t.problem("key_hosts", "%.60q is not a host; write one like api.example.com or *.example.com", h)
		}
	}
	for _, m := range r.Makes {
		if m != "image" && m != "video" {
			t.problem("makes", `%.40q must be "image" or "video"`, m)
		}
	}
}

// headers returns a table of texts that become headers. The key is allowed in them.
func (t *table) headers(key string) map[string]string {
	values, _ := value[map[string]any](t, key, "a table")
	headers := map[string]string{}
	for name, v := range values {
		at := t.at(key) + "." + name
		s, ok := v.(string)
		switch {
		case !ok:
			t.problem(at, "must be a text")
		case slices.Contains([]string{"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection"}, http.CanonicalHeaderKey(name)) ||
			!headerPattern.MatchString(name):
			t.problem(at, "is not a header that a recipe can set")
		}
		headers[name] = s
		t.placeholders(at, s, headerNames)
	}
	return headers
}

var headerPattern = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// endpoint reads the method, path and headers of a section. methods are those that are
// allowed, the default first; with only one the section has no method.
func (t *table) endpoint(names placeholderNames, methods ...string) endpoint {
	e := endpoint{method: methods[0], path: t.text("path"), headers: t.headers("headers")}
	if len(methods) > 1 && t.has("method") {
		e.method = strings.ToUpper(t.text("method"))
	}
	if !slices.Contains(methods, e.method) {
		t.problem(t.at("method"), "must be one of %s", strings.Join(methods, ", "))
	}
	if !strings.HasPrefix(e.path, "/") || strings.HasPrefix(e.path, "//") {
		t.problem(t.at("path"), "must be a path such as /v1/jobs")
	}
	t.placeholders(t.at("path"), e.path, names)
	return e
}

// holds reports a path without the placeholder, which would be the same for each job.
func (t *table) holds(e endpoint, name string) {
	found := placeholder.FindAllStringSubmatch(e.path, -1)
	if e.path != "" && !slices.ContainsFunc(found, func(m []string) bool { return m[1] == name }) {
		t.problem(t.at("path"), "must hold {{%s}}", name)
	}
}

// section returns a table that need not be there.
func (t *table) section(key string) (*table, bool) {
	if !t.has(key) {
		t.known = append(t.known, key)
		return nil, false
	}
	return t.sub(key), true
}

func (t *table) submission(r *Recipe) {
	s, there := t.section("submit")
	if !there {
		t.problem("submit", "is missing; write a table with path and body")
		return
	}
	before := len(t.problems)
	r.submit = submission{endpoint: s.endpoint(bodyNames, "POST", "PUT"), body: s.body()}
	if into := s.text("params"); into != "" {
		r.submit.into = strings.Split(into, ".")
	}
	r.job, r.Idempotency = s.paths("job"), s.text("idempotency")
	if r.Idempotency != "" && !headerPattern.MatchString(r.Idempotency) {
		t.problem(s.at("idempotency"), "must be the name of a header")
	}
	if r.Idempotency != "" && usesUUID(r.submit.body) {
		t.problem(s.at("body"), "holds {{uuid}}, but a call that is made again must have the same body; use {{call}}")
	}
	if v, there := s.section("video"); there {
		r.video = v.variant(r.submit)
		r.video.pictured = v.withReferences(*r.video)
		v.done()
	}
	r.submit.pictured = s.withReferences(r.submit)
	switch {
	case t.uses["prompt"] || len(t.problems) > before:
	case !t.usesReference():
		t.problem(s.at("body"), "has neither {{prompt}} nor {{reference_1.url}}, so every client would get the same file")
	case r.PromptRequired:
		t.problem(s.at("body"), "lacks {{prompt}}; write it, or set prompt_required = false if the pictures say all")
	}
	s.done()
}

// withReferences reads what replaces a submission for an order with pictures.
func (t *table) withReferences(otherwise submission) *submission {
	w, there := t.section("with_references")
	if !there {
		return nil
	}
	defer w.done()
	return w.variant(otherwise)
}

// variant reads a section that replaces parts of a submission.
func (t *table) variant(other submission) *submission {
	if t.has("path") || t.has("method") || t.has("headers") {
		other.endpoint = t.endpoint(bodyNames, "POST", "PUT")
	}
	if t.has("body") {
		other.body = t.body()
	}
	t.known = append(t.known, "path", "method", "headers", "body")
	return &other
}

// usesUUID reports whether a body differs from request to request.
func usesUUID(body any) bool {
	p := &parser{uses: map[string]bool{}}
	p.placeholders("", body, bodyNames)
	return p.uses["uuid"]
}

// body reads the JSON body of a submission.
func (t *table) body() map[string]any {
	if !t.has("body") {
		t.problem(t.at("body"), "is missing; write a table of the request's fields")
	}
	body, _ := value[map[string]any](t, "body", "a table")
	t.placeholders(t.at("body"), body, bodyNames)
	return body
}

func (t *table) lookup(r *Recipe) {
	s, there := t.section("lookup")
	if !there {
		return
	}
	r.lookup, r.lookupID = s.endpoint(callNames, "GET"), s.paths("job")
	if len(r.lookupID) == 0 {
		t.problem(s.at("job"), "is missing; write where the answer names the job")
	}
	s.holds(r.lookup, "call")
	s.done()
}

func (t *table) poll(r *Recipe) {
	s, there := t.section("poll")
	if r.jobs = there; !there {
		if len(r.job) > 0 {
			t.problem("submit.job", "is for a recipe with a section poll; write one, or remove it")
		}
		return
	}
	r.poll = s.endpoint(jobNames, "GET")
	s.holds(r.poll, "job")
	r.state = states{at: s.paths("state"), waiting: s.words("waiting"), done: s.words("done"), failed: s.words("failed"), refused: s.words("refused"), gone: s.words("gone")}
	r.reason = s.paths("reason")
	s.progress(r)
	if len(r.job) == 0 {
		t.problem("submit.job", "is missing; write where the answer names the job")
	}
	if len(r.state.done) == 0 {
		t.problem(s.at("done"), "is missing; write the words of a finished job")
	}
	for key, list := range map[string]words{"waiting": r.state.waiting, "done": r.state.done, "failed": r.state.failed, "refused": r.state.refused, "gone": r.state.gone} {
		if len(r.state.at) == 0 && slices.ContainsFunc(list, func(w word) bool { return w.at == nil }) {
			t.problem(s.at(key), "holds a word, but state is missing; write where the answer holds it")
		}
	}
	s.done()
}

// progress reads where the answer says how far a job is.
func (t *table) progress(r *Recipe) {
	r.progress = progress{at: t.paths("progress"), of: float64(max(t.count("progress_of", 1_000_000), 1)), queue: t.paths("queue")}
	if t.has("progress_of") && len(r.progress.at) == 0 {
		t.problem(t.at("progress_of"), "is for a recipe with progress; write where the answer says how far the job is")
	}
}

func (t *table) result(r *Recipe) {
	s := t.sub("result")
	if s.has("path") {
		r.result = s.endpoint(jobNames, "GET")
		s.holds(r.result, "job")
		if !r.jobs {
			t.problem(s.at("path"), "is for a recipe with a section poll")
		}
	}
	s.known = append(s.known, "path", "headers")
	if r.files = s.paths("files"); len(r.files) == 0 {
		t.problem("result.files", "is missing; write where the answer holds links or base64")
	}
	s.done()
}

func (t *table) cost(r *Recipe) {
	s, there := t.section("cost")
	if !there {
		return
	}
	r.cost = cost{at: s.paths("at"), unit: 1, free: s.texts("free")}
	for _, what := range r.cost.free {
		if what != "failed" && what != "refused" {
			t.problem(s.at("free"), `%.40q must be "failed" or "refused"`, what)
		}
	}
	if s.has("unit_usd") {
		unit := s.values["unit_usd"]
		text, _ := unit.(string)
		if m := placeholder.FindStringSubmatch(text); m != nil && m[0] == text && strings.HasPrefix(m[1], "params.") {
			r.cost.param = strings.TrimPrefix(m[1], "params.")
		}
		if r.cost.unit = costUnit(unit); r.cost.unit == 0 && r.cost.param == "" {
			t.problem(s.at("unit_usd"), "must be a number above 0 and at most %d, or a param such as {{params.usd_per_second}}", mostCost)
		}
	}
	s.known = append(s.known, "unit_usd")
	s.done()
}

// costUnit returns the number of dollars that v is, or 0.
func costUnit(v any) (unit float64) {
	switch v := v.(type) {
	case float64:
		unit = v
	case int64:
		unit = float64(v)
	}
	if math.IsNaN(unit) || unit <= 0 || unit > mostCost {
		return 0
	}
	return unit
}

func (t *table) errors(r *Recipe) {
	s := t.sub("errors")
	r.errors = errorCodes{code: s.paths("code"), reason: s.paths("reason"), ok: s.words("ok"), lists: map[Meaning]words{}}
	for _, m := range listed {
		r.errors.lists[m] = s.words(string(m))
		own := slices.ContainsFunc(r.errors.lists[m], func(w word) bool { return w.at == nil })
		if own && len(r.errors.code) == 0 {
			t.problem(s.at(string(m)), "holds a code, but code is missing; write where the answer holds it")
		}
	}
	if s.has("running") && r.Idempotency == "" {
		t.problem(s.at("running"), "is for a recipe with submit.idempotency; remove it")
	}
	if s.has("ok") && len(r.errors.code) == 0 {
		t.problem(s.at("ok"), "needs code; write where the answer holds it")
	}
	s.done()
}

func (t *table) cancel(r *Recipe) {
	s, there := t.section("cancel")
	if !there {
		return
	}
	r.cancel, r.only = s.endpoint(jobNames, "POST", "PUT", "DELETE"), s.words("only")
	s.holds(r.cancel, "job")
	switch {
	case !r.jobs:
		t.problem("cancel", "is for a recipe with a section poll")
	case len(r.only) == 0:
		t.problem(s.at("only"), "is missing; write the words of the states in which a job may be cancelled")
	}
	s.done()
}

func (t *table) probe(r *Recipe) {
	s, there := t.section("probe")
	if !there {
		return
	}
	r.probe, r.balance = s.endpoint(plainNames, "GET"), s.paths("balance")
	for _, v := range s.list("accept") {
		status, ok := v.(int64)
		if !ok || status < 400 || status > 499 || status == 401 || status == 403 {
			t.problem(s.at("accept"), "must be a list of statuses from 400 to 499, without 401 and 403")
		}
		r.accept = append(r.accept, int(status))
	}
	s.done()
}

func (t *table) models(r *Recipe) {
	s, there := t.section("models")
	if !there {
		return
	}
	if r.models, r.names = s.endpoint(plainNames, "GET"), s.paths("names"); len(r.names) == 0 {
		t.problem(s.at("names"), "is missing; write where the answer names the models")
	}
	s.done()
}
