package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	_ "image/jpeg"
	"os"
	"regexp"
	"strings"
	"testing"

	"atelierd/internal/order"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

type args = map[string]any

func TestToolsAreListedAsTheyAreAllowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	read := []string{"status", "list_orders", "get_order", "attempts", "earnings", "query"}
	for _, allow := range [][]string{{}, {"approve"}, {"approve", "redo", "reply", "send_draft", "discard_draft", "quote", "retry", "cancel", "pause", "resume"}} {
		a := w.connect(allow...)
		list, err := a.ListTools(t.Context(), nil)
		w.must(err)
		names := map[string]bool{}
		for _, tool := range list.Tools {
			names[tool.Name] = true
			schema, err := json.Marshal(tool.InputSchema)
			if w.must(err); strings.Contains(string(schema), `"null"`) {
				t.Errorf("%s has an argument that may be null, which not every client knows: %s", tool.Name, schema)
			}
			if tool.Annotations == nil || tool.Annotations.DestructiveHint == nil || tool.Description == "" {
				t.Errorf("%s has no hints or no description", tool.Name)
			}
		}
		for _, name := range append(read, allow...) {
			if !names[name] {
				t.Errorf("with %v allowed, %s is not listed", allow, name)
			}
			delete(names, name)
		}
		if len(names) > 0 {
			t.Errorf("with %v allowed, %v are listed too", allow, names)
		}
	}
}

func TestTheHintsAreTrue(t *testing.T) {
	t.Parallel()
	destructive := map[string]bool{"approve": true, "redo": true, "discard_draft": true, "cancel": true}
	s := New(Options{})
	for _, tool := range s.tools {
		h := tool.Annotations
		reads := !strings.Contains("approve redo reply send_draft discard_draft quote retry cancel pause resume", tool.Name)
		if h.ReadOnlyHint != reads || *h.DestructiveHint != destructive[tool.Name] || !h.IdempotentHint {
			t.Errorf("%s has the hints %+v", tool.Name, h)
		}
		for name := range tool.schema.Properties {
			if strings.Contains(name, "url") || strings.Contains(name, "path") || strings.Contains(name, "file") {
				t.Errorf("%s takes %s", tool.Name, name)
			}
		}
	}
}

// TestTheDocumentationNamesEachTool guards docs/mcp.md and the skill.
func TestTheDocumentationNamesEachTool(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/mcp.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (yes|no) \\|").FindAllStringSubmatch(string(page), -1)
	tools := New(Options{}).tools
	if len(rows) != len(tools) {
		t.Fatalf("the page has %d tools, there are %d", len(rows), len(tools))
	}
	for i, tool := range tools {
		if rows[i][1] != tool.Name || (rows[i][2] == "no") != tool.Annotations.ReadOnlyHint {
			t.Errorf("the page has %v, the tool is %s", rows[i][1:], tool.Name)
		}
	}
	skill, err := os.ReadFile("../../dist/openclaw/SKILL.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"`status`", "`get_order`", "`approve`", "`redo`", "`reply`", "`quote`", "`retry`", opening, "`atelierd status --check --json --quiet`", `"bins": ["atelierd"]`} {
		if !strings.Contains(string(skill), word) {
			t.Errorf("the skill lacks %s", word)
		}
	}
	for _, word := range []string{"ATELIER_API_KEY", "primaryEnv", `"env"`} {
		if strings.Contains(string(skill), word) {
			t.Errorf("the skill asks for %s", word)
		}
	}
}

func TestAToolThatIsNotAllowedIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.review("ord_1", w.paint("a.png", 64))
	a := w.connect("reply")
	seen := a.fingerprint("ord_1")
	for _, tool := range []string{"approve", "redo", "quote", "retry", "cancel", "pause", "resume"} {
		r := a.call(tool, args{"order": "ord_1", "fingerprint": seen, "instructions": "x", "price_usd": "5", "reason": "x"})
		if !r.failed || !strings.Contains(r.text, "is not allowed") {
			t.Errorf("%s: %+v", tool, r)
		}
	}
	o, err := w.daemon.Order(t.Context(), "ord_1")
	if err != nil || o.State != order.StateHeld || w.woken > 0 {
		t.Errorf("the order is %s, %v; woken %d times", o.State, err, w.woken)
	}
}

func TestAnOrderIsShownWithItsPictures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var files []order.Artifact
	for i := range 8 {
		f := w.paint(strings.Repeat("a", i+1)+".png", 64+8*i)
		f.Position = i
		files = append(files, f)
	}
	large := w.paint("large.png", 3000)
	large.Position = 8
	w.review("ord_1", append([]order.Artifact{large}, files...)...)
	a := w.connect()
	r := a.call("get_order", args{"order": "ord_1"})
	if r.failed || len(r.pictures) != maxPictures || !strings.Contains(r.text, `"pictures_left_out":3`) {
		t.Fatalf("%d pictures\n%.2000s", len(r.pictures), r.text)
	}
	for i, data := range r.pictures {
		c, format, err := image.DecodeConfig(bytes.NewReader(data))
		if err != nil || r.mimes[i] != "image/"+format || max(c.Width, c.Height) > MaxPixels || len(data) > MaxPicture {
			t.Errorf("picture %d: %s, %s of %d × %d, %d bytes, %v", i, r.mimes[i], format, c.Width, c.Height, len(data), err)
		}
	}
	if r := a.call("get_order", args{"order": "ord_1", "skip": 6}); len(r.pictures) != 3 || strings.Contains(r.text, "left_out") {
		t.Errorf("after six, %d pictures", len(r.pictures))
	}
	if r := a.call("get_order", args{"order": "ord_1", "pictures": false}); len(r.pictures) != 0 {
		t.Errorf("without pictures, %d pictures", len(r.pictures))
	}
	for _, f := range []string{"path", w.dir, "artifacts"} {
		if strings.Contains(r.text, f) {
			t.Errorf("the answer has %q", f)
		}
	}
}

// TestWhatAnAgentReadsIsForItAlone guards against caches between agents, and that an order
// which does not exist is said to be none.
func TestWhatAnAgentReadsIsForItAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.review("ord_1", w.paint("a.png", 64))
	a := w.connect()
	tools, err := a.ListTools(t.Context(), nil)
	w.must(err)
	scopes := map[string]string{"the tools": tools.CacheScope}
	for _, uri := range []string{"order://ord_1", "orders://open", "attention://", "earnings://30d", "schema://"} {
		r, err := a.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: uri})
		w.must(err)
		scopes[uri] = r.CacheScope
	}
	for what, scope := range scopes {
		if scope != "private" {
			t.Errorf("%s may be cached for everybody: %q", what, scope)
		}
	}
	_, err = a.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "order://ord_9"})
	if wire, ok := errors.AsType[*jsonrpc.Error](err); !ok || wire.Code != jsonrpc.CodeInvalidParams || !strings.Contains(wire.Message, "There is no such order") {
		t.Errorf("an order that does not exist: %v", err)
	}
}
