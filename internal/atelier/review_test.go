package atelier

import (
	"testing"

	"atelierd/internal/order"
)

func TestAReviewIsReadInEachShape(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]order.Review{
		`{"review":{"rating":4,"text":"very blue"}}`:      {Rating: new(4), Text: "very blue"},
		`{"review":{"rating":"5","text":null}}`:           {Rating: new(5)},
		`{"review":{"rating":4.6,"comment":"x"}}`:         {Rating: new(5)},
		`{"review":{"rating":0,"text":" "}}`:              {},
		`{"review":{"rating":6,"text":"t"}}`:              {Text: "t"},
		`{"review":{"rating":{"x":1},"text":["a"]}}`:      {},
		`{"review":null}`:                                 {},
		`{"review":"odd"}`:                                {},
		`{"id":"ord_1","status":"completed","brief":"b"}`: {},
	} {
		s, _ := serve(t, answer(200, `{"success":true,"data":`+raw+`}`))
		c, _ := client(t, s.URL)
		got, err := c.Review(t.Context(), "ord_1")
		if err != nil || got.Text != want.Text || (got.Rating == nil) != (want.Rating == nil) || got.Rating != nil && *got.Rating != *want.Rating {
			t.Errorf("%s = %+v, %v; want %+v", raw, got, err, want)
		}
	}
}

func TestABriefThatWasTakenApartIsReadInEachShape(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`"brief_spec":{"size":"A4"},"brief_english":"a fox"`:     `a fox {"size":"A4"}`,
		`"brief_spec":"{\"size\":\"A4\"}","brief_english":null`:  ` {"size":"A4"}`,
		`"brief_spec":["a",1]`:                                   ` ["a",1]`,
		`"brief_spec":null,"brief_english":{"x":1}`:              ` `,
		`"brief_spec":"plain words","brief_english":"\u0000fox"`: "\uFFFDfox ",
		`"brief_spec":7`: ` `,
	} {
		f, err := readOrder([]byte(`{"id":"o","status":"paid",` + raw + `}`))
		if got := f.BriefEnglish + " " + string(f.BriefSpec); err != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", raw, got, err, want)
		}
	}
}
