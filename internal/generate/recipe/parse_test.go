package recipe

import (
	"os"
	"strings"
	"testing"
)

const whole = `title = "Example"
source = "https://docs.example.com"
date = "2026-11-25"
base_url = "https://api.example.com"
headers = { Authorization = "Bearer {{key}}" }

[submit]
path = "/v1/jobs"
job = "id"
body = { prompt = "{{prompt}}", image = "{{reference_1.url}}" }

[poll]
path = "/v1/jobs/{{job}}"
state = "status"
done = ["done"]
failed = ["failed"]

[result]
files = "url"
`

func TestAMistakeNamesLineAndField(t *testing.T) {
	t.Parallel()
	if _, err := Parse("example.toml", []byte(whole)); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ old, new, want string }{
		"no TOML":             {`[submit]`, `[submit`, "example.toml:7: "},
		"a misspelt section":  {`[result]`, `[results]`, "example.toml:18: results: unknown field"},
		"a misspelt field":    {`state =`, `stat =`, "example.toml:14: poll.stat: unknown field"},
		"a wrong type":        {`path = "/v1/jobs"`, `path = 7`, "example.toml:8: submit.path: must be a text"},
		"a placeholder":       {`{{prompt}}`, `{{promt}}`, "example.toml:10: submit.body.prompt: unknown placeholder {{promt}}"},
		"the key in a body":   {`{{prompt}}`, `{{key}}`, "example.toml:10: submit.body.prompt: unknown placeholder {{key}}"},
		"the key in a path":   {`/{{job}}`, `/{{job}}?key={{key}}`, "example.toml:13: poll.path: unknown placeholder {{key}}"},
		"a picture in a path": {`/{{job}}`, `/{{reference_1.url}}`, "example.toml:13: poll.path: unknown placeholder"},
		"no prompt":           {`prompt = "{{prompt}}", image = "{{reference_1.url}}"`, `prompt = "a fox"`, "example.toml:10: submit.body: has neither"},
		"no path":             {`files = "url"`, `files = "a[b"`, `example.toml:19: result.files: "a[b" is not a path`},
		"no day":              {`2026-11-25`, `today`, `example.toml:3: date: must be a day`},
		"no job":              {`job = "id"`, ``, "example.toml:7: submit.job: is missing"},
		"no word for done":    {`done = ["done"]`, ``, "example.toml:12: poll.done: is missing"},
		"a word of a table":   {`["failed"]`, `[{ at = "error", word = "x" }]`, "example.toml:16: poll.failed[0]"},
		"a state's place":     {`state = "status"`, ``, "poll.done: holds a word, but state is missing"},
		"another host":        {`path = "/v1/jobs"`, `path = "https://elsewhere.example"`, "example.toml:8: submit.path: must be a path"},
		"a host for the key":  {`[submit]`, "key_hosts = [\"https://x\"]\n[submit]", "example.toml:7: key_hosts: \"https://x\" is not a host"},
		"every host":          {`[submit]`, "key_hosts = [\"*\"]\n[submit]", "key_hosts: \"*\" is not a host"},
		"an owned header":     {`Authorization =`, `Host =`, "example.toml:5: headers.Host: is not a header that a recipe can set"},
		"a date in the body":  {`"{{reference_1.url}}"`, `2026-11-25`, "example.toml:10: submit.body.image: is a date"},
		"no number":           {`"{{reference_1.url}}"`, `nan`, "example.toml:10: submit.body.image: is not a finite number"},
		"a unit of yes":       {`[result]`, "[cost]\nat = \"c\"\nunit_usd = true\n[result]", "example.toml:20: cost.unit_usd: must be a number above 0"},
		"an endless unit":     {`[result]`, "[cost]\nat = \"c\"\nunit_usd = inf\n[result]", "example.toml:20: cost.unit_usd: must be a number above 0"},
		"running":             {`[result]`, "[errors]\ncode = \"c\"\nrunning = [\"r\"]\n[result]", "example.toml:20: errors.running: is for a recipe with submit.idempotency"},
		"a new body each time": {
			`job = "id"`, "job = \"id\"\nidempotency = \"Idempotency-Key\"\nbody.own = \"{{uuid}}\"\n#",
			"submit.body: holds {{uuid}}",
		},
		"a lookup without the call": {`[result]`, "[lookup]\npath = \"/v1/jobs\"\njob = \"id\"\n[result]", "example.toml:19: lookup.path: must hold {{call}}"},
		"a cancel of any state":     {`[result]`, "[cancel]\npath = \"/v1/jobs/{{job}}\"\n[result]", "example.toml:18: cancel.only: is missing"},
		"a list without names":      {`[result]`, "[models]\npath = \"/v1/models\"\n[result]", "example.toml:18: models.names: is missing"},
		"another section in video":  {`[poll]`, "[submit.video.video]\npath = \"/v1/x\"\n[poll]", "submit.video.video: unknown field"},
		"a word that is nothing":    {`["failed"]`, `[{ at = "error" }]`, "example.toml:16: poll.failed[0]: must be a word"},
		"a unit of another param":   {`[result]`, "[cost]\nat = \"c\"\nunit_usd = \"{{model}}\"\n[result]", "example.toml:20: cost.unit_usd: must be a number above 0"},
		"a probe that makes":        {`[result]`, "[probe]\npath = \"/v1/jobs\"\nmethod = \"POST\"\n[result]", "example.toml:20: probe.method: unknown field"},
	} {
		text := strings.Replace(whole, test.old, test.new, 1)
		if name == "a new body each time" {
			text = strings.Replace(text, "#\nbody = {", "#\nbody2 = {", 1)
		}
		_, err := Parse("example.toml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v\nwant %s", name, err, test.want)
		}
	}
}

func TestTheRecipeInTheDocsIsValid(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, shown := strings.Cut(string(page), "```toml recipe\n")
	block, _, _ = strings.Cut(block, "```")
	if !shown {
		t.Fatal("docs/recipes.md shows no whole recipe")
	}
	if _, err := Parse("recipes.md", []byte(block)); err != nil {
		t.Error(err)
	}
}

func TestEveryShippedRecipeIsDatedAndComplete(t *testing.T) {
	t.Parallel()
	if len(Shipped()) == 0 {
		t.Fatal("no recipe is shipped")
	}
	for _, r := range Shipped() {
		if r.Date == "" || !strings.HasPrefix(r.Source, "https://") || !strings.HasPrefix(r.BaseURL, "https://") || !r.NeedsKey() || !r.Probes() {
			t.Errorf("%s lacks a date, a source, an address, a key or a probe", r.Name)
		}
		if found, err := Open(r.Name); err != nil || found != r {
			t.Errorf("%s is not found: %v", r.Name, err)
		}
	}
	if _, err := Open("blf"); err == nil || !strings.Contains(err.Error(), "bfl") {
		t.Errorf("a misspelt name: %v", err)
	}
}

func TestParamsThatARecipeRequiresMustBeThere(t *testing.T) {
	t.Parallel()
	r, err := Parse("x.toml", []byte(strings.Replace(whole, `"{{reference_1.url}}"`, `"{{params.picture}}"`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.With(nil); err == nil || !strings.Contains(err.Error(), "params.picture: is missing") {
		t.Errorf("got %v", err)
	}
	if _, err := r.With(map[string]any{"picture": "{{referenc.url}}"}); err == nil || !strings.Contains(err.Error(), "params.picture: unknown placeholder") {
		t.Errorf("got %v", err)
	}
	if _, err := r.With(map[string]any{"picture": "a"}); err != nil {
		t.Error(err)
	}
}

// Each of these was easy to write, and asked for the wrong thing or for nothing.
func TestAMistakeOfABeginnerNamesLineAndField(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ old, new, want string }{
		"no end of a text":    {`"/v1/jobs/{{job}}"`, `"/v1/jobs/{{job}}`, "example.toml:13: poll.path: "},
		"a field twice":       {`files = "url"`, "files = \"url\"\nfiles = \"link\"", "example.toml:20: result.files: "},
		"a poll of any job":   {`/{{job}}`, ``, "example.toml:13: poll.path: must hold {{job}}"},
		"a result of any job": {`files =`, "path = \"/v1/results\"\nfiles =", "example.toml:19: result.path: must hold {{job}}"},
		"one brace":           {`{{prompt}}`, `{prompt}`, "example.toml:10: submit.body.prompt: holds {prompt}, which stays as it is"},
		"one brace of a key":  {`{{key}}`, `{key}`, "example.toml:5: headers.Authorization: holds {key}"},
		"pictures alone":      {`prompt = "{{prompt}}", `, ``, "example.toml:10: submit.body: lacks {{prompt}}"},
		"no date":             {`date = "2026-11-25"`, ``, "example.toml:1: date: is missing"},
		"a time":              {`"2026-11-25"`, `2026-11-25T10:00:00Z`, "example.toml:3: date: must be a day"},
		"a cancel of any job": {`[result]`, "[cancel]\npath = \"/v1/cancel\"\nonly = [\"x\"]\n[result]", "example.toml:19: cancel.path: must hold {{job}}"},
	} {
		_, err := Parse("example.toml", []byte(strings.Replace(whole, test.old, test.new, 1)))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v\nwant %s", name, err, test.want)
		}
	}
}

func TestADateMayBeWrittenWithoutQuotes(t *testing.T) {
	t.Parallel()
	r, err := Parse("x.toml", []byte(strings.Replace(whole, `"2026-11-25"`, "2026-11-25", 1)))
	if err != nil || r.Date != "2026-11-25" {
		t.Errorf("got %v, %v", r, err)
	}
}
