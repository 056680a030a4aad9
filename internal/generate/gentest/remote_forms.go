package gentest

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"

	"atelierd/internal/order"
)

// This file holds answers that say the same in another form. What is in them was paid
// for, so a back end must find it with one call.

// formScenarios are the forms of the answers of a provider.
func formScenarios(s shape) []scenario {
	var list []scenario
	for status, want := range map[int]outcome{
		401: paidStatuses[401], 402: paidStatuses[402], 429: paidStatuses[429], 500: paidStatuses[500], 503: paidStatuses[503],
	} {
		list = append(list, scenario{"an error " + http.StatusText(status) + " inside a success", func(b *bench) {
			b.fake.Answer(Submit, func(w http.ResponseWriter, _ *http.Request) {
				say(w, http.StatusOK, fields{"error": fields{"code": status, "message": "no"}})
			})
			b.fails(b.request(), want)
		}})
	}
	if s.bare {
		return list
	}
	for name, change := range sameAnswers {
		list = append(list, scenario{name, func(b *bench) { b.sameIn(change) }})
	}
	switch {
	case !s.jobs && s.links:
	case !s.jobs:
		for name, change := range base64Forms {
			list = append(list, scenario{"base64 " + name, func(b *bench) { b.base64In(change) }})
			list = append(list, scenario{"base64 " + name + ", of a large file", func(b *bench) {
				b.fake.size = 300 << 10
				b.base64In(change)
			}})
		}
	case s.reference != "upload": // there the id is ours, and files have no links
		list = append(list, jobForms()...)
		if !s.wordless {
			list = append(list, scenario{"a state that is not known", (*bench).unknownState})
		}
	}
	return list
}

// sameAnswers say the same as the answer that they get.
var sameAnswers = map[string]func(http.Header, string) string{
	"a byte order mark before each answer": func(_ http.Header, body string) string { return "\ufeff" + body },
	"a line after each answer":             func(_ http.Header, body string) string { return body + "\ndone" },
	"answers as a plain text":              typed("text/plain; charset=utf-8"),
	"answers as bytes":                     typed("application/octet-stream"),
	"answers without a type":               typed(""),
	"answers with a field that is NaN":     func(_ http.Header, body string) string { return withField(body, `"odd":NaN`) },
	"answers with fields of other types": func(_ http.Header, body string) string {
		return withField(body, `"created":{"x":[1]},"usage":"much","metrics":[7],"message":3,"promptFeedback":"none","has_nsfw_concepts":"no","urls":7`)
	},
}

func typed(kind string) func(http.Header, string) string {
	return func(h http.Header, body string) string {
		h["Content-Type"] = []string{kind}
		return body
	}
}

// withField returns a JSON object with another field.
func withField(body, field string) string {
	inner, ok := strings.CutSuffix(strings.TrimSpace(body), "}")
	switch {
	case !ok:
		return body
	case inner == "{":
		return "{" + field + "}"
	}
	return inner + "," + field + "}"
}

// base64Forms are other forms of the same base64.
var base64Forms = map[string]func(string) string{
	"that is URL-safe":        strings.NewReplacer("+", "-", "/", "_").Replace,
	"without padding":         func(s string) string { return strings.TrimRight(s, "=") },
	"with line ends":          func(s string) string { return s[:20] + `\r\n` + s[20:] + `\n` },
	"in a data address":       func(s string) string { return "data:image/png;base64," + s },
	"after a space":           func(s string) string { return "data:image/png;base64, " + s },
	"of which nothing is odd": func(s string) string { return s },
}

// jobForms are the forms of a job's id, state and links.
func jobForms() []scenario {
	list := []scenario{
		{"a job id that is a number", (*bench).numericID},
		{"states in another case", func(b *bench) {
			b.change(Poll, func(_ http.Header, body string) string { return stateField.ReplaceAllStringFunc(body, swapCase) })
			b.done(b.request(), 1)
			b.paid(1)
		}},
		{"a connection that is cut after the job id", (*bench).idBeforeCut},
		{"a success without a job id", (*bench).noID},
		{"an error inside a poll", (*bench).errorInPoll},
		{"a result without a link", func(b *bench) {
			b.linkAs(func(string) string { return `"none"` })
			b.fails(b.request(), outcome{order.Hold, order.CodeNoOutput, order.ChargePending, false})
			b.paid(1)
		}},
	}
	for name, change := range map[string]func(string) string{
		"a link in a table":   func(l string) string { return `{"url":` + l + `,"size":7}` },
		"a link in a list":    func(l string) string { return `[` + l + `]` },
		"a link in two lists": func(l string) string { return `[[{"inner":{"url":` + l + `}}]]` },
		"a link after spaces": func(l string) string { return `" ` + l[1:] },
	} {
		list = append(list, scenario{name, func(b *bench) {
			b.linkAs(change)
			b.done(b.request(), 1)
			b.paid(1)
		}})
	}
	return list
}

// change alters the provider's own answers.
func (b *bench) change(p Part, change func(http.Header, string) string) {
	b.fake.Answer(p, func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		b.fake.mu.Lock()
		b.fake.shape.serve(b.fake, rec, r)
		b.fake.mu.Unlock()
		maps.Copy(w.Header(), rec.Header())
		body := change(w.Header(), rec.Body.String())
		w.WriteHeader(rec.Code)
		io.WriteString(w, body)
	})
}

func (b *bench) sameIn(change func(http.Header, string) string) {
	b.change(Submit, change)
	b.change(Poll, change)
	b.done(b.request(), 1)
	b.paid(1)
}

func (b *bench) base64In(change func(string) string) {
	b.change(Submit, func(_ http.Header, body string) string {
		coded := b.fake.jobs[0].base64()
		if !strings.ContainsAny(coded, "+/") || !strings.HasSuffix(coded, "=") || !strings.Contains(body, coded) {
			b.Errorf("the file's base64 has nothing odd: %s", coded)
		}
		return strings.ReplaceAll(body, coded, change(coded))
	})
	b.done(b.request(), 1)
	b.paid(1)
}

func (b *bench) linkAs(change func(quoted string) string) {
	b.change(Poll, func(_ http.Header, body string) string {
		quoted := `"` + b.fake.jobs[0].link() + b.fake.shape.download + `"`
		return strings.ReplaceAll(body, quoted, change(quoted))
	})
}

func (b *bench) numericID() {
	b.fake.numbered = true
	bare := func(_ http.Header, body string) string { return strings.ReplaceAll(body, `"1001"`, `1001`) }
	b.change(Submit, bare)
	b.change(Poll, bare)
	b.done(b.request(), 1)
	b.paid(1)
}

// idBeforeCut expects that an id that arrived is used although the answer did not arrive
// as a whole.
func (b *bench) idBeforeCut() {
	b.fake.Answer(Submit, func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		b.fake.Serve(rec, r)
		maps.Copy(w.Header(), rec.Header())
		body := strings.TrimSpace(rec.Body.String())
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.WriteHeader(rec.Code)
		io.WriteString(w, body[:len(body)-1])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	b.done(b.request(), 1)
	b.paid(1)
}

// stateField matches the state of a job in an answer.
var stateField = regexp.MustCompile(`"((?:task_)?(?:status|state))":("[A-Za-z_]+"|[0-9]+)`)

func swapCase(field string) string {
	name, word, _ := strings.Cut(field, ":")
	if other := strings.ToUpper(word); other != word {
		return name + ":" + other
	}
	return name + ":" + strings.ToLower(word)
}

// unknownState expects that a job counts as running, whatever its state is called.
func (b *bench) unknownState() {
	polls := 0
	b.change(Poll, func(_ http.Header, body string) string {
		if polls++; polls > 20 {
			return body
		}
		return stateField.ReplaceAllString(body, `"$1":"contemplating"`)
	})
	b.done(b.request(), 1)
	b.change(Poll, func(_ http.Header, body string) string {
		return stateField.ReplaceAllString(body, `"$1":"contemplating"`)
	})
	f := b.fails(b.resumed(), outcome{order.Wait, order.CodeSlow, order.ChargePending, false})
	if f.Health() != order.GeneratorSilent || !strings.Contains(fmt.Sprint(f), "contemplating") {
		b.Errorf("the generator %s: %v", f.Health(), f)
	}
	b.fake.Answer(Poll, nil)
	b.done(b.resumed(), 1)
	b.paid(1)
}

// noID expects that work is not begun again when the provider accepted it and does not
// say under which id.
func (b *bench) noID() {
	for _, body := range []string{`{"ok":true}`, `{}`, `{"id":null,"task_id":{},"request_id":[]}`, "", "accepted"} {
		b.fake.Answer(Submit, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			io.WriteString(w, body)
		})
		want := outcome{order.Hold, order.CodeBadAnswer, order.ChargeUnknown, false}
		if b.fake.shape.again {
			want.class = order.Retry // the job is looked up, or the same call is made again
		}
		if f := b.fails(b.request(), want); f.Hint == "" && f.Class == order.Hold {
			b.Errorf("%s: the owner gets no hint", body)
		}
	}
}

func (b *bench) errorInPoll() {
	for status, want := range map[int]outcome{429: polledStatuses[429], 503: polledStatuses[503]} {
		b.fake.Answer(Poll, func(w http.ResponseWriter, _ *http.Request) {
			say(w, http.StatusOK, fields{"error": fields{"code": status}})
		})
		if len(b.fake.jobs) > 0 {
			b.fails(b.resumed(), want)
			continue
		}
		b.fails(b.request(), want)
	}
	b.fake.Answer(Poll, nil)
	b.done(b.resumed(), 1)
	b.paid(1)
}
