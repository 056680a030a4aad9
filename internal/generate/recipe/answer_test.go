package recipe

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func read(t *testing.T, body string) Answer {
	t.Helper()
	a, _ := Read(200, http.Header{"X-Cost": {"7"}}, []byte(body))
	return a
}

func TestPaths(t *testing.T) {
	t.Parallel()
	const body = `{"id":12345678901234567890,"ok":false,"none":null,"data":{"outputs":[{"type":"image","url":"a"},{"type":"VIDEO","url":"b"},{"url":"c"}]},
		"map":{"x":{"url":"d"},"w":{"url":"e"}},"nested":[[{"deep":"https://x/f"}],{"text":"no"},"data:image/png;base64,AA"],"list":["g",null,""]}`
	a := read(t, body)
	for path, want := range map[string]string{
		"id": "[12345678901234567890]", "ok": "[false]", "none": "[]", "missing": "[]", "data.outputs[].url": "[a b c]", "data.outputs[1].url": "[b]",
		"data.outputs[type=video].url": "[b]", "data.outputs[9].url": "[]", "map.*.url": "[e d]", "**": "[https://x/f data:image/png;base64,AA]",
		"nested.**": "[https://x/f data:image/png;base64,AA]", "list[]": "[g]", "list": "[]", "@status": "[200]", "@header.x-cost": "[7]", "data.outputs": "[]",
	} {
		p, err := parsePath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		got := paths{p}.texts(a)
		if fmt.Sprint(got) != want {
			t.Errorf("%s: got %v, want %s", path, got, want)
		}
	}
	for _, wrong := range []string{"", "a..b", "a[", "a]", "a[-1]", "a[x]", "@cost", "@header.", "a.[=x]"} {
		if _, err := parsePath(wrong); err == nil {
			t.Errorf("%q is taken for a path", wrong)
		}
	}
}

func TestWordsAreComparedWithoutCase(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"Done", "DONE", true},
		{"done", "undone", false},
		{"*done", "Undone", true},
		{"a*c*e", "abcde", true},
		{"a*c*e", "abde", false},
		{"*", "x", true},
		{"*", "", false},
		{"", "", false},
		{"*Sensitive*", "InputTextSensitiveContent", true},
		{"ab*b", "ab", false},
	} {
		if got := like(test.pattern, test.text); got != test.want {
			t.Errorf("%q and %q: %t", test.pattern, test.text, got)
		}
	}
}

func recipeWith(t *testing.T, poll string) *Recipe {
	t.Helper()
	head, _, _ := strings.Cut(whole, "state =")
	r, err := Parse("x.toml", []byte(head+poll+"\n[result]\nfiles = \"url\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestStates(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		poll, body string
		want       JobState
		unknown    string
	}{
		{`state = "s"` + "\n" + `done = "done"`, `{"s":"Done"}`, Done, ""},
		{`state = "s"` + "\n" + `done = "done"`, `{"s":"resting"}`, Waiting, "resting"},
		{`state = "s"` + "\n" + `done = "done"`, `{"s":7}`, NoState, ""},
		{`state = "s"` + "\n" + `done = "done"`, `{"s":null}`, NoState, ""},
		{`state = "s"` + "\n" + `done = "done"`, `{"s":{"x":1}}`, NoState, ""},
		{`state = "s"` + "\n" + "done = 1\nrefused = [7]\nwaiting = [5]", `{"s":1}`, Done, ""},
		{`state = "s"` + "\n" + "done = 1\nrefused = [7]\nwaiting = [5]", `{"s":"7"}`, Blocked, ""},
		{`state = "s"` + "\n" + "done = 1\nrefused = [7]\nwaiting = [5]", `{"s":9}`, Waiting, "9"},
		{"done = [{ at = \"done\", is = true }]\nwaiting = [{ at = \"done\", is = false }]\nfailed = [{ at = \"faulted\", is = true }]", `{"done":false,"faulted":false}`, Waiting, ""},
		{"done = [{ at = \"done\", is = true }]\nfailed = [{ at = \"faulted\", is = true }]", `{"done":true,"faulted":true}`, Failed, ""},
		{"done = [{ at = \"done\", is = true }]\nrefused = [{ at = \"g[].censored\", is = true }]", `{"done":true,"g":[{"censored":true},{"censored":false}]}`, Done, ""},
		{"done = [{ at = \"done\", is = true }]\nrefused = [{ at = \"g[].censored\", is = true }]", `{"done":true,"g":[{"censored":true}]}`, Blocked, ""},
		{"done = [{ at = \"url\", is = \"*\" }]", `{"url":"x"}`, Done, ""},
		{"done = [{ at = \"s[]\", is = [\"a*\", 7, true] }]", `{"s":["ab",7,"TRUE"]}`, Done, ""},
		{"done = [{ at = \"s[]\", is = [\"a*\", 7, true] }]", `{"s":["ab",8]}`, NoState, ""},
		{"done = [{ at = \"url\", is = \"*\" }]", `{"url":null}`, NoState, ""},
		{"state = [\"a\", \"b\"]\ndone = \"x\"", `{"b":"x"}`, Done, ""},
		{"state = \"s\"\ndone = \"x\"\ngone = \"not found\"", `{"s":"Not Found"}`, Gone, ""},
	} {
		got, unknown := recipeWith(t, test.poll).State(read(t, test.body))
		if got != test.want || unknown != test.unknown {
			t.Errorf("%s of %s: got %d %q, want %d %q", test.body, test.poll, got, unknown, test.want, test.unknown)
		}
	}
}

func TestErrorsOfAnAnswer(t *testing.T) {
	t.Parallel()
	r := recipeWith(t, `state = "s"`+"\n"+`done = "done"
[errors]
code = ["error.code", "code"]
ok = [0, "200"]
refused = ["*Sensitive*"]
credit = ["1101", "QuotaExceeded"]
rate = ["RateLimit*"]
key = [{ at = "@status", is = 418 }]
`)
	for body, want := range map[string]Meaning{
		`{"code":0}`: None, `{"code":"200"}`: None, `{"other":1}`: None, `{"code":1}`: Unknown, `{"code":1101}`: Credit,
		`{"error":{"code":"InputTextSensitiveContentDetected.Privacy"}}`: Refused, `{"error":{"code":"ratelimitExceeded.X"}}`: Rate,
	} {
		if got := r.Meaning(read(t, body)); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
	for status, want := range map[int]Meaning{400: Refused, 403: Refused, 429: None, 500: None, 503: None} {
		a, _ := Read(status, nil, []byte(`{"code":"SensitiveContent"}`))
		if got := r.Meaning(a); got != want {
			t.Errorf("%d: got %q, want %q", status, got, want)
		}
	}
	a, _ := Read(418, nil, nil)
	if got := r.Meaning(a); got != Key {
		t.Errorf("a status: got %q", got)
	}
}

func TestCosts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		unit, body string
		want       int64 // -1 if it does not say so
	}{
		{"1", `{"c":0.04}`, 40_000},
		{"0.01", `{"c":"4"}`, 40_000},
		{"1e-10", `{"c":4200000000}`, 420_000},
		{"0.000001", `{"c":1.5}`, 2},
		{"1", `{"c":"0"}`, 0},
		{"1", `{"c":"much"}`, -1},
		{"1", `{"c":-1}`, -1},
		{"1", `{"c":1e300}`, -1},
		{"1", `{}`, -1},
		{"1", `{"c":null}`, -1},
	} {
		r := recipeWith(t, `state = "s"`+"\n"+`done = "done"`+"\n[cost]\nat = \"c\"\nunit_usd = "+test.unit)
		if got, said := r.Cost(read(t, test.body)); int64(got) != max(test.want, 0) || said != (test.want >= 0) {
			t.Errorf("%s of %s: got %d, %t, want %d", test.body, test.unit, got, said, test.want)
		}
	}
}

func TestAParamMaySayWhatAUnitCosts(t *testing.T) {
	t.Parallel()
	r := recipeWith(t, `state = "s"`+"\n"+`done = "done"`+"\n[cost]\nat = \"seconds\"\nunit_usd = \"{{params.usd_per_second}}\"")
	for _, test := range []struct {
		price any
		want  int64
		said  bool
	}{{nil, 0, false}, {0.08, 400_000, true}, {int64(1), 5_000_000, true}} {
		params := map[string]any{"resolution": "2K"}
		if test.price != nil {
			params["usd_per_second"] = test.price
		}
		own, err := r.With(params)
		if err != nil {
			t.Fatal(err)
		}
		if got, said := own.Cost(read(t, `{"seconds":5}`)); int64(got) != test.want || said != test.said {
			t.Errorf("%v: got %d, %t", test.price, got, said)
		}
		if q, err := own.Submit(values(0)); err != nil || strings.Contains(string(q.Body), "usd") || !strings.Contains(string(q.Body), "2K") {
			t.Errorf("%v: sent %s, %v", test.price, q.Body, err)
		}
	}
	for _, wrong := range []any{"0.08", int64(0), -1.0, true} {
		if _, err := r.With(map[string]any{"usd_per_second": wrong}); err == nil || !strings.Contains(err.Error(), "params.usd_per_second: must be a number") {
			t.Errorf("%v: got %v", wrong, err)
		}
	}
}

func TestAnIDIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	r := recipeWith(t, `state = "s"`+"\n"+`done = "done"`)
	for body, want := range map[string]string{
		`{"id":"a"}`: "[a]", `{"id":12345678901234567}`: "[12345678901234567]", "\xef\xbb\xbf" + `{"id":"a"}`: "[a]", `{"id":true}`: "[]",
		`{"id":".."}`: "[]", `{"id":{}}`: "[]", `{"id":""}`: "[]", `[1]`: "[]", `{"id":"a"} trailing`: "[a]",
	} {
		if got := r.Job(read(t, body)); fmt.Sprint(got) != want {
			t.Errorf("%s: got %v, want %s", body, got, want)
		}
	}
}

func TestTheKeyGoesToListedHostsOnly(t *testing.T) {
	t.Parallel()
	r := &Recipe{KeyHosts: []string{"*.bfl.ai", "api.x.com"}}
	for host, want := range map[string]bool{
		"api.eu4.bfl.ai": true, "API.BFL.AI": true, "bfl.ai": false, "bfl.ai.evil.com": false, "evilbfl.ai": false, "api.x.com": true, "a.api.x.com": false, ".bfl.ai": false,
	} {
		if got := r.KeyHost(host); got != want {
			t.Errorf("%s: %t", host, got)
		}
	}
}

// A text is a file only if it can be base64. Otherwise the next path is tried.
func TestATextThatIsNoFileIsPassedOver(t *testing.T) {
	t.Parallel()
	coded := strings.Repeat("iVBORw0KGgo-_", 4) + "=="
	head, _, _ := strings.Cut(whole, "state =")
	r, err := Parse("x.toml", []byte(head+"done = \"done\"\nstate = \"s\"\n[result]\nfiles = [\"message\", \"image\"]\n"))
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"message":"Here it is: a picture of a fox, as you wished.","image":%q}`, coded)
	if got := r.Files(read(t, body)); fmt.Sprint(got) != "["+coded+"]" {
		t.Errorf("got %q", got)
	}
}
