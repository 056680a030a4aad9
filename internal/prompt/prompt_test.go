package prompt

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

func TestTheDefaultHoldsWishAnswersAndFeedback(t *testing.T) {
	t.Parallel()
	got, err := Default.Write(Data{
		Wish: "a fox", Answers: Answers([]byte(`{"colour":"red","size":3}`)),
		Feedback: []string{"too red", "and too small"},
	})
	want := "a fox\n\ncolour: red\nsize: 3\n\nThe last version was sent back. What the client wrote about it:\n- too red\n- and too small"
	if err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if got, _ := Default.Write(Data{Wish: "a fox"}); got != "a fox" {
		t.Errorf("a bare wish became %q", got)
	}
}

func TestAnswersAreReadInEveryShape(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][]Answer{
		``:                                nil,
		`null`:                            nil,
		`{"b":"2","a":"1"}`:               {{"b", "2"}, {"a", "1"}},
		`["red",5]`:                       {{"", "red"}, {"", "5"}},
		`[{"question":"q","answer":"a"}]`: {{"q", "a"}},
		`[{"label":"q","value":["x"]}]`:   {{"q", `["x"]`}},
		`[{"other":1}]`:                   {{"", `{"other":1}`}},
		`"plain"`:                         {{"", "plain"}},
		`{"a":`:                           nil,
	} {
		got := Answers([]byte(raw))
		if len(got) != len(want) {
			t.Errorf("%s: %v, want %v", raw, got, want)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: %v, want %v", raw, got, want)
			}
		}
	}
}

func TestParseRejectsATemplateThatCannotWork(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{{.Wihs}}": "Wihs", "{{.Wish": "unclosed", "{{if .Feedback}}x{{end}}": "empty", "{{index .Answers 0}}": "index",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestATemplateMustUseWhatTheClientWants(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{
		"as a linocut": false, "a picture of .Wish": false, "{{.Service}}, {{.Round}}": false, "a cat{{range .Feedback}} {{.}}{{end}}": false,
		"{{/* .Wish */}}a cat": false, "{{len .Notes}} notes": false,
		"{{.Wish}}": true, "a {{.Brief}}": true, "x {{range .Answers}}{{.Answer}}{{end}}": true, "{{.}}": true, `{{printf "%.1s" .Wish}}`: true,
		"{{if .Round}}again{{range .Feedback}} {{.}}{{end}}{{else}}{{.Wish}}{{end}}":                           true,
		`A {{range .Answers}}{{if eq .Question "Which animal?"}}{{.Answer}}{{end}}{{end}}, printed from linen`: true,
	} {
		_, err := Parse(text)
		if (err == nil) != good || !good && !strings.Contains(err.Error(), "does not use what the client wants") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestALongTextIsCutInTheMiddleBetweenCharacters(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"short": 5, strings.Repeat("x", 101): 100, "x" + strings.Repeat("\U0001F30A", 600): 99,
		strings.Repeat("\U0001F30A", 50): 100, strings.Repeat("\u00e4", 101): 100,
	} {
		got := Shorten(text, 100)
		if n := len(utf16.Encode([]rune(got))); n > 100 || n < want-1 || !utf8.ValidString(got) || strings.ContainsRune(got, utf8.RuneError) {
			t.Errorf("%.10q: got %d units: %q", text, n, got)
		}
	}
	if got := Shorten("a red fox in the snow, at night", 20); got != "a red f ... at night" {
		t.Errorf("got %q", got)
	}
}

func TestALongBriefLeavesRoomForTheObjections(t *testing.T) {
	t.Parallel()
	got, err := Default.Write(Data{Wish: strings.Repeat("\u00e4", 2*Most), Feedback: []string{"make the hat blue"}, Round: 1})
	if err != nil || len([]rune(got)) != Most || !strings.HasSuffix(got, "make the hat blue") {
		t.Errorf("got %d characters, %v", len([]rune(got)), err)
	}
}

func TestATemplateMayUseTheEnglishBriefAndItsParts(t *testing.T) {
	t.Parallel()
	p, err := Parse(`{{or .BriefEnglish .Wish}}{{range .BriefSpec}}, {{.Name}}: {{.Text}}{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	for want, d := range map[string]Data{
		"a fox, size: A4, edges: 3": {Wish: "ein Fuchs", BriefEnglish: "a fox", BriefSpec: Spec([]byte(`{"size":"A4","edges":3}`))},
		"ein Fuchs":                 {Wish: "ein Fuchs", BriefSpec: Spec(nil)},
	} {
		if got, err := p.Write(d); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	// Most orders have no translation, so a template must not rely on one.
	if _, err := Parse("{{.BriefEnglish}}"); err == nil {
		t.Error("a template that is empty without a translation was taken")
	}
}

func TestInstructionsReachEveryTemplate(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"{{.Wish}}, in ink": "a fox, in ink\n\nless red", "{{.Wish}}. Mind: {{.Instructions}}": "a fox. Mind: less red",
	} {
		p, err := Parse(template)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Write(Data{Wish: "a fox", Instructions: "less red"}); err != nil || got != want {
			t.Errorf("%s: got %q, %v", template, got, err)
		}
	}
	got, err := Default.Write(Data{Wish: "a fox", Feedback: []string{"too red"}, Instructions: "less red"})
	if err != nil || !strings.HasSuffix(got, "- too red\n\n\nMake it differently this time:\nless red") {
		t.Errorf("got %q, %v", got, err)
	}
}
