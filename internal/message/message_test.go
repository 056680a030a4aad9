package message_test

import (
	"strings"
	"testing"
	"unicode/utf16"

	"atelierd/internal/message"
)

func TestAMessageIsRenderedWithItsData(t *testing.T) {
	t.Parallel()
	tmpl, err := message.Parse("  {{.Service}}, round {{.Round}}:\n{{range .Links}}{{.}}\n{{end}}")
	if err != nil {
		t.Fatal(err)
	}
	got, err := tmpl.Write(message.Data{Service: "Images", Round: 1, Links: []string{"https://a.test/1", "https://a.test/2"}})
	if want := "Images, round 1:\nhttps://a.test/1\nhttps://a.test/2"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestAnUnusableTemplateIsRefusedInOneLine(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a syntax error":         "{{.Order",
		"an unknown field":       "{{.Customer}}",
		"an index out of range":  "{{index .Links 0}}",
		"an empty message":       "{{if not .Order}}hello{{end}}",
		"only white space":       " \n\t",
		"a function that is not": "{{shout .Brief}}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := message.Parse(text); err == nil || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: %v, want an error of one line", text, err)
			}
		})
	}
}

func TestALongMessageIsCutToWhatTheMarketplaceAccepts(t *testing.T) {
	t.Parallel()
	tmpl, err := message.Parse("{{.Order}}{{.Brief}}")
	if err != nil {
		t.Fatal(err)
	}
	for name, brief := range map[string]string{
		"letters":               strings.Repeat("x", message.MaxLength+1),
		"surrogate pairs":       strings.Repeat("😀", message.MaxLength),
		"a pair across the cut": "x" + strings.Repeat("😀", message.MaxLength),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tmpl.Write(message.Data{Brief: brief})
			n := len(utf16.Encode([]rune(got)))
			if err != nil || n > message.MaxLength || n < message.MaxLength-1 {
				t.Errorf("%d UTF-16 units, %v; want up to %d", n, err, message.MaxLength)
			}
			if !strings.HasSuffix(got, "…") || strings.ContainsRune(got, '\uFFFD') {
				t.Errorf("the message ends with %q", got[len(got)-12:])
			}
		})
	}
	if got, err := tmpl.Write(message.Data{Brief: strings.Repeat("x", message.MaxLength)}); err != nil || len(got) != message.MaxLength {
		t.Errorf("a message of the greatest length has %d characters, %v", len(got), err)
	}
}
