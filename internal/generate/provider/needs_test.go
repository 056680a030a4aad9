package provider

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/generate/recipe"
)

func TestTypesAreOrderedByName(t *testing.T) {
	t.Parallel()
	if list := Types(); !slices.IsSortedFunc(list, func(a, b Needs) int { return cmp.Compare(a.Type, b.Type) }) {
		t.Errorf("not ordered, so that none can be found: %+v", list)
	}
	for _, needs := range Types() {
		if found, there := TypeOf(needs.Type); !there || found.Type != needs.Type {
			t.Errorf("%s was not found", needs.Type)
		}
	}
}

func TestNewDemandsWhatATypeNeeds(t *testing.T) {
	t.Parallel()
	for _, needs := range Types() {
		bare := Spec{Type: needs.Type, BaseURL: "https://api.example"}
		if needs.Workflow {
			bare.Workflow = []byte(`{"1":{"class_type":"X","inputs":{"text":"{{prompt}}"}}}`)
		}
		if needs.Recipe {
			bare.Recipe = recipe.Shipped()[0] // all of them need a key and a model
		}
		if _, err := New(bare); (err == nil) == (needs.Key || needs.Model || needs.Recipe) {
			t.Errorf("%s without a key and a model: %v", needs.Type, err)
		}
		bare.Workflow, bare.Recipe = nil, nil
		if _, err := New(bare); (needs.Workflow || needs.Recipe) && err == nil {
			t.Errorf("%s takes no workflow or recipe", needs.Type)
		}
	}
}

// The table of docs/generators.md is written from Types. On a difference the test
// prints the table to put there.
func TestTheDocsShowWhatEachProviderNeeds(t *testing.T) {
	t.Parallel()
	const header = "| type | needs | makes | longest prompt | references | params read by atelierd |\n|---|---|---|---|---|---|\n"
	table := header
	for _, needs := range Types() {
		table += row(needs)
	}
	if text := readDoc(t, "../../../docs/generators.md"); !strings.Contains(text, "\n\n"+table+"\n") {
		t.Errorf("docs/generators.md lacks this table:\n%s", table)
	}
}

func TestTheReadmeShowsEachProvider(t *testing.T) {
	t.Parallel()
	readme := readDoc(t, "../../../README.md") + readDoc(t, "../../../docs/generators.md")
	for _, needs := range Types() {
		_, block, shown := strings.Cut(readme, fmt.Sprintf("type = %q", needs.Type))
		block, _, _ = strings.Cut(block, "```")
		if !shown {
			t.Errorf("no configuration of type %s is shown", needs.Type)
		}
		for setting, needed := range map[string]bool{"base_url = ": !needs.Recipe, "recipe = ": needs.Recipe, "model = ": needs.Model, "key_": needs.Key, "workflow = ": needs.Workflow} {
			if needed && !strings.Contains(block, "\n"+setting) {
				t.Errorf("the configuration of type %s that is shown lacks %s", needs.Type, setting)
			}
		}
	}
}

func row(needs Needs) string {
	if needs.Recipe {
		return fmt.Sprintf("| `%s` | a recipe | [what the recipe says](recipes.md) | | | all |\n", needs.Type)
	}
	var settings []string
	for _, s := range []struct {
		name   string
		needed bool
	}{{"a key", needs.Key}, {"a model", needs.Model}, {"a workflow", needs.Workflow}} {
		if s.needed {
			settings = append(settings, s.name)
		}
	}
	limit := "any"
	if needs.PromptLimit > 0 {
		limit = fmt.Sprint(needs.PromptLimit)
	}
	var params []string
	for _, p := range needs.Params {
		params = append(params, "`"+p+"`")
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s |\n", needs.Type, strings.Join(settings, ", "),
		cmp.Or(strings.Join(needs.Makes, ", "), "what it runs makes"), limit, references(needs), strings.Join(params, ", "))
}

func references(needs Needs) string {
	count := func(n int) string {
		if n == Unlimited {
			return "all"
		}
		return fmt.Sprint(n)
	}
	r := needs.References
	text := count(r.Image)
	switch {
	case slices.Equal(needs.Makes, videos):
		text = count(r.Video)
	case len(needs.Makes) != 1 && r.Video != r.Image:
		text = fmt.Sprintf("%s (video: %s)", count(r.Image), count(r.Video))
	}
	if slices.Contains(needs.Params, "image_input") && r.Image == Unlimited {
		text = "one, or all"
	}
	if r.Bytes > 0 {
		text += fmt.Sprintf(", %d MB in all", r.Bytes>>20)
	}
	if r.Links {
		text += ", public links only"
	}
	if !r.Animations {
		text += ", no animations"
	}
	return text
}

func readDoc(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A picture that no placeholder takes would be left out without a word.
func TestNoParamRaisesTheNumberOfReferences(t *testing.T) {
	t.Parallel()
	for most, want := range map[int64]int{1: 1, 3: 2, 0: 2} {
		needs := Needs{Params: []string{referenceLimit}, References: References{Image: 2}}.Limited(map[string]any{referenceLimit: most})
		if needs.References.Image != want {
			t.Errorf("a limit of %d: it takes %d, want %d", most, needs.References.Image, want)
		}
	}
}
