package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// remote is a provider as a new owner writes it, to add to the good file.
const remote = `[generator.oai]
type = "openai"
base_url = "https://api.openai.com/v1"
model = "gpt-image-2"
key_env = "OPENAI_API_KEY"
cost_usd = "0.07"
`

// painted is the good file with the provider instead of the program.
var painted = strings.Replace(good[:strings.Index(good, "[generator.studio]")], `"studio"`, `"oai"`, 1) + remote

// changed replaces old in a text, which must contain it.
func changed(t *testing.T, text, old, new string) string {
	t.Helper()
	after := strings.Replace(text, old, new, 1)
	if after == text && old != new {
		t.Fatalf("%q is not in the file", old)
	}
	return after
}

// texts returns the problems of a file without their lines.
func texts(t *testing.T, text string) string {
	t.Helper()
	list := problems(t, text)
	for i, p := range list {
		_, list[i], _ = strings.Cut(p, ": ")
	}
	return strings.Join(list, "\n")
}

// warnings returns the warnings of a file that loads, without their lines.
func warnings(t *testing.T, text string) string {
	t.Helper()
	c, err := Load(write(t, text))
	if err != nil {
		t.Fatal(err)
	}
	list := c.Warnings()
	for i, w := range list {
		_, list[i], _ = strings.Cut(w, ": ")
	}
	return strings.Join(list, "\n")
}

func TestATemplateErrorNamesTheFieldsThatExist(t *testing.T) {
	t.Parallel()
	const all = `.Wish .Brief .BriefEnglish .BriefSpec .Answers .Feedback .Instructions .Problems .Round .Piece .Service .Notes`
	const title = `service "AI Image Generation": `
	for template, want := range map[string]string{
		`"{{.Wsh}}"`: "there is no .Wsh; use one of " + all,
		`"{{Wish}}"`: "there is no function Wish; did you mean .Wish?",
		`"{{Wsh}}"`:  `is not a valid template: function "Wsh" not defined`,
		`"{{.Wish"`:  "is not a valid template: unclosed action",
		"\"\"\"\n{{.Wish}},\nas a {{.Style}}\n\"\"\"":         "line 2: there is no .Style; use one of " + all,
		"\"\"\"\n{{.Wish}},\nas a {{if}}\n\"\"\"":             "is not a valid template: line 2: missing value for if",
		`"{{range .Answers}}{{.Reply}}{{end}}{{.Wish}}"`:      "there is no .Reply; use one of .Question .Answer",
		`"{{.Wish}}{{range .Answers}}{{.Wish}}{{end}}"`:       "there is no .Wish inside range or with; write $.Wish there",
		`"{{range .Feedback}}{{.Brief}}{{end}}{{.Wish}}"`:     "there is no .Brief inside range or with; write $.Brief there",
		`"{{.Wish}} {{.Answers.Answer}}"`:                     "there is no .Answer in a list; use {{range}} to go through it",
		`"{{.Wish.Colour}}"`:                                  "there is no .Colour in a single value; use one of " + all,
		`"{{index .Answers 0}}"`:                              "is not a valid template: at <index .Answers 0>: error calling index: reflect: slice index out of range",
		`"as a linocut"`:                                      "is not a valid template: it does not use what the client wants: use .Wish, .Brief or .Answers",
		`"{{.Wish}}{{range .Answers}}{{.Question}}{{end}}"`:   "",
		`"{{range .Feedback}}{{$.Brief}}{{end}} {{$.Brief}}"`: "",
	} {
		if want != "" {
			want = title + "prompt: " + want
		}
		text := strings.Replace(good, "turnaround_hours = 1", "prompt = "+template, 1)
		if got := texts(t, text); got != want {
			t.Errorf("%s\n got %s\nwant %s", template, got, want)
		}
	}
	for section, want := range map[string]string{
		"[messages]\nreceived = \"{{.Wish}}\"":  "messages.received: there is no .Wish; use one of .Order .Service .Brief .Round .Piece .Links .Reason",
		"[messages]\nrefused = \"{{Reason}}\"":  "messages.refused: there is no function Reason; did you mean .Reason?",
		"[messages]\npiece = \"{{.Links}\"":     `messages.piece: is not a valid template: bad character U+007D '}'`,
		"[bounties]\nmessage = \"{{.Wish}}\"":   "bounties.message: there is no .Wish; use one of .ID .Title .Brief .Category .Budget .DeadlineHours .Poster .Status .Claims .ExpiresAt .References .AcceptedClaim .AcceptedOrder",
		"[bounties]\nmessage = \"{{.Budget}}\"": "",
	} {
		if got := texts(t, good+section+"\n"); got != want {
			t.Errorf("%s\n got %s\nwant %s", section, got, want)
		}
	}
}

func TestANumberThatShouldBeTextIsShownAsThatText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new, want string }{
		{`cost_usd = "0.07"`, `cost_usd = 0.07`, `generator.oai.cost_usd: is a number; write it in quotes: "0.07"`},
		{`cost_usd = "0.07"`, `cost_usd = 1`, `generator.oai.cost_usd: is a number; write it in quotes: "1.00"`},
		{`cost_usd = "0.07"`, `cost_usd = 0.0000001`, `generator.oai.cost_usd: is not an amount of money; write one above 0 in quotes, like "5.00"`},
		{`cost_usd = "0.07"`, `cost_usd = 0`, `generator.oai.cost_usd: is not an amount of money; write one above 0 in quotes, like "5.00"`},
		{`cost_usd = "0.07"`, `cost_usd = inf`, `generator.oai.cost_usd: is not an amount of money; write one above 0 in quotes, like "5.00"`},
		{`cost_usd = "0.07"`, `cost_usd = true`, `generator.oai.cost_usd: is a boolean; write a string`},
		{`price_usd = "5.00"`, `price_usd = 7`, `service "AI Image Generation": price_usd: is a number; write it in quotes: "7.00"`},
		{`price_usd = "5.00"`, `price_usd = 7.005`, `service "AI Image Generation": price_usd: is not an amount of money; write one above 0 in quotes, like "5.00"`},
		{`cost_usd`, "timeout = 600\ncost_usd", `generator.oai.timeout: is a number without a unit; write text with a unit, like "10m"`},
		{`cost_usd`, "timeout = 90\ncost_usd", `generator.oai.timeout: is a number without a unit; write text with a unit, like "1m30s"`},
		{`cost_usd`, "poll_interval = 0.5\ncost_usd", `generator.oai.poll_interval: is a number without a unit; write text with a unit, like "500ms"`},
		{`cost_usd`, "timeout = 99999999999999\ncost_usd", `generator.oai.timeout: is a number without a unit; write text with a unit, like "10m"`},
		{`cost_usd`, "timeout = 999999\ncost_usd", `generator.oai.timeout: is a number without a unit; write text with a unit, like "10m"`},
		{`cost_usd`, "timeout = 0\ncost_usd", `generator.oai.timeout: is a number without a unit; write text with a unit, like "10m"`},
		{`cost_usd`, "timeout = true\ncost_usd", `generator.oai.timeout: is a boolean; write a duration like "150s" or "10m"`},
	} {
		if got := texts(t, changed(t, painted, c.old, c.new)); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.new, got, c.want)
		}
	}
}

func TestAnUnknownKeyNamesTheKeyThatWasMeant(t *testing.T) {
	t.Parallel()
	const placed = "a key must not be in this file; set key_env to the name of its variable, or key_file to the name of its file"
	for _, c := range []struct{ added, want string }{
		{"key = \"sk-5ec2e7\"", "generator.oai.key: " + placed},
		{"api-key = \"sk-5ec2e7\"", "generator.oai.api-key: " + placed},
		{"[generator.own]\ntype = \"exec\"\ncommand = [\"x\"]\ntoken = \"sk-5ec2e7\"", "generator.own.token: a key must not be in this file; put it in an environment variable and add the variable's name to env"},
		{"partner_key_env = \"X\"", "generator.oai.partner_key_env: is not for type openai; remove it"},
		{"url = \"x\"", "generator.oai.url: unknown key; did you mean base_url?"},
		{"MODEL_name = \"x\"", "generator.oai.MODEL_name: unknown key; did you mean model?"},
		{"[spending]\nper_day_usd = \"1.00\"", "spending.per_day_usd: unknown key; did you mean day_usd?"},
		{"[spending]\npercent = 5", "spending.percent: unknown key; did you mean order_percent?"},
		{"[spending]\nusd = \"1.00\"", "spending.usd: unknown key"}, // any of the three would be a guess
		{"[webhook]\nsecret = \"5ec2e7\"", "webhook.secret: unknown key; did you mean secret_file or secret_env?"},
		{"[polll]", "polll: unknown key; did you mean poll?"},
		{"[poll_often]", "poll_often: unknown key"}, // sharing a word with the section poll is no reason to suggest it
	} {
		got := texts(t, painted+c.added+"\n")
		if got != c.want || strings.Contains(got, "5ec2e7") {
			t.Errorf("%s\n got %s\nwant %s", c.added, got, c.want)
		}
	}
}

func TestAnUnknownNameIsAnsweredWithTheExistingOnes(t *testing.T) {
	t.Parallel()
	second := "[generator.local]\ntype = \"a1111\"\nbase_url = \"http://127.0.0.1:7860\"\n"
	rule := "[[bounties.rule]]\ncategory = \"image_gen\"\nmin_budget_usd = \"5.00\"\nservice = %q\n"
	for _, c := range []struct{ old, new, added, want string }{
		{`cost_usd`, "fallback = [\"locl\"]\ncost_usd", second, `generator.oai.fallback[0]: there is no [generator.locl]; did you mean local?`},
		{`cost_usd`, "fallback = [\"flux\"]\ncost_usd", second, `generator.oai.fallback[0]: there is no [generator.flux]; the file has local`},
		{`cost_usd`, "fallback = [\"flux\"]\ncost_usd", "", `generator.oai.fallback[0]: there is no [generator.flux]; there are none`},
		{`cost_usd`, "fallback = [\"oai\"]\ncost_usd", "", `generator.oai.fallback[0]: names oai itself; name another generator, or remove it`},
		{`generator = "oai"`, `generator = "studio"`, second, `service "AI Image Generation": generator: there is no [generator.studio]; the file has local, oai`},
		{`generator = "oai"`, `generator = "LOCL"`, second, `service "AI Image Generation": generator: there is no [generator.LOCL]; did you mean local? the file has local, oai`},
		{`generator = "oai"`, `generator = "locl"`, strings.Replace(second, "local", "Local", 1), `service "AI Image Generation": generator: there is no [generator.locl]; did you mean Local? the file has Local, oai`},
		{`generator = "oai"`, `generator = "___"`, "", `service "AI Image Generation": generator: there is no [generator.___]; the file has oai`},
		{`generator = "oai"`, `generator = "oai\u001b"`, "", `service "AI Image Generation": generator: there is no [generator."oai\x1b"]; did you mean oai?`},
		{"", "", fmt.Sprintf(rule, "Image Generation"), `bounties.rule[0].service: no [[service]] has the title "Image Generation"; did you mean "AI Image Generation"?`},
		{"", "", fmt.Sprintf(rule, "Posters"), `bounties.rule[0].service: no [[service]] has the title "Posters"; the file has "AI Image Generation"`},
	} {
		if got := texts(t, changed(t, painted, c.old, c.new)+c.added); got != c.want {
			t.Errorf("%s%s\n got %s\nwant %s", c.new, c.added, got, c.want)
		}
	}
}

func TestALongListOfNamesIsCut(t *testing.T) {
	t.Parallel()
	text := changed(t, painted, `generator = "oai"`, `generator = "studio"`)
	for i := range 20 {
		text += fmt.Sprintf("[generator.g%02d]\ntype = \"canvas\"\n", i)
	}
	got := texts(t, text)
	if !strings.HasSuffix(got, "the file has g00, g01, g02, g03, g04, g05, g06, g07, g08, g09, g10, g11, …") {
		t.Errorf("got %s", got)
	}
}

func TestAServiceIsNamedByItsTitle(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		`title = " Night Garden "`:                  `service "Night Garden": mode: "x" is not a valid value; write one of auto, review, dry-run`,
		`title = "a\u001b[31m\u202eb"`:              `service "a\x1b[31m\u202eb": mode: "x" is not a valid value; write one of auto, review, dry-run`,
		`title = "` + strings.Repeat("ä", 99) + `"`: `service "` + strings.Repeat("ä", 60) + `": mode: "x" is not a valid value; write one of auto, review, dry-run`,
		``:           "service[0].title: is missing; write 3 to 100 characters\nservice[0].mode: \"x\" is not a valid value; write one of auto, review, dry-run",
		`title = ""`: "service[0].title: is empty; write 3 to 100 characters\nservice[0].mode: \"x\" is not a valid value; write one of auto, review, dry-run",
		`title = 5`:  "service[0].title: is an integer; write a string\nservice[0].mode: \"x\" is not a valid value; write one of auto, review, dry-run",
	} {
		text := changed(t, painted, `title = "AI Image Generation"`, title)
		if got := texts(t, changed(t, text, `turnaround_hours = 1`, `mode = "x"`)); got != want {
			t.Errorf("%s\n got %s\nwant %s", title, got, want)
		}
	}
	if got := warnings(t, changed(t, painted, "High-quality pictures made from your words, fast.", "Pictures, fast.")); !strings.HasPrefix(got, `service "AI Image Generation": description: `) {
		t.Errorf("warnings = %s", got)
	}
}

func TestTheHintForAnExistingFileDoesNotOverwriteIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"a problem":   {"colour = 1\n" + good, "run `atelierd init --config example.toml` to write"},
		"a bad line":  {"[agent\n", "fix the file; "},
		"a large one": {strings.Repeat("\n", maxBytes+1), "name another with --config"},
	} {
		_, err := Load(write(t, c.text))
		e, ok := errors.AsType[*Error](err)
		if !ok || !strings.Contains(e.Hint, c.want) {
			t.Errorf("%s: %v, hint %q", name, err, e.Hint)
		}
	}
}

// ofType returns the good file with a provider of a type, and a value of makes
// unless it is empty.
func ofType(t *testing.T, kind, makes string) string {
	text := changed(t, painted, `type = "openai"`, "type = \""+kind+"\"")
	if kind == "comfyui" {
		text += "workflow = \"w.json\"\n"
	}
	if kind == "recipe" {
		text += "recipe = \"bfl\"\n"
	}
	if makes != "" {
		text += "makes = \"" + makes + "\"\n"
	}
	return text
}

func TestMakesMustFitTheProvider(t *testing.T) {
	t.Parallel()
	for _, kind := range Types() {
		if kind == TypeExec || kind == TypeCanvas || kind == TypeNATS {
			continue
		}
		may := []string{""}
		switch kind {
		case "openai", "a1111":
			may = []string{"", "image"}
		case "minimax":
			may = []string{"", "video"}
		case "gemini", "runway", "luma", "recipe":
			may = []string{"", "image", "video"}
		}
		for _, makes := range []string{"", "image", "video"} {
			if got := texts(t, ofType(t, kind, makes)); (got == "") != slices.Contains(may, makes) {
				t.Errorf("type %s that makes %q: %s", kind, makes, got)
			}
		}
	}
	for _, c := range []struct{ kind, makes, want string }{
		{"openai", "video", `generator.oai.makes: is "video", but type openai makes images only; remove it`},
		{"minimax", "image", `generator.oai.makes: is "image", but type minimax makes videos only; remove it`},
		{"luma", "song", `generator.oai.makes: "song" is not a valid value; write one of image, video`},
		{"fal", "video", `generator.oai.makes: is not for type fal, where the model decides what is made; remove it`},
	} {
		if got := texts(t, ofType(t, c.kind, c.makes)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestAKindThatTheGeneratorDoesNotMakeIsAWarning(t *testing.T) {
	t.Parallel()
	const key = `service "AI Image Generation": generator: `
	video := func(text string) string { return changed(t, text, `category = "image_gen"`, `category = "video_gen"`) }
	custom := func(text, kind string) string {
		return changed(t, text, `category = "image_gen"`, "category = \"custom\"\n"+kind)
	}
	canvas := changed(t, painted, remote, "[generator.oai]\ntype = \"canvas\"\n")
	for name, c := range map[string]struct{ text, want string }{
		"a video of openai":         {video(painted), key + `[generator.oai] makes images only, but the service delivers a video`},
		"a video of the canvas":     {video(canvas), key + `[generator.oai] makes images only, but the service delivers a video`},
		"a video by its kind":       {custom(painted, `kind = "video"`), key + `[generator.oai] makes images only, but the service delivers a video`},
		"a document of openai":      {custom(painted, `kind = "document"`), key + `[generator.oai] makes images only, but the service delivers a document`},
		"an image of minimax":       {ofType(t, "minimax", ""), key + `[generator.oai] makes videos only, but the service delivers an image`},
		"a video of runway":         {video(ofType(t, "runway", "video")), ""},
		"a video of runway, unsaid": {video(ofType(t, "runway", "")), key + `[generator.oai] makes images, but the service delivers a video; set makes = "video" there`},
		"a video of fal":            {video(ofType(t, "fal", "")), ""},
		"an image of openai":        {painted, ""},
		"either of openai":          {custom(painted, ""), ""},
		"a video of a fallback": {changed(t, video(ofType(t, "fal", "")), "cost_usd", "fallback = [\"spare\"]\ncost_usd") +
			strings.Replace(remote, "oai", "spare", 1), key + `[generator.spare] makes images only, but the service delivers a video`},
	} {
		if got := warnings(t, c.text); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestACapBelowOneCallIsAProblem(t *testing.T) {
	t.Parallel()
	const service = `[[service]]
title = "Poster"
description = "High-quality pictures made from your words, fast."
category = "image_gen"
price_usd = "2.00"
generator = "oai"
`
	percent := func(n int) string { return fmt.Sprintf("[spending]\norder_percent = %d\n", n) }
	low := func(percent int, title, net, share string, takes int) string {
		return fmt.Sprintf("spending.order_percent: is too low for generator oai of service %q: %d %% of its net price of %s is %s, one call costs 0.07; write at least %d",
			title, percent, net, share, takes)
	}
	as := func(kind string) string { return changed(t, painted, "turnaround_hours", kind+"\nturnaround_hours") }
	for name, c := range map[string]struct{ text, want string }{
		"too low":                   {painted + percent(1), low(1, "AI Image Generation", "4.50", "0.045", 2)},
		"just enough":               {painted + percent(2), ""},
		"too low for the cheapest":  {painted + service + percent(1), low(1, "Poster", "1.80", "0.018", 4)},
		"for the cheapest only":     {painted + service + percent(3), low(3, "Poster", "1.80", "0.054", 4)},
		"a week":                    {as(`price_type = "weekly"`) + percent(1), low(1, "AI Image Generation", "4.50", "0.045", 2)},
		"a quote by hand":           {as(`price_type = "quote"`) + percent(1), ""},
		"a quote of a price":        {as("price_type = \"quote\"\nquote = {price_usd = \"3.00\"}") + percent(2), low(2, "AI Image Generation", "2.70", "0.054", 3)},
		"a quote of a higher price": {as("price_type = \"quote\"\nquote = {price_usd = \"4.00\"}") + percent(2), ""},
		"exactly":                   {changed(t, painted, `"0.07"`, `"0.045"`) + percent(1), ""},
		"no cost":                   {changed(t, painted, `cost_usd = "0.07"`, ``) + percent(1), ""},
		"an order":                  {painted + "[spending]\norder_usd = \"0.06\"\n", "spending.order_usd: is less than the 0.07 that one call of generator oai costs; write at least \"0.07\""},
		"a day":                     {painted + "[spending]\nday_usd = \"0.06\"\n", "spending.day_usd: is less than the 0.07 that one call of generator oai costs; write at least \"0.07\""},
		"an attempt":                {painted + "[spending]\nattempt_usd = \"0.06\"\n", "spending.attempt_usd: is less than the 0.07 that one call of generator oai costs; write at least \"0.07\""},
		"as much":                   {painted + "[spending]\nattempt_usd = \"0.07\"\norder_usd = \"0.07\"\nday_usd = \"0.07\"\n", ""},
	} {
		if got := texts(t, c.text); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestAFallbackAboveTheShareIsOnlyAWarning(t *testing.T) {
	t.Parallel()
	text := changed(t, painted, "cost_usd", "fallback = [\"dear\"]\ncost_usd") +
		strings.NewReplacer("oai", "dear", "0.07", "0.50").Replace(remote) + "[spending]\norder_percent = 10\n"
	want := `spending.order_percent: is too low for the fallback generator dear of service "AI Image Generation": 10 % of its net price of 4.50 is 0.45, one call costs 0.50`
	if got := warnings(t, text); got != want {
		t.Errorf(" got %s\nwant %s", got, want)
	}
	if got := warnings(t, changed(t, text, "order_percent = 10", "order_percent = 12")); got != "" {
		t.Errorf("got %s", got)
	}
}

func TestAnUnknownCostIsAWarningWhenCapsAreSet(t *testing.T) {
	t.Parallel()
	for _, kind := range Types() {
		free := slices.Contains([]string{TypeCanvas, "a1111", "comfyui"}, kind)
		text := changed(t, ofType(t, kind, ""), "cost_usd = \"0.07\"\n", "")
		switch kind {
		case TypeCanvas:
			text = text[:strings.Index(text, "base_url = \"https://api.")]
		case TypeExec:
			text = text[:strings.Index(text, "base_url = \"https://api.")] + "command = [\"x\"]\n"
		case TypeNATS:
			text = text[:strings.Index(text, "base_url = \"https://api.")] + "route = \"video\"\n[nats]\nurls = [\"nats://127.0.0.1\"]\n"
		case "minimax":
			text = strings.ReplaceAll(text, "image_gen", "video_gen")
		}
		if got := warnings(t, text); got != "" {
			t.Errorf("%s without caps: %s", kind, got)
		}
		got := warnings(t, text+"[spending]\nday_usd = \"5.00\"\n")
		if free != (got == "") || !free && got != "generator.oai: has no cost_usd, so the caps of [spending] cannot count its calls; set cost_usd to the price of one call" {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

func TestTheDocsStateTheSizeLimitOfDirectUploads(t *testing.T) {
	t.Parallel()
	code, err := os.ReadFile(filepath.Join("..", "atelier", "upload.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(code), "directLimit = 4_400_000\n") {
		t.Error("the limit has changed: update the example, the docs and this test")
	}
	all := Example() + strings.Join(pages(t), "\n")
	if n := strings.Count(strings.ToLower(all), "files over "); n < 3 || strings.Count(strings.ToLower(all), "files over 4.4 mb") != n {
		t.Errorf("the limit is stated in %d places, and not all say 4.4 MB", n)
	}
}

// A call of ComfyUI's partner nodes costs money, so it is counted and never made blindly.
func TestAComfyUIWithAPartnerKeyIsNotFree(t *testing.T) {
	t.Parallel()
	comfy := Generator{Type: "comfyui"}
	if !comfy.Free() {
		t.Error("the owner's own server costs something")
	}
	comfy.PartnerKey.Env = "COMFY_KEY"
	if comfy.Free() {
		t.Error("the partner nodes are free")
	}
}
