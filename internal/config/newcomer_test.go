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

// remote is a provider as a new owner writes it, to be added to the good file.
const remote = `[generator.oai]
type = "openai"
base_url = "https://api.openai.com/v1"
model = "gpt-image-1"
key_env = "OPENAI_API_KEY"
cost_usd = "0.07"
`

// painted is the good file with the provider in the place of the program.
var painted = strings.Replace(good[:strings.Index(good, "[generator.studio]")], `"studio"`, `"oai"`, 1) + remote

// changed replaces one thing of a text, which has to hold it.
func changed(t *testing.T, text, old, new string) string {
	t.Helper()
	after := strings.Replace(text, old, new, 1)
	if after == text && old != new {
		t.Fatalf("%q is not in the file", old)
	}
	return after
}

// texts gives the problems of a file, without their lines.
func texts(t *testing.T, text string) string {
	t.Helper()
	list := problems(t, text)
	for i, p := range list {
		_, list[i], _ = strings.Cut(p, ": ")
	}
	return strings.Join(list, "\n")
}

// warnings gives those of a file that loads, without their lines.
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

func TestWhatATemplateCannotSayIsToldWithWhatItCan(t *testing.T) {
	const all = `.Wish .Brief .Answers .Feedback .Round .Piece .Service .Notes`
	const title = `service "AI Image Generation": `
	for template, want := range map[string]string{
		`"{{.Wsh}}"`: "there is no .Wsh; there are " + all,
		`"{{Wish}}"`: "there is no function Wish, did you mean .Wish?",
		`"{{Wsh}}"`:  `is no usable template: function "Wsh" not defined`,
		`"{{.Wish"`:  "is no usable template: unclosed action",
		"\"\"\"\n{{.Wish}},\nas a {{.Style}}\n\"\"\"":         "in its line 2: there is no .Style; there are " + all,
		"\"\"\"\n{{.Wish}},\nas a {{if}}\n\"\"\"":             "is no usable template: in its line 2: missing value for if",
		`"{{range .Answers}}{{.Reply}}{{end}}{{.Wish}}"`:      "there is no .Reply; there are .Question .Answer",
		`"{{.Wish}}{{range .Answers}}{{.Wish}}{{end}}"`:       "there is no .Wish inside range or with, write $.Wish there",
		`"{{range .Feedback}}{{.Brief}}{{end}}{{.Wish}}"`:     "there is no .Brief inside range or with, write $.Brief there",
		`"{{.Wish}} {{.Answers.Answer}}"`:                     "there is no .Answer of a list; go through it with {{range}}",
		`"{{.Wish.Colour}}"`:                                  "there is no .Colour of a single value; there are " + all,
		`"{{index .Answers 0}}"`:                              "is no usable template: at <index .Answers 0>: error calling index: reflect: slice index out of range",
		`"as a linocut"`:                                      "is no usable template: it says nothing of what the client wants: use .Wish, .Brief or .Answers",
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
		"[messages]\nreceived = \"{{.Wish}}\"":  "messages.received: there is no .Wish; there are .Order .Service .Brief .Round .Piece .Links .Reason",
		"[messages]\nrefused = \"{{Reason}}\"":  "messages.refused: there is no function Reason, did you mean .Reason?",
		"[messages]\npiece = \"{{.Links}\"":     `messages.piece: is no usable template: bad character U+007D '}'`,
		"[bounties]\nmessage = \"{{.Wish}}\"":   "bounties.message: there is no .Wish; there are .ID .Title .Brief .Category .Budget .DeadlineHours .Status .Claims .ExpiresAt .References",
		"[bounties]\nmessage = \"{{.Budget}}\"": "",
	} {
		if got := texts(t, good+section+"\n"); got != want {
			t.Errorf("%s\n got %s\nwant %s", section, got, want)
		}
	}
}

func TestANumberWhereTextBelongsIsShownAsTheTextThatItShouldBe(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`cost_usd = "0.07"`, `cost_usd = 0.07`, `generator.oai.cost_usd: write it in quotes: "0.07"`},
		{`cost_usd = "0.07"`, `cost_usd = 1`, `generator.oai.cost_usd: write it in quotes: "1.00"`},
		{`cost_usd = "0.07"`, `cost_usd = 0.0000001`, `generator.oai.cost_usd: must be an amount above 0 in quotes, such as "5.00"`},
		{`cost_usd = "0.07"`, `cost_usd = 0`, `generator.oai.cost_usd: must be an amount above 0 in quotes, such as "5.00"`},
		{`cost_usd = "0.07"`, `cost_usd = inf`, `generator.oai.cost_usd: must be an amount above 0 in quotes, such as "5.00"`},
		{`cost_usd = "0.07"`, `cost_usd = true`, `generator.oai.cost_usd: must be a string, is a boolean`},
		{`price_usd = "5.00"`, `price_usd = 7`, `service "AI Image Generation": price_usd: write it in quotes: "7.00"`},
		{`price_usd = "5.00"`, `price_usd = 7.005`, `service "AI Image Generation": price_usd: must be an amount above 0 in quotes, such as "5.00"`},
		{`cost_usd`, "timeout = 600\ncost_usd", `generator.oai.timeout: write it as text with its unit, such as "10m"`},
		{`cost_usd`, "timeout = 90\ncost_usd", `generator.oai.timeout: write it as text with its unit, such as "1m30s"`},
		{`cost_usd`, "poll_interval = 0.5\ncost_usd", `generator.oai.poll_interval: write it as text with its unit, such as "500ms"`},
		{`cost_usd`, "timeout = 99999999999999\ncost_usd", `generator.oai.timeout: write it as text with its unit, such as "10m"`},
		{`cost_usd`, "timeout = 999999\ncost_usd", `generator.oai.timeout: write it as text with its unit, such as "10m"`},
		{`cost_usd`, "timeout = 0\ncost_usd", `generator.oai.timeout: write it as text with its unit, such as "10m"`},
		{`cost_usd`, "timeout = true\ncost_usd", `generator.oai.timeout: must be a duration such as "150s" or "10m", is a boolean`},
	} {
		if got := texts(t, changed(t, painted, c.old, c.new)); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.new, got, c.want)
		}
	}
}

func TestAnUnknownKeySaysWhereWhatWasMeantBelongs(t *testing.T) {
	const placed = "the key is never in this file: set key_env to the name of its variable, or key_file to that of its file"
	for _, c := range []struct{ added, want string }{
		{"key = \"sk-5ec2e7\"", "generator.oai.key: " + placed},
		{"api-key = \"sk-5ec2e7\"", "generator.oai.api-key: " + placed},
		{"[generator.own]\ntype = \"exec\"\ncommand = [\"x\"]\ntoken = \"sk-5ec2e7\"", "generator.own.token: the key is never in this file: name its variable in env"},
		{"url = \"x\"", "generator.oai.url: unknown key, did you mean base_url?"},
		{"MODEL_name = \"x\"", "generator.oai.MODEL_name: unknown key, did you mean model?"},
		{"[spending]\nper_day_usd = \"1.00\"", "spending.per_day_usd: unknown key, did you mean day_usd?"},
		{"[spending]\npercent = 5", "spending.percent: unknown key, did you mean order_percent?"},
		{"[spending]\nusd = \"1.00\"", "spending.usd: unknown key"}, // one of three would be a guess
		{"[webhook]\nsecret = \"5ec2e7\"", "webhook.secret: unknown key, did you mean secret_file or secret_env?"},
		{"[polll]", "polll: unknown key, did you mean poll?"},
		{"[poll_often]", "poll_often: unknown key"}, // there is a section poll, which says little
	} {
		got := texts(t, painted+c.added+"\n")
		if got != c.want || strings.Contains(got, "5ec2e7") {
			t.Errorf("%s\n got %s\nwant %s", c.added, got, c.want)
		}
	}
}

func TestANameThatIsNotThereIsAnsweredWithThoseThatAre(t *testing.T) {
	second := "[generator.local]\ntype = \"a1111\"\nbase_url = \"http://127.0.0.1:7860\"\n"
	rule := "[[bounties.rule]]\ncategory = \"image_gen\"\nmin_budget_usd = \"5.00\"\nservice = %q\n"
	for _, c := range []struct{ old, new, added, want string }{
		{`cost_usd`, "fallback = [\"locl\"]\ncost_usd", second, `generator.oai.fallback[0]: there is no [generator.locl], did you mean local?`},
		{`cost_usd`, "fallback = [\"flux\"]\ncost_usd", second, `generator.oai.fallback[0]: there is no [generator.flux]; there is local`},
		{`cost_usd`, "fallback = [\"flux\"]\ncost_usd", "", `generator.oai.fallback[0]: there is no [generator.flux], nor any other`},
		{`cost_usd`, "fallback = [\"oai\"]\ncost_usd", "", `generator.oai.fallback[0]: must be another generator than oai itself`},
		{`generator = "oai"`, `generator = "studio"`, second, `service "AI Image Generation": generator: there is no [generator.studio]; there are local, oai`},
		{`generator = "oai"`, `generator = "LOCL"`, second, `service "AI Image Generation": generator: there is no [generator.LOCL], did you mean local? there are local, oai`},
		{`generator = "oai"`, `generator = "locl"`, strings.Replace(second, "local", "Local", 1), `service "AI Image Generation": generator: there is no [generator.locl], did you mean Local? there are Local, oai`},
		{`generator = "oai"`, `generator = "___"`, "", `service "AI Image Generation": generator: there is no [generator.___]; there is oai`},
		{`generator = "oai"`, `generator = "oai\u001b"`, "", `service "AI Image Generation": generator: there is no [generator."oai\x1b"], did you mean oai?`},
		{"", "", fmt.Sprintf(rule, "Image Generation"), `bounties.rule[0].service: is "Image Generation", and no [[service]] has that title, did you mean "AI Image Generation"?`},
		{"", "", fmt.Sprintf(rule, "Posters"), `bounties.rule[0].service: is "Posters", and no [[service]] has that title; there is "AI Image Generation"`},
	} {
		if got := texts(t, changed(t, painted, c.old, c.new)+c.added); got != c.want {
			t.Errorf("%s%s\n got %s\nwant %s", c.new, c.added, got, c.want)
		}
	}
}

func TestOfManyNamesOnlySomeAreTold(t *testing.T) {
	text := changed(t, painted, `generator = "oai"`, `generator = "studio"`)
	for i := range 20 {
		text += fmt.Sprintf("[generator.g%02d]\ntype = \"canvas\"\n", i)
	}
	got := texts(t, text)
	if !strings.HasSuffix(got, "there are g00, g01, g02, g03, g04, g05, g06, g07, g08, g09, g10, g11, …") {
		t.Errorf("got %s", got)
	}
}

func TestAServiceIsCalledByItsTitleIfItHasOne(t *testing.T) {
	for title, want := range map[string]string{
		`title = " Night Garden "`:                  `service "Night Garden": mode: must be one of auto, review, dry-run, is "x"`,
		`title = "a\u001b[31m\u202eb"`:              `service "a\x1b[31m\u202eb": mode: must be one of auto, review, dry-run, is "x"`,
		`title = "` + strings.Repeat("ä", 99) + `"`: `service "` + strings.Repeat("ä", 60) + `": mode: must be one of auto, review, dry-run, is "x"`,
		``:           "service[0].title: is missing\nservice[0].mode: must be one of auto, review, dry-run, is \"x\"",
		`title = ""`: "service[0].title: must not be empty\nservice[0].mode: must be one of auto, review, dry-run, is \"x\"",
		`title = 5`:  "service[0].title: must be a string, is an integer\nservice[0].mode: must be one of auto, review, dry-run, is \"x\"",
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

func TestTheHintForAFileThatIsThereDoesNotSayToWriteIt(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a problem":   {"colour = 1\n" + good, "mend this in the file; `atelierd init --config example.toml` writes another"},
		"a bad line":  {"[agent\n", "mend this in the file; "},
		"a large one": {strings.Repeat("\n", maxBytes+1), "name another with --config"},
	} {
		_, err := Load(write(t, c.text))
		e, ok := errors.AsType[*Error](err)
		if !ok || !strings.Contains(e.Hint, c.want) {
			t.Errorf("%s: %v, hint %q", name, err, e.Hint)
		}
	}
}

// ofType is the good file with a provider of a type that makes what is said.
func ofType(t *testing.T, kind, makes string) string {
	text := changed(t, painted, `type = "openai"`, "type = \""+kind+"\"")
	if kind == "comfyui" {
		text += "workflow = \"w.json\"\n"
	}
	if makes != "" {
		text += "makes = \"" + makes + "\"\n"
	}
	return text
}

func TestAProviderIsNotSaidToMakeWhatItCannot(t *testing.T) {
	for _, kind := range Types() {
		if kind == TypeExec || kind == TypeCanvas {
			continue
		}
		may := []string{""}
		switch kind {
		case "openai", "gemini", "a1111":
			may = []string{"", "image"}
		case "minimax":
			may = []string{"", "video"}
		case "runway", "luma":
			may = []string{"", "image", "video"}
		}
		for _, makes := range []string{"", "image", "video"} {
			if got := texts(t, ofType(t, kind, makes)); (got == "") != slices.Contains(may, makes) {
				t.Errorf("type %s that makes %q: %s", kind, makes, got)
			}
		}
	}
	for _, c := range []struct{ kind, makes, want string }{
		{"openai", "video", `generator.oai.makes: is "video", and type openai makes images only`},
		{"minimax", "image", `generator.oai.makes: is "image", and type minimax makes videos only`},
		{"luma", "song", `generator.oai.makes: must be one of image, video, is "song"`},
		{"fal", "video", `generator.oai.makes: is not for type fal: what is made is up to what it runs`},
	} {
		if got := texts(t, ofType(t, c.kind, c.makes)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestAServiceThatPromisesWhatItsGeneratorDoesNotMakeIsWarnedOf(t *testing.T) {
	const says = `service "AI Image Generation": generator: `
	video := func(text string) string { return changed(t, text, `category = "image_gen"`, `category = "video_gen"`) }
	custom := func(text, kind string) string {
		return changed(t, text, `category = "image_gen"`, "category = \"custom\"\n"+kind)
	}
	canvas := changed(t, painted, remote, "[generator.oai]\ntype = \"canvas\"\n")
	for name, c := range map[string]struct{ text, want string }{
		"a video of openai":         {video(painted), says + `[generator.oai] makes images only, the service promises a video`},
		"a video of the canvas":     {video(canvas), says + `[generator.oai] makes images only, the service promises a video`},
		"a video by its kind":       {custom(painted, `kind = "video"`), says + `[generator.oai] makes images only, the service promises a video`},
		"a document of openai":      {custom(painted, `kind = "document"`), says + `[generator.oai] makes images only, the service promises a document`},
		"an image of minimax":       {ofType(t, "minimax", ""), says + `[generator.oai] makes videos only, the service promises an image`},
		"a video of runway":         {video(ofType(t, "runway", "video")), ""},
		"a video of runway, unsaid": {video(ofType(t, "runway", "")), says + `[generator.oai] makes images, the service promises a video; set makes = "video" there`},
		"a video of fal":            {video(ofType(t, "fal", "")), ""},
		"an image of openai":        {painted, ""},
		"either of openai":          {custom(painted, ""), ""},
		"a video of one that stands in": {changed(t, video(ofType(t, "fal", "")), "cost_usd", "fallback = [\"spare\"]\ncost_usd") +
			strings.Replace(remote, "oai", "spare", 1), says + `[generator.spare] makes images only, the service promises a video`},
	} {
		if got := warnings(t, c.text); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestACapThatNoCallFitsIsAnError(t *testing.T) {
	const service = `[[service]]
title = "Poster"
description = "High-quality pictures made from your words, fast."
category = "image_gen"
price_usd = "2.00"
generator = "oai"
`
	percent := func(n int) string { return fmt.Sprintf("[spending]\norder_percent = %d\n", n) }
	low := func(percent int, title, net, share string, takes int) string {
		return fmt.Sprintf("spending.order_percent: is less than one call of generator oai costs for service %q: %d %% of its net price of %s is %s, a call costs 0.07; it would have to be %d",
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
		"an order":                  {painted + "[spending]\norder_usd = \"0.06\"\n", "spending.order_usd: is less than one call of generator oai costs, 0.07"},
		"a day":                     {painted + "[spending]\nday_usd = \"0.06\"\n", "spending.day_usd: is less than one call of generator oai costs, 0.07"},
		"an attempt":                {painted + "[spending]\nattempt_usd = \"0.06\"\n", "spending.attempt_usd: is less than one call of generator oai costs, 0.07"},
		"as much":                   {painted + "[spending]\nattempt_usd = \"0.07\"\norder_usd = \"0.07\"\nday_usd = \"0.07\"\n", ""},
	} {
		if got := texts(t, c.text); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestOneThatStandsInAndNeverFitsTheShareIsOnlyWarnedOf(t *testing.T) {
	text := changed(t, painted, "cost_usd", "fallback = [\"dear\"]\ncost_usd") +
		strings.NewReplacer("oai", "dear", "0.07", "0.50").Replace(remote) + "[spending]\norder_percent = 10\n"
	want := `spending.order_percent: is less than one call of generator dear costs, which stands in for service "AI Image Generation": 10 % of its net price of 4.50 is 0.45, a call costs 0.50`
	if got := warnings(t, text); got != want {
		t.Errorf(" got %s\nwant %s", got, want)
	}
	if got := warnings(t, changed(t, text, "order_percent = 10", "order_percent = 12")); got != "" {
		t.Errorf("got %s", got)
	}
}

func TestAGeneratorThatMayCostAndDoesNotSayIsWarnedOfOnceThereAreCaps(t *testing.T) {
	for _, kind := range Types() {
		free := slices.Contains([]string{TypeCanvas, "a1111", "comfyui"}, kind)
		text := changed(t, ofType(t, kind, ""), "cost_usd = \"0.07\"\n", "")
		switch kind {
		case TypeCanvas:
			text = text[:strings.Index(text, "base_url = \"https://api.")]
		case TypeExec:
			text = text[:strings.Index(text, "base_url = \"https://api.")] + "command = [\"x\"]\n"
		case "minimax":
			text = strings.ReplaceAll(text, "image_gen", "video_gen")
		}
		if got := warnings(t, text); got != "" {
			t.Errorf("%s without caps: %s", kind, got)
		}
		got := warnings(t, text+"[spending]\nday_usd = \"5.00\"\n")
		if free != (got == "") || !free && got != "generator.oai: has no cost_usd: the caps of [spending] cannot count its calls before they are made" {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

func TestTheSizeFromWhichAFileGoesToTheOtherStoreIsTheTrueOne(t *testing.T) {
	code, err := os.ReadFile(filepath.Join("..", "atelier", "upload.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(code), "directLimit = 4_400_000\n") {
		t.Error("the limit is another: change the example, the pages and this test")
	}
	all := Example() + pages(t)
	if n := strings.Count(strings.ToLower(all), "files over "); n < 3 || strings.Count(strings.ToLower(all), "files over 4.4 mb") != n {
		t.Errorf("of %d places that speak of files over a size, not all say 4.4 MB", n)
	}
}
