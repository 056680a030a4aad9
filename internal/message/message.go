// Package message renders messages to clients from the owner's templates.
//
// It must not know why a message is sent, or how.
package message

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"unicode/utf16"
)

// Data is what a template can use. Brief, Reason and Links may be foreign text.
type Data struct {
	Order   string // the order's id
	Service string // the title
	Brief   string
	Round   int      // 0 for the first delivery
	Piece   int      // number of the piece in a subscription, 0 elsewhere
	Links   []string // addresses of what was delivered or made
	Reason  string   // why the work was refused, empty elsewhere
}

// Template is a parsed template that has rendered sample data without an error.
type Template struct{ t *template.Template }

// MaxLength is the longest message, in UTF-16 code units. It is the limit of the
// marketplace's guide.
const MaxLength = 2000

// Parse parses a text/template and renders sample data with it. The error is one
// line that can be shown to the owner.
func Parse(text string) (*Template, error) {
	t, err := template.New("message").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	l := &Template{t}
	for _, d := range []Data{
		{},
		{Order: "ord_1", Service: "Images", Brief: "a cat", Round: 1, Piece: 1, Links: []string{"https://example.com/1.png"}, Reason: "why"},
	} {
		written, err := l.write(d)
		if err != nil {
			return nil, err
		}
		if d.Order != "" && written == "" {
			return nil, errors.New("the template renders an empty message")
		}
	}
	return l, nil
}

// Write returns the message for d, cut to MaxLength.
func (l *Template) Write(d Data) (string, error) {
	text, err := l.write(d)
	if err != nil {
		return "", err
	}
	units := utf16.Encode([]rune(text))
	if len(units) <= MaxLength {
		return text, nil
	}
	// A surrogate pair that the cut splits decodes to a replacement character.
	return strings.TrimRight(string(utf16.Decode(units[:MaxLength-1])), "\uFFFD") + "…", nil
}

func (l *Template) write(d Data) (string, error) {
	var b strings.Builder
	if err := l.t.Execute(&b, d); err != nil {
		return "", fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "template: "))
	}
	return strings.TrimSpace(b.String()), nil
}
