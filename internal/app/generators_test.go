package app

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// Each block of a provider in docs/generators.md makes a generator that only lacks its
// key and its server.
func TestEachGeneratorOfTheDocsCanBeMade(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/generators.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	workflow := `{"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{prompt}}", "width": "{{width}}"}}}`
	if err := os.WriteFile(filepath.Join(dir, "workflow.json"), []byte(workflow), 0o600); err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?ms)^```toml\n(.*?)^```$")
	whole, _, _ := strings.Cut(shown.FindStringSubmatch(string(readme))[1], "[generator.studio]")
	made := map[string]bool{}
	for _, block := range shown.FindAllStringSubmatch(string(text), -1) {
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
		m := maker{cfg: cfg, log: slog.New(slog.DiscardHandler), credentials: func() *Credentials { return nil }}
		if _, err := m.generators(); err != nil {
			t.Errorf("%v\nof\n%s", err, block[1])
		}
		made[cfg.Generators["studio"].Type] = true
	}
	for _, typ := range config.Types() {
		if typ != config.TypeExec && typ != config.TypeCanvas && !made[typ] {
			t.Errorf("docs/generators.md has no block for %s", typ)
		}
	}
}

func TestWorkThatWaitsForAGeneratorGoesOnAsSoonAsItDoes(t *testing.T) {
	t.Parallel()
	st, err := store.Open(store.Options{Dir: storetest.Dir(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	paid := order.Facts{ID: "o1", Status: order.Paid, ServiceTitle: "Pictures", Brief: "a fox", Raw: []byte("{}"), CreatedAt: time.Now()}
	own := intake.Catalog{{Title: "Pictures", Turnaround: time.Hour}}
	if _, err := st.Apply(order.Batch{Mark: 1 << 60, Listing: order.Listing{Orders: []order.Facts{paid}}, Decide: own.Decide, Vanished: own.Vanished}); err != nil {
		t.Fatal(err)
	}
	lease := func(done *order.Done) *order.Job {
		turn, err := st.Turn(done, order.LaneGenerate, true, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return turn.Job
	}
	job := lease(nil)
	waits := &order.Failure{Class: order.Wait, Code: order.CodePaused, Err: errors.New("the generator is paused")}
	if next := lease(&order.Done{Job: *job, Failure: waits, RunAt: time.Now().Add(time.Hour)}); next != nil {
		t.Fatalf("it does not wait: %+v", next)
	}
	breaker := &generate.Breaker{}
	a := &App{o: Options{Config: &config.Config{}, Log: slog.New(slog.DiscardHandler)}, store: st}
	a.live.Store(&live{a.o.Config, &Services{generators: map[string]fulfill.Generator{"studio": {Breaker: breaker}}}})
	a.watch(a.live.Load().services, nil)
	breaker.Changed("")
	next := lease(nil)
	if next == nil {
		t.Fatal("it still waits")
	}
	// A start asks at once, whatever an earlier process was told.
	if again := lease(&order.Done{Job: *next, Failure: waits, RunAt: time.Now().Add(time.Hour)}); again != nil {
		t.Fatalf("it does not wait: %+v", again)
	}
	if err := a.makeReady(&live{a.o.Config, &Services{}}, nil); err != nil {
		t.Fatal(err)
	}
	if lease(nil) == nil {
		t.Error("it waits beyond the next start")
	}
}
