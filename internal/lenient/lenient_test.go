package lenient_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/lenient"
)

func TestWhatCanBeReadIsRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"id":"a","n":3}`:                                 "a 3",
		"\xef\xbb\xbf" + `{"id":"a","n":3}`:                "a 3",
		`{"ID":17,"n":"3"}`:                                "17 3",
		`{"id":12345678901234567890}`:                      "12345678901234567890 0",
		`{"id":"a","list":{"x":1},"n":3}`:                  "a 3",
		`{"id":"a","list":7,"n":NaN}`:                      "a 0",
		`{"x":-Infinity,"id":"NaN, \" Infinity","n":3}`:    `NaN, " Infinity 3`,
		`{"id":{"x":1},"n":[2]}`:                           " 0",
		`{"id":null,"n":null}`:                             " 0",
		`{"id":true,"n":"much"}`:                           "true 0",
		`{"id":" a ","n":" 3 "}` + "\ndone in 3 s":         "a 3",
		"\n\n  " + `{"id":"a","n":1e999}`:                  "a 0",
		`{"id":"a","inner":{"deep":[{"list":"x"}]},"n":3}`: "a 3",
	} {
		var v struct {
			ID    lenient.Text
			N     lenient.Number
			List  []string
			Inner struct{ Deep []struct{ List []int } }
		}
		err := lenient.Unmarshal([]byte(text), &v)
		if got := fmt.Sprintf("%s %v", v.ID, v.N.Value()); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestWhatIsNoObjectIsAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "<html>", "[1,2]", "7", `"text"`, "3 things", `{"id":"a","x`, "NaN"} {
		var v struct{ ID lenient.Text }
		if err := lenient.Unmarshal([]byte(text), &v); err == nil {
			t.Errorf("%s was read as %+v", text, v)
		}
	}
}

func TestTheFieldsBeforeACutAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"ID":"a","n":3}`:       `id="a" n=3`,
		`{"id":"a","n":NaN,"x"`:  `id="a" n=null`,
		`{"id":"a","sta`:         `id="a"`,
		`{"id":"a`:               ``,
		`[{"id":"a"}]`:           ``,
		``:                       ``,
		"\xef\xbb\xbf{\"id\":7}": `id=7`,
	} {
		fields := lenient.Fields([]byte(text))
		var got []string
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			got = append(got, name+"="+string(fields[name]))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func FuzzNothingIsReadThatIsNotThere(f *testing.F) {
	for _, seed := range []string{`{"id":"a","n":NaN}`, `{"a":"\\"N`, "\xef\xbb\xbf{}", `{"a":-Inf`, `NaN`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v struct {
			ID lenient.Text
			N  lenient.Number
		}
		rest, err := lenient.Prefix(data, &v)
		if err == nil && len(rest) > len(data)+len(data)/3 {
			t.Fatalf("%d bytes follow %d", len(rest), len(data))
		}
		lenient.Fields(data)
	})
}
