package fulfill

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"atelierd/internal/assistant"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/prompt"
	"atelierd/internal/term"
)

// What the assistant may write, in characters, and how much of each text it reads.
const (
	maxPrompt       = 4000
	maxRequirement  = 200
	maxRequirements = 12
	maxRead         = 8000
)

// promptTask is what the assistant is asked to do.
const promptTask = `You write the prompt for a generator of pictures or videos. The user message holds an order of a
client of the service: the brief, the client's answers to questions, what the client wants changed, what the owner
of the service wants done differently (owner_instructions), and the text that the generator would get without you
(template), which has the owner's style. problems, if there are any, are what is wrong with a first try: correct
them. Pictures, if there are any, are the client's references; references_not_shown is how many more there are.
Write one detailed prompt that keeps all that the client asks for and the owner's style, and adds no text, brand or
person that nobody asked for. Then list what a reviewer can see in the result to tell whether it is what was ordered,
the most important first, each in one short sentence.`

// promptSchema is that of a written prompt.
var promptSchema = map[string]any{
	"type": "object", "required": []string{"prompt", "requirements"}, "additionalProperties": false,
	"properties": map[string]any{
		"prompt":       map[string]any{"type": "string"},
		"requirements": map[string]any{"type": "array", "items": map[string]any{"type": "string"}},
	},
}

// written is a prompt as the assistant answers it.
type written struct {
	Prompt       string   `json:"prompt"`
	Requirements []string `json:"requirements"`
}

// ordered is the order as the assistant reads it.
type ordered struct {
	Service      string          `json:"service"`
	Category     string          `json:"category"`
	Deliverables []string        `json:"deliverables"`
	Brief        string          `json:"brief"`
	English      string          `json:"brief_english,omitempty"`
	Ask          string          `json:"piece_request,omitempty"`
	Answers      json.RawMessage `json:"answers,omitempty"`
	Feedback     []string        `json:"feedback,omitempty"`
	Instructions string          `json:"owner_instructions,omitempty"`
	Problems     []string        `json:"problems,omitempty"`
	Template     string          `json:"template,omitempty"`
	// Unseen is how many references are not shown.
	Unseen int `json:"references_not_shown,omitempty"`
}

// assistedPrompt returns the prompt of a request. That of the template is the request's. What
// the assistant wrote for the take is stored and never asked for again.
func (r *run) assistedPrompt(ctx context.Context, req generate.Request, resumed bool) (string, error) {
	a := r.service.PromptBy
	if a == nil {
		return req.Prompt, nil
	}
	takes, err := r.takes(ctx)
	if err != nil {
		return "", err
	}
	last := takes[len(takes)-1]
	list, err := r.o.Store.Prompts(ctx, r.order.ID)
	if err != nil {
		return "", err
	}
	for _, p := range list {
		if p.Kind == r.job.Kind && p.Round == r.job.Round && p.Take == last.N {
			return promptOf(p, req), nil
		}
	}
	if resumed {
		return req.Prompt, nil
	}
	p, err := r.writePrompt(ctx, a, req, last)
	return promptOf(p, req), err
}

// promptOf returns the text of a prompt, or that of the template.
func promptOf(p order.Prompt, req generate.Request) string {
	if p.Text != "" {
		return p.Text
	}
	return req.Prompt
}

// writePrompt has the assistant write the prompt of a take, and stores it.
func (r *run) writePrompt(ctx context.Context, a *Assistant, req generate.Request, t order.Take) (order.Prompt, error) {
	p := order.Prompt{Kind: r.job.Kind, Round: r.job.Round, Take: t.N}
	q, err := r.promptQuestion(ctx, a, req)
	if err != nil {
		return p, err
	}
	var w written
	c, err := r.ask(ctx, a, inquiry{purpose: order.PurposePrompt, since: t.Opened, question: q}, &w)
	call := &c
	if err == nil {
		if p.Text, p.Requirements = w.clean(); p.Text == "" {
			err = r.answerless(ctx, c, "the assistant wrote an empty prompt")
		}
	}
	if gone, ok := errors.AsType[unanswered](err); ok {
		p.Note, p.Requirements, call, err = term.Line(gone.Error(), 300), nil, nil, nil
		r.o.Log.Warn("the template writes the prompt in place of the assistant", "order", r.job.OrderID, "job", r.job.ID,
			"stage", r.job.Stage, "attempt", r.job.Attempt, "error", p.Note)
	}
	if err != nil {
		return p, err
	}
	return p, r.putPrompt(ctx, p, call)
}

// putPrompt stores a prompt. If the lease is lost, what the call has cost is recorded all the
// same.
func (r *run) putPrompt(ctx context.Context, p order.Prompt, c *order.Call) error {
	err := r.keep(ctx, r.job, func() error { return r.o.Store.PutPrompt(r.job, p, c) })
	return r.lostAnswer(ctx, c, err)
}

// lostAnswer returns the error with which an answer was not stored. If the lease is lost, it
// closes the call.
func (r *run) lostAnswer(ctx context.Context, c *order.Call, err error) error {
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Class == order.Lost && c != nil {
		return errors.Join(err, r.close(ctx, *c, order.CallOutcome{State: order.CallDone, Cost: c.Cost}, "the lease was lost before its answer was used"))
	}
	return err
}

// promptQuestion returns the order as a question.
func (r *run) promptQuestion(ctx context.Context, a *Assistant, req generate.Request) (assistant.Question, error) {
	data, err := r.orderedOf(ctx, req)
	if err != nil {
		return assistant.Question{}, err
	}
	data.Problems, data.Template = req.Problems, prompt.Shorten(req.Prompt, 2*maxRead)
	shown, err := r.shownReferences(ctx, a, req.References)
	if data.Unseen = len(req.References) - len(shown); data.Unseen > 0 {
		r.o.Log.Warn("the assistant is not shown all references", "order", r.job.OrderID, "job", r.job.ID,
			"stage", r.job.Stage, "attempt", r.job.Attempt, "missing", data.Unseen)
	}
	return assistant.Question{Task: promptTask, Name: "prompt", Schema: promptSchema, Data: data, Pictures: shown}, err
}

// shownReferences returns the references that the assistant can be shown, smaller if they are
// too large for a question.
func (r *run) shownReferences(ctx context.Context, a *Assistant, refs []generate.Reference) (shown []assistant.Picture, err error) {
	stored, err := r.o.Store.Artifacts(ctx, r.order.ID, order.KindReference, 0)
	if err != nil || len(refs) == 0 {
		return nil, err
	}
	earlier, err := r.o.Store.Artifacts(ctx, r.order.ID, r.job.Kind, r.job.Round-1)
	stored = append(stored, earlier...)
	for _, ref := range refs {
		i := slices.IndexFunc(stored, func(f order.Artifact) bool { return filepath.Join(r.o.Dir, f.Path) == ref.Path })
		if i < 0 || len(shown) == assistant.MostPictures {
			continue
		}
		if p, ok := r.looksLike(a, stored[i]); ok && a.Backend.Sees() {
			shown = append(shown, p)
		}
	}
	return shown, err
}

// orderedOf returns the order as the assistant reads it.
func (r *run) orderedOf(ctx context.Context, req generate.Request) (ordered, error) {
	feedback, err := r.feedback(ctx, req)
	if err != nil {
		return ordered{}, err
	}
	for i, text := range feedback {
		feedback[i] = prompt.Shorten(text, maxRead)
	}
	return ordered{
		Service: req.Service.Title, Category: req.Service.Category, Deliverables: req.Service.Deliverables,
		Brief: prompt.Shorten(req.Brief, maxRead), English: prompt.Shorten(req.BriefEnglish, maxRead), Ask: prompt.Shorten(req.Ask, maxRead),
		Answers: shortJSON(req.RequirementAnswers), Feedback: feedback, Instructions: req.Instructions,
	}, nil
}

// clean returns what was written within its limits. A prompt that is too long is none: a
// part of it may say the opposite.
func (w written) clean() (text string, requirements []string) {
	if text = printable(w.Prompt); utf8.RuneCountInString(text) > maxPrompt {
		return "", nil
	}
	for _, line := range w.Requirements {
		if line = term.Line(line, maxRequirement); line != "" && len(requirements) < maxRequirements {
			requirements = append(requirements, line)
		}
	}
	return text, requirements
}

// printable returns a text without control characters other than the ends of lines.
func printable(text string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if c != '\n' && unicode.IsControl(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, "")))
}
