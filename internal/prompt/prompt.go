// Package prompt writes what a client wants as one text, by the owner's template.
//
// It must not know who reads the text or where its parts come from.
package prompt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"unicode/utf16"
)

// Data is what a template may use. All of it except Service and Instructions is a
// stranger's text.
type Data struct {
	Wish  string // the brief, or what the client of a subscription asks for now
	Brief string
	// BriefEnglish is the brief's translation, and empty where there is none: write
	// {{or .BriefEnglish .Brief}}.
	BriefEnglish string
	BriefSpec    []Part // the brief taken apart
	Answers      []Answer
	// Feedback is what the client wrote about the last version. It is empty in
	// round 0.
	Feedback []string
	// Instructions are what the owner wants done differently.
	Instructions string
	// Problems are what a check has found wrong with what was made before for the same round.
	Problems []string
	Round    int
	Piece    int
	Service  string // the title
	Notes    []string
}

// Answer is a client's answer to one of the service's questions.
type Answer struct{ Question, Answer string }

// Part is one thing that the brief asks for, such as the size.
type Part struct{ Name, Text string }

// Most is the longest prompt that Write returns, as Shorten counts.
const Most = 20_000

// Prompt is a template that has been tried out.
type Prompt struct{ t *template.Template }

// Default is the template of a service that has none of its own.
var Default = must(`{{.Wish}}
{{range .Answers}}
{{with .Question}}{{.}}: {{end}}{{.Answer}}{{end}}
{{with .Feedback}}
The last version was sent back. What the client wrote about it:
{{range .}}- {{.}}
{{end}}{{end}}
{{with .Instructions}}
Make it differently this time:
{{.}}
{{end}}
{{with .Problems}}
A first try was made and is not good enough. Correct this:
{{range .}}- {{.}}
{{end}}{{end}}`)

func must(text string) *Prompt {
	p, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return p
}

// Parse reads a template of text/template and tries it out. Its error is one line
// for the owner.
func Parse(text string) (*Prompt, error) {
	t, err := template.New("prompt").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	p := &Prompt{t}
	var made []string
	for _, d := range []Data{
		{Wish: "a cat", Brief: "a cat"},
		{Wish: "my dog", Brief: "my dog", BriefEnglish: "my dog", BriefSpec: []Part{{"subject", "dog"}}, Answers: []Answer{{"size", "big"}}}, // another client's
		{Wish: "a cat", Brief: "a cat", Answers: []Answer{{"colour", "red"}}, Feedback: []string{"too red"}, Instructions: "less red", Problems: []string{"no fox"}, Round: 1, Piece: 2, Service: "Images", Notes: []string{"no reference"}},
	} {
		written, err := p.Write(d)
		if err != nil {
			return nil, err
		}
		if written == "" {
			return nil, errors.New("the prompt is empty")
		}
		made = append(made, written)
	}
	// A template may use the answer to one particular question, unknown here.
	if made[0] == made[1] && !asks.MatchString(text) {
		return nil, errors.New("it does not use what the client wants: use .Wish, .Brief or .Answers")
	}
	return p, nil
}

// asks finds the use of answers in a template.
var asks = regexp.MustCompile(`\{\{[^}]*\.Answers\b`)

// Write returns the prompt, shortened to Most. Instructions and problems that the template
// does not use are its end, because without them the same would be made again. Its error is
// one line for the owner.
func (p *Prompt) Write(d Data) (string, error) {
	var b bytes.Buffer
	if err := p.t.Execute(&b, d); err != nil {
		return "", errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	if d.Instructions != "" && !strings.Contains(b.String(), d.Instructions) {
		b.WriteString("\n\n" + d.Instructions)
	}
	sep := "\n\n"
	for _, problem := range d.Problems {
		if !strings.Contains(b.String(), problem) {
			b.WriteString(sep + "- " + problem)
			sep = "\n"
		}
	}
	return Shorten(strings.TrimSpace(strings.ToValidUTF8(b.String(), "\uFFFD")), Most), nil
}

// gap marks where a text was shortened.
const gap = " ... "

// Shorten returns the text cut to at most that many UTF-16 units, as JavaScript and
// so most providers count characters. It cuts in the middle, because the wish comes
// first and the client's objections come last. No character is split.
func Shorten(text string, most int) string {
	units := utf16.Encode([]rune(text))
	if len(units) <= most {
		return text
	}
	head := max(most-len(gap), 0) / 2
	tail := max(most-len(gap), 0) - head
	first, last := units[:head], units[len(units)-tail:]
	if n := len(first); n > 0 && first[n-1] >= 0xD800 && first[n-1] < 0xDC00 {
		first = first[:n-1]
	}
	if len(last) > 0 && last[0] >= 0xDC00 && last[0] < 0xE000 {
		last = last[1:]
	}
	return string(utf16.Decode(first)) + gap + string(utf16.Decode(last))
}

// Answers reads a client's answers: an object of answers by question, or a list of
// texts or of objects with a question and an answer. Anything else is one answer,
// unchanged.
func Answers(raw json.RawMessage) []Answer {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		var answers []Answer
		for _, item := range list {
			answers = append(answers, answer(item))
		}
		return answers
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if first, err := dec.Token(); err != nil || first != json.Delim('{') {
		return []Answer{{Answer: text(raw)}}
	}
	var answers []Answer // in the client's order, which a map loses
	for dec.More() {
		question, err := dec.Token()
		if err != nil {
			break
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			break
		}
		answers = append(answers, Answer{fmt.Sprint(question), text(value)})
	}
	return answers
}

// Spec reads a brief that was taken apart: an object of texts by name, or a list.
func Spec(raw json.RawMessage) (parts []Part) {
	for _, a := range Answers(raw) {
		parts = append(parts, Part{a.Question, a.Answer})
	}
	return parts
}

func answer(raw json.RawMessage) Answer {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return Answer{Answer: text(raw)}
	}
	for _, q := range []string{"question", "label", "name", "title", "requirement"} {
		for _, a := range []string{"answer", "value", "text", "response"} {
			if fields[q] != nil && fields[a] != nil {
				return Answer{text(fields[q]), text(fields[a])}
			}
		}
	}
	return Answer{Answer: text(raw)}
}

// text returns a JSON string without its quotes, or anything else as JSON.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}
