package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"atelierd/internal/config"
)

// Each block of a provider in the README makes a generator that only lacks its
// key and its server.
func TestEachGeneratorOfTheReadmeCanBeMade(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	workflow := `{"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{prompt}}", "width": "{{width}}"}}}`
	if err := os.WriteFile(filepath.Join(dir, "workflow.json"), []byte(workflow), 0o600); err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```toml\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	whole, _, _ := strings.Cut(blocks[0][1], "[generator.studio]")
	made := map[string]bool{}
	for _, block := range blocks[1:] {
		if !strings.HasPrefix(block[1], "[generator.studio]") {
			continue
		}
		path := filepath.Join(dir, "atelierd.toml")
		if err := os.WriteFile(path, []byte(whole+block[1]), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newGenerators(cfg, slog.New(slog.DiscardHandler)); err != nil {
			t.Errorf("%v\nof\n%s", err, block[1])
		}
		made[cfg.Generators["studio"].Type] = true
	}
	for _, typ := range config.Types() {
		if typ != config.TypeExec && typ != config.TypeCanvas && !made[typ] {
			t.Errorf("the README has no block for %s", typ)
		}
	}
}
