//go:build unix

package exec

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

func TestAHostileOrderArrivesUnchangedOnStdin(t *testing.T) {
	t.Parallel()
	req := request(t)
	req.Brief = "\"quotes\" 'single' `ticks` $(touch /tmp/pwned) ; rm -rf ~ \\ \n\r\t \x00 </script> 🦊👩‍🚀 \u202e"
	req.ReferenceURLs = []string{"https://a.example/?x=1&y=<2>"}
	req.BriefEnglish, req.BriefSpec = "the fox", json.RawMessage(`{"size":"A4"}`)
	req.RequirementAnswers = json.RawMessage(`{"mood":"calm"}`)
	req.Messages = []generate.Message{{From: "client", Text: "hi", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}
	req.Service = generate.Service{Title: "T", Category: "image_gen", Deliverables: []string{"1 image"}}
	req.Instructions, req.PreviousTakes = "less red", []generate.Take{{Number: 1, Files: []string{"/takes/1.png"}, URLs: []string{"https://x/1.png"}}}
	req.Problems = []string{"there is no fox"}
	req.Prompt, req.Notes = "a fox, calm", []string{"reference 2 could not be had"}
	req.References = []generate.Reference{{Path: "/refs/1.png", MIME: "image/png", URL: "https://a.example/1.png"}}

	res, err := script(t, `cat > "$OUTPUT_DIR/order.json"`).Generate(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(res.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"order_id": "ord_1", "round": 2.0, "attempt": 3.0, "brief": req.Brief,
		"reference_urls": []any{"https://a.example/?x=1&y=<2>"}, "reference_images": []any{},
		"brief_english": "the fox", "brief_spec": map[string]any{"size": "A4"},
		"requirement_answers":   map[string]any{"mood": "calm"},
		"messages":              []any{map[string]any{"from": "client", "text": "hi", "at": "2026-01-02T03:04:05Z"}},
		"service":               map[string]any{"title": "T", "category": "image_gen", "deliverables": []any{"1 image"}},
		"previous_deliverables": []any{},
		"instructions":          "less red",
		"previous_takes":        []any{map[string]any{"take": 1.0, "instructions": "", "files": []any{"/takes/1.png"}}},
		"problems":              []any{"there is no fox"},
		"prompt":                "a fox, calm",
		"references":            []any{map[string]any{"path": "/refs/1.png", "media_type": "image/png", "url": "https://a.example/1.png"}},
		"notes":                 []any{"reference 2 could not be had"},
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if !bytes.Equal(a, b) {
		t.Errorf("got  %s\nwant %s", a, b)
	}
}

func TestACommandIsRelativeToItsFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := "#!/bin/sh\npwd -P > \"$OUTPUT_DIR/where\"; printf %s \"$1\" > \"$OUTPUT_DIR/word\"\n"
	if err := os.WriteFile(filepath.Join(dir, "make-image"), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	e, err := New(Options{Command: []string{"./make-image", "$(id) *"}, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	res, err := e.Generate(t.Context(), request(t))
	if err != nil {
		t.Fatal(err)
	}
	where, _ := os.ReadFile(res.Files[0])
	word, _ := os.ReadFile(res.Files[1])
	if got := strings.TrimSpace(string(where)); got != resolved(dir) || string(word) != "$(id) *" {
		t.Errorf("ran in %q with the word %q", got, word)
	}
}

func TestExitCodesAreClassified(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		script string
		class  order.Class
		code   order.Code
		want   string
	}{
		{`echo no nudity >&2; exit 65`, order.Fail, order.CodeRefused, "refused the order: no nudity"},
		{`echo '{"message":"not my style","cost_usd":0.01}'; echo noise >&2; exit 65`, order.Fail, order.CodeRefused, ": not my style"},
		{`exit 65`, order.Fail, order.CodeRefused, "the generator refused the order"},
		{`echo busy; exit 75`, order.Retry, order.CodeTryLater, "try later: busy"},
		{`printf 'no model\033[31m\n' >&2; exit 78`, order.Hold, order.CodeMisconfigured, `not set up: no model\x1b[31m`},
		{`echo oops >&2; exit 1`, order.Retry, order.CodeExit, "exited with 1: oops"},
		{`kill -SEGV $$`, order.Retry, order.CodeSignal, "segmentation fault"},
		{`head -c 100000 /dev/zero | tr '\0' x >&2; exit 3`, order.Retry, order.CodeExit, "exited with 3"},
	} {
		_, err := script(t, tc.script).Generate(t.Context(), request(t))
		f := wantFailure(t, err, tc.class, tc.code, tc.want)
		if strings.Contains(tc.script, "cost_usd") && f.Cost != 10_000 {
			t.Errorf("cost %s of a refusal, want 0.01", f.Cost)
		}
		if tc.class == order.Hold && f.Hint == "" {
			t.Errorf("%s: no hint", tc.script)
		}
		if f.Outage != (tc.code == order.CodeTryLater) { // an outage uses no attempt
			t.Errorf("%s: outage %t", tc.script, f.Outage)
		}
	}
}

func TestCheckRunsTheSelfCheckAndReportsItsOutput(t *testing.T) {
	t.Parallel()
	with := func(text string) error {
		return script(t, "exit 1", func(o *Options) { o.SelfCheck = []string{"sh", "-c", text} }).Check(t.Context())
	}
	if err := with(`[ -z "$OUTPUT_DIR" ] && [ -z "$(cat)" ]`); err != nil {
		t.Error(err)
	}
	f := wantFailure(t, with("echo first >&2; echo no GPU >&2; exit 1"), order.Hold, order.CodeSelfCheck, "no GPU")
	if f.Log != "first\nno GPU\n" || f.Hint == "" {
		t.Errorf("log %q, hint %q", f.Log, f.Hint)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(order.ErrStopping)
	err := script(t, "", func(o *Options) { o.SelfCheck = []string{"sleep", "60"} }).Check(ctx)
	if f := order.Classify(ctx, err); f == nil || f.Class != order.Stopped {
		t.Errorf("got %v, want stopped", err)
	}
}

func TestProgramsRunConcurrently(t *testing.T) {
	t.Parallel()
	e := script(t, `echo "$ATELIER_ORDER_ID" > "$OUTPUT_DIR/id"`)
	dirs := map[string]string{"a": t.TempDir(), "b": t.TempDir(), "c": t.TempDir(), "d": t.TempDir()}
	var wg sync.WaitGroup
	for id := range maps.Keys(dirs) {
		wg.Go(func() {
			res, err := e.Generate(t.Context(), generate.Request{OrderID: id, OutputDir: dirs[id]})
			if err != nil {
				t.Error(err)
				return
			}
			if got, _ := os.ReadFile(res.Files[0]); string(got) != id+"\n" {
				t.Errorf("order %s got the file of %q", id, got)
			}
		})
	}
	wg.Wait()
}

func TestAProgramNeedNotReadItsStdin(t *testing.T) {
	t.Parallel()
	req := request(t)
	req.Brief = strings.Repeat("long ", 1<<20)
	if _, err := script(t, `exec <&-; echo x > "$OUTPUT_DIR/x"`).Generate(t.Context(), req); err != nil {
		t.Error(err)
	}
}

func TestABadRequestIsHeld(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*generate.Request){
		func(r *generate.Request) { r.OrderID = "a\x00b" },
		func(r *generate.Request) { r.OutputDir = "relative" },
		func(r *generate.Request) { r.RequirementAnswers = json.RawMessage(`{"broken`) },
	} {
		req := request(t)
		change(&req)
		_, err := script(t, "exit 0").Generate(t.Context(), req)
		wantFailure(t, err, order.Hold, order.CodeBadRequest, "")
	}
}
