// Package gentest holds the tests that every generator must pass. Kit.Run tests any
// generator, and RunRemote a provider against a fake of it. A back end's own tests
// call one of them and add what is particular to it.
//
// It must not know any back end.
package gentest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/media"
	"atelierd/internal/order"
)

// prompt is how long a generator may take to return after it was cancelled.
const prompt = 15 * time.Second

// Kit describes the generator under test.
type Kit struct {
	// New returns a generator that delivers accepted files, and a counter of what
	// was asked of a paid provider (or how often the program ran) since New.
	New func(t *testing.T) (g generate.Generator, spent func() int)
	// Deterministic: the same request returns the same bytes.
	Deterministic bool
	// Hanging returns a generator that never ends by itself, and a channel that is
	// closed once its work has begun. It is nil when the back end cannot hang.
	Hanging func(t *testing.T) (generate.Generator, <-chan struct{})
}

// Run tests the generator.
func (k Kit) Run(t *testing.T) {
	run := func(name string, f func(*testing.T)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t)
		})
	}
	run("success leaves accepted files in the output folder only", k.success)
	run("hostile orders are only text", k.hostile)
	run("concurrent orders do not mix", k.parallel)
	run("a cancelled context starts nothing", k.cancelled)
	run("a check spends and writes nothing", k.check)
	if k.Deterministic {
		run("the same request returns the same bytes", k.deterministic)
	}
	if k.Hanging != nil {
		run("a stop ends hanging work", k.hanging)
	}
}

// Order returns a request such as the daemon makes.
func Order(t testing.TB, id string) generate.Request {
	return generate.Request{
		OrderID: id, Attempt: 1, Brief: "A boat on a calm sea",
		ReferenceURLs:      []string{"https://example.com/mood"},
		RequirementAnswers: json.RawMessage(`[{"question":"Mood?","answer":"calm"}]`),
		Messages:           []generate.Message{{From: "client", Text: "Thank you!", At: time.Unix(1_800_000_000, 0)}},
		Service:            generate.Service{Title: "Pictures", Category: "image_gen", Deliverables: []string{"1 image"}},
		OutputDir:          filepath.Join(t.TempDir(), "attempt-1"),
	}
}

func (k Kit) success(t *testing.T) {
	req := Order(t, "ord_success")
	g, _ := k.New(t)
	res, err := g.Generate(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	wantAccepted(t, req, res)
	around, err := os.ReadDir(filepath.Dir(req.OutputDir))
	if err != nil {
		t.Fatal(err)
	}
	if len(around) != 1 {
		t.Errorf("something was left next to the output folder: %v", around)
	}
}

// wantAccepted checks what the documentation of Result says.
func wantAccepted(t *testing.T, req generate.Request, res generate.Result) {
	t.Helper()
	if len(res.Files) == 0 && res.URL == "" {
		t.Error("a success without a file and without a link")
	}
	for _, path := range res.Files {
		if rel, err := filepath.Rel(req.OutputDir, path); !filepath.IsAbs(path) || err != nil || !filepath.IsLocal(rel) {
			t.Errorf("%q is not inside %q", path, req.OutputDir)
		}
		if _, err := media.Inspect(path); err != nil {
			t.Error(err)
		}
	}
	if res.Cost < 0 || len(res.Log) > 4<<10 {
		t.Errorf("a cost of %s, a log of %d bytes", res.Cost, len(res.Log))
	}
}

func (k Kit) hostile(t *testing.T) {
	g, _ := k.New(t)
	for i, brief := range []string{
		"",
		"'; touch /tmp/atelierd-pwned; echo ' \" \\ $(touch /tmp/atelierd-pwned) `touch /tmp/atelierd-pwned` and\nlines\r\n\ttabs, " +
			"nul \x00, bell \a, escape \x1b]0;x\a, bad utf-8 \xff\xfe, \U0001F98A\U0001F469\u200d\U0001F680 \u202etxt.exe \u732b %s%n{{.}}</svg><script>",
		strings.Repeat("long ", 20_000),
	} {
		req := Order(t, fmt.Sprintf("ord_%d", i))
		req.Brief = brief
		req.Service.Title = brief
		req.Messages[0].Text = brief
		res, err := g.Generate(t.Context(), req)
		if err != nil {
			t.Errorf("%.40q: %v", brief, err)
			continue
		}
		wantAccepted(t, req, res)
	}
	if _, err := os.Stat("/tmp/atelierd-pwned"); err == nil {
		t.Error("a brief was run as a command")
	}
}

func (k Kit) parallel(t *testing.T) {
	g, _ := k.New(t)
	var wg sync.WaitGroup
	for i := range 2 {
		req := Order(t, fmt.Sprintf("ord_%d", i))
		req.OutputDir = filepath.Join(t.TempDir(), "out")
		wg.Go(func() {
			res, err := g.Generate(t.Context(), req)
			if err != nil {
				t.Error(err)
				return
			}
			wantAccepted(t, req, res)
		})
	}
	wg.Wait()
}

func (k Kit) cancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(order.ErrStopping)
	g, spent := k.New(t)
	req := Order(t, "ord_cancelled")
	_, err := g.Generate(ctx, req)
	wantStopped(t, err)
	if spent() != 0 {
		t.Error("a cancelled call spent something")
	}
	if files, _ := os.ReadDir(req.OutputDir); len(files) > 0 {
		t.Errorf("a cancelled call wrote %v", files)
	}
}

func wantStopped(t *testing.T, err error) {
	t.Helper()
	f, ok := errors.AsType[*order.Failure](err)
	if !ok || f.Class != order.Stopped || !errors.Is(f, order.ErrStopping) {
		t.Errorf("got %v, want a failure of class stopped with its cause", err)
	}
}

func (k Kit) check(t *testing.T) {
	before := here(t)
	g, spent := k.New(t)
	if err := g.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if spent() != 0 {
		t.Error("a check spent something")
	}
	if after := here(t); after != before {
		t.Errorf("a check wrote: the folder held %s, now %s", before, after)
	}
}

// here lists the working folder.
func here(t *testing.T) string {
	t.Helper()
	list, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(list)
}

func (k Kit) deterministic(t *testing.T) {
	var first []byte
	for i := range 2 {
		req := Order(t, "ord_same")
		req.OutputDir = filepath.Join(t.TempDir(), "out")
		g, _ := k.New(t)
		res, err := g.Generate(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(res.Files[0])
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = content
		} else if !bytes.Equal(first, content) {
			t.Error("the second run returned other bytes")
		}
	}
}

func (k Kit) hanging(t *testing.T) {
	g, begun := k.Hanging(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	done := make(chan error, 1)
	go func() {
		_, err := g.Generate(ctx, Order(t, "ord_hanging"))
		done <- err
	}()
	select {
	case <-begun:
	case err := <-done:
		t.Fatalf("it ended by itself: %v", err)
	}
	cancel(order.ErrStopping)
	select {
	case err := <-done:
		wantStopped(t, err)
	case <-time.After(prompt):
		t.Fatalf("it still runs %s after the stop", prompt)
	}
}
