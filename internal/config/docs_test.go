package config

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages returns the texts of the README and of each page of docs.
func pages(t *testing.T) []string {
	t.Helper()
	docs, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(docs) == 0 {
		t.Fatal("docs has no pages", err)
	}
	var all []string
	for _, file := range append([]string{"../../README.md"}, docs...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

// A page shows complete configurations and parts. A part belongs to the complete
// one before it on its page, or else to the README's.
func TestEveryConfigurationInTheDocsLoadsWithoutWarnings(t *testing.T) {
	t.Parallel()
	shown, complete := regexp.MustCompile("(?ms)^```toml\n(.*?)^```$"), ""
	count := 0
	for _, page := range pages(t) {
		whole := complete
		if strings.Contains(page, "the configuration that `atelierd init --sandbox` wrote") {
			whole = Sandbox(SandboxAddress, SandboxWindow)
		}
		for _, block := range shown.FindAllStringSubmatch(page, -1) {
			count++
			if strings.Contains(block[1], "[agent]") {
				whole = block[1]
				complete = cmp.Or(complete, whole)
			} else {
				block[1] = without(whole, block[1]) + block[1]
			}
			loadsWithoutWarnings(t, block[1])
		}
	}
	if count < 10 {
		t.Fatalf("the docs show only %d configurations", count)
	}
}

// Models are shut down each year, so each one that is shown says when it was checked.
func TestEveryModelOfTheDocsSaysWhenItWasChecked(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("example.toml")
	if err != nil {
		t.Fatal(err)
	}
	ended := regexp.MustCompile(`gpt-image-1\b|chatgpt-image|dall-e|gemini-2\.5|gemini-2\.0`)
	dated := regexp.MustCompile(`# .*\b20\d\d-\d\d`)
	count := 0
	for _, page := range append(pages(t), string(example)) {
		for line := range strings.Lines(page) {
			if !strings.HasPrefix(strings.TrimPrefix(line, "# "), "model = ") || strings.Contains(line, "{{") || strings.Contains(line, "OWNER/NAME") {
				continue
			}
			if count++; !dated.MatchString(line) || ended.MatchString(line) {
				t.Errorf("a model has ended, or does not say when it was checked: %s", line)
			}
		}
	}
	if count < 8 {
		t.Fatalf("the docs show only %d models", count)
	}
}

func loadsWithoutWarnings(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, `makes = "video"`) {
		text = strings.ReplaceAll(text, "image_gen", "video_gen") // another category would deserve its warning
	}
	c, err := Load(write(t, text))
	if err != nil {
		t.Errorf("%v\nof\n%s", err, text)
		return
	}
	if w := c.Warnings(); len(w) > 0 {
		t.Errorf("warnings %q of\n%s", w, text)
	}
}

// without removes the section of a configuration that a block replaces.
func without(whole, block string) string {
	header, _, _ := strings.Cut(block, "\n")
	if header == "[[service]]" || header == "[[bounties.rule]]" {
		return whole // a list may have more of them
	}
	before, after, there := strings.Cut(whole, header+"\n")
	if !there {
		return whole
	}
	if next := strings.Index(after, "\n["); next >= 0 {
		return before + after[next+1:]
	}
	return before
}

// The example shows every key, with its default where it has one.
func TestTheDocsExplainEveryKeyOfTheExampleWithItsDefault(t *testing.T) {
	t.Parallel()
	rows := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]+`) \\| ([^|]+) \\|").FindAllStringSubmatch(strings.Join(pages(t), "\n"), -1) {
		keys, defaults := strings.Split(row[1], ", "), strings.Split(row[2], ", ")
		for i, key := range keys {
			rows[strings.Trim(key, "`")] = strings.Trim(strings.TrimSuffix(defaults[min(i, len(defaults)-1)], " each"), "`")
		}
	}
	section := ""
	line := regexp.MustCompile(`^(# )?(\[+)?([a-z_.]+)(?:\]+| = ("[^"]*"|\[.*\]|[0-9]+))`)
	for _, text := range strings.Split(Example(), "\n") {
		m := line.FindStringSubmatch(text)
		switch {
		case m == nil:
			continue
		case m[2] != "":
			section = strings.NewReplacer(".studio", ".NAME", ".painter", ".NAME").Replace(m[3]) + "."
			continue
		}
		value, there := rows[section+m[3]]
		if !there {
			t.Errorf("no page of the docs explains %s%s", section, m[3])
			continue
		}
		isDefault := m[1] != "" && !slices.Contains([]string{"none", "required", "by category", "off", "held", "by hand", "the link", "the wish"}, value)
		if isDefault && value != m[4] {
			t.Errorf("the default of %s%s is %s in the docs, but %s in the example", section, m[3], value, m[4])
		}
	}
}

func TestEveryLinkBetweenPagesLeadsToAFile(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)[^):]*\)`)
	count := 0
	for _, folder := range []string{"../..", "../../docs", "../../docs/decisions"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, to := range link.FindAllStringSubmatch(string(text), -1) {
				count++
				if _, err := os.Stat(filepath.Join(folder, to[1])); err != nil {
					t.Errorf("%s links to %s, which does not exist", file, to[1])
				}
			}
		}
	}
	if count < 20 {
		t.Fatalf("only %d links", count)
	}
}
