package config

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages returns the README and all pages of docs as one text.
func pages(t *testing.T) string {
	t.Helper()
	docs, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(docs) == 0 {
		t.Fatal("docs has no pages", err)
	}
	all := ""
	for _, file := range append([]string{"../../README.md"}, docs...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all += string(text)
	}
	return all
}

func TestEveryConfigurationInTheDocsLoadsWithoutWarnings(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile("(?ms)^```toml\n(.*?)^```$").FindAllStringSubmatch(pages(t), -1)
	if len(blocks) < 10 {
		t.Fatalf("the docs show only %d configurations", len(blocks))
	}
	whole := ""
	for _, block := range blocks {
		if strings.Contains(block[1], "[agent]") {
			whole = block[1]
		} else {
			block[1] = without(whole, block[1]) + block[1] // a section, to be added to the last whole file
		}
		if strings.Contains(block[1], `makes = "video"`) {
			block[1] = strings.ReplaceAll(block[1], "image_gen", "video_gen") // another category would deserve its warning
		}
		c, err := Load(write(t, block[1]))
		if err != nil {
			t.Errorf("%v\nof\n%s", err, block[1])
			continue
		}
		if w := c.Warnings(); len(w) > 0 {
			t.Errorf("warnings %q of\n%s", w, block[1])
		}
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
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]+`) \\| ([^|]+) \\|").FindAllStringSubmatch(pages(t), -1) {
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
	links := regexp.MustCompile(`\]\(([^)#:]+)[^):]*\)`).FindAllStringSubmatch(pages(t), -1)
	if len(links) < 5 {
		t.Fatalf("only %d links", len(links))
	}
	for _, link := range links {
		_, inRoot := os.Stat(filepath.Join("../..", link[1]))
		_, inDocs := os.Stat(filepath.Join("../../docs", link[1]))
		if inRoot != nil && inDocs != nil {
			t.Errorf("a page links to %s, which does not exist", link[1])
		}
	}
}
