package recipe

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func values(references int) Values {
	v := Values{Prompt: `a "red" {{key}} fox`, Model: "bfl/flux", Seed: 7, Call: "c-1", OrderID: "o-1", Key: "secret", Job: "a/b?c", UUID: func() string { return "u-1" }}
	for range references {
		v.References = append(v.References, Reference{URL: "https://example.com/a.png", MIME: "image/png", Base64: func() (string, error) { return "AAAA", nil }})
	}
	return v
}

func TestPlaceholdersOfABody(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		body, params string
		references   int
		want         string
	}{
		{`{ prompt = "{{prompt}}", seed = "{{seed}}" }`, ``, 0, `{"prompt":"a \"red\" {{key}} fox","seed":7}`},
		{`{ p = "{{prompt}}", text = "seed {{seed}}, {{model}}" }`, ``, 0, `{"p":"a \"red\" {{key}} fox","text":"seed 7, bfl/flux"}`},
		{`{ p = "{{prompt}}", a = "{{reference_1.url}}", b = "{{reference_2.data_uri}}" }`, ``, 1, `{"a":"https://example.com/a.png","p":"a \"red\" {{key}} fox"}`},
		{`{ p = "{{prompt}}", a = "{{reference_1.base64}}", b = { m = "{{reference_2.mime}}" } }`, ``, 2, `{"a":"AAAA","b":{"m":"image/png"},"p":"a \"red\" {{key}} fox"}`},
		{`{ p = "{{prompt}}", image = { url = "{{reference_1.url}}" } }`, ``, 0, `{"p":"a \"red\" {{key}} fox"}`},
		{
			`{ c = [{ type = "text", text = "x{{prompt}}" }, { type = "image", image = { url = "{{reference.data_uri}}" } }] }`, ``, 2,
			`{"c":[{"text":"xa \"red\" {{key}} fox","type":"text"},{"image":{"url":"data:image/png;base64,AAAA"},"type":"image"},{"image":{"url":"data:image/png;base64,AAAA"},"type":"image"}]}`,
		},
		{
			`{ c = [{ type = "text", text = "{{order_id}}" }, { role = "first", image = { url = "{{reference_1.url}}" } }], p = "{{prompt}}x" }`, ``, 0,
			`{"c":[{"text":"o-1","type":"text"}],"p":"a \"red\" {{key}} foxx"}`,
		},
		{`{ images = ["{{reference.url}}"], p = "{{prompt}}" }`, ``, 0, `{"p":"a \"red\" {{key}} fox"}`},
		{`{ p = "{{call}} {{prompt}}", ratio = "1:1" }`, `{"ratio": "16:9", "n": 2}`, 0, `{"n":2,"p":"c-1 a \"red\" {{key}} fox","ratio":"16:9"}`},
		{`{ p = "{{prompt}}", size = "{{params.width}}x{{params.height}}" }`, `{"width": 64, "height": 32, "n": 1}`, 0, `{"n":1,"p":"a \"red\" {{key}} fox","size":"64x32"}`},
		{`{ p = "{{prompt}}", n = "{{params.n}}" }`, `{"n": 2}`, 0, `{"n":2,"p":"a \"red\" {{key}} fox"}`},
		{`{ p = "{{prompt}}", m = "{{params.m}}", n = "{{params.n}}" }`, `{"m": "{{model}}", "n": "{{params.m}}"}`, 0, `{"m":"bfl/flux","n":"{{model}}","p":"a \"red\" {{key}} fox"}`},
		{`{ p = "{{prompt}}", t = { a = 1, u = { b = 2 } } }`, `{"t": {"c": 3, "u": {"b": 4}}}`, 0, `{"p":"a \"red\" {{key}} fox","t":{"a":1,"c":3,"u":{"b":4}}}`},
		{`{ p = "{{prompt}}" }`, `{"init": "{{reference_1.data_uri}}"}`, 1, `{"init":"data:image/png;base64,AAAA","p":"a \"red\" {{key}} fox"}`},
	} {
		r, err := Parse("x.toml", []byte(strings.Replace(whole, `body = { prompt = "{{prompt}}", image = "{{reference_1.url}}" }`, "body = "+test.body, 1)))
		if err != nil {
			t.Fatal(err)
		}
		var params map[string]any
		if test.params != "" {
			if err := json.Unmarshal([]byte(test.params), &params); err != nil {
				t.Fatal(err)
			}
		}
		if r, err = r.With(params); err != nil {
			t.Fatal(err)
		}
		q, err := r.Submit(values(test.references))
		if err != nil || string(q.Body) != test.want {
			t.Errorf("%s: got %s, %v\nwant %s", test.body, q.Body, err, test.want)
		}
	}
}

func TestAnIDCannotChangeThePath(t *testing.T) {
	t.Parallel()
	r, err := Parse("x.toml", []byte(strings.Replace(whole, `/v1/jobs/{{job}}`, `/{{model}}/{{job}}?id={{job}}`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	q := r.Poll(values(0))
	if q.Path != "/bfl/flux/a%2Fb%3Fc?id=a%2Fb%3Fc" || q.Method != "GET" || q.Header.Get("Authorization") != "Bearer secret" {
		t.Errorf("got %+v", q)
	}
	v := values(0)
	v.Job = "https://cluster.example/v1/jobs?id=7"
	if q := r.Poll(v); q.Path != v.Job {
		t.Errorf("got %s", q.Path)
	}
}

func TestAPictureThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	r, err := Parse("x.toml", []byte(strings.Replace(whole, `{{reference_1.url}}`, `{{reference_1.base64}}`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	v, gone := values(1), errors.New("gone")
	v.References[0].Base64 = func() (string, error) { return "", gone }
	if _, err := r.Submit(v); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

func TestOrdersWithPicturesMayGoElsewhere(t *testing.T) {
	t.Parallel()
	r, err := Parse("x.toml", []byte(strings.Replace(whole, "[poll]", "[submit.with_references]\npath = \"/v1/edits\"\nbody = { text = \"{{prompt}}\", images = [\"{{reference.url}}\"] }\n[poll]", 1)))
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{"/v1/jobs", "/v1/edits"} {
		if q, err := r.Submit(values(n)); err != nil || q.Path != want {
			t.Errorf("%d pictures: %s, %v", n, q.Path, err)
		}
	}
	if most, links := r.References(""); most != -1 || !links {
		t.Errorf("it takes %d pictures, links only %t", most, links)
	}
}

func TestVideosMayGoElsewhere(t *testing.T) {
	t.Parallel()
	r, err := Parse("x.toml", []byte(strings.Replace(whole, "[poll]", `[submit.with_references]
path = "/v1/edits"
[submit.video]
path = "/v1/videos"
body = { text = "{{prompt}}" }
[submit.video.with_references]
body = { text = "{{prompt}}", frames = ["{{reference_1.base64}}", "{{reference_2.base64}}"] }
[poll]`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		makes, path string
		references  int
		holds       string
	}{
		{"image", "/v1/jobs", 0, "prompt"}, {"", "/v1/edits", 1, "example.com"}, {"video", "/v1/videos", 0, "text"}, {"video", "/v1/videos", 1, "frames"},
	} {
		v := values(test.references)
		v.Makes = test.makes
		if q, err := r.Submit(v); err != nil || q.Path != test.path || !strings.Contains(string(q.Body), test.holds) {
			t.Errorf("%+v: got %s %s, %v", test, q.Path, q.Body, err)
		}
	}
	for makes, want := range map[string]int{"image": 1, "video": 2} {
		if most, links := r.References(makes); most != want || links != (makes == "image") {
			t.Errorf("%s: %d pictures, links %t", makes, most, links)
		}
	}
}
