package demo

import (
	"encoding/json"
	"errors"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"atelierd/internal/cli"
	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

func TestTheDemoConfigurationHasNoProblemAndNoWarning(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), config.FileName)
	if err := os.WriteFile(path, []byte(configText(addresses{"127.0.0.1:4711", "127.0.0.1:4712", "127.0.0.1:4713"})), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if w := cfg.Warnings(); len(w) > 0 {
		t.Errorf("warnings: %q", w)
	}
	if len(cfg.Services) != len(services()) {
		t.Errorf("%d services, want %d", len(cfg.Services), len(services()))
	}
}

func TestTheDemoOrdersAreOfEveryKind(t *testing.T) {
	t.Parallel()
	var all, asked []string
	bare, raw := 0, 0
	for _, r := range requests(12) {
		all = append(all, r.brief)
		if !slices.Contains(asked, r.service) {
			asked = append(asked, r.service)
		}
		if r.brief == "" && json.Valid([]byte(r.answers)) {
			bare++
		}
		if text, ok := r.raw["reference_urls"].(string); ok && json.Valid([]byte(text)) {
			raw++
		}
		if term.Sanitize(r.text()) != r.text() {
			t.Errorf("the text of %q is not safe to show", r.brief)
		}
	}
	for _, part := range []string{"'", `"`, `\`, "\n", "$(rm -rf /)", ";", "|", "🎂", "\u05d2", "\u0623", "\x1b[2J", "\u202e"} {
		if !slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, part) }) {
			t.Errorf("no brief has %q", part)
		}
	}
	if !slices.ContainsFunc(all, func(s string) bool { return utf8.RuneCountInString(s) == 3000 }) {
		t.Error("no brief has 3000 characters")
	}
	if bare != 1 || raw != 1 || len(asked) != len(services()) {
		t.Errorf("%d without a brief, %d with a list as text, services %q", bare, raw, asked)
	}
}

func TestVerifyWantsEachOrderDeliveredOnceByBothRecords(t *testing.T) {
	t.Parallel()
	good := func() snapshot {
		return snapshot{orders: []progress{{accepted: 1, state: order.StateDelivered}, {accepted: 1, state: order.StateDelivered}}}
	}
	if err := verify(good(), 2); err != nil {
		t.Fatalf("two orders delivered once: %v", err)
	}
	for name, spoil := range map[string]func(*snapshot){
		"delivered twice":             func(s *snapshot) { s.orders[1].accepted = 2 },
		"never delivered":             func(s *snapshot) { s.orders[1].accepted = 0 },
		"not placed":                  func(s *snapshot) { s.orders = s.orders[:1] },
		"not delivered in the ledger": func(s *snapshot) { s.orders[0].state = order.StateWorking },
		"unreadable ledger":           func(s *snapshot) { s.ledgerErr = errors.New("torn") },
	} {
		s := good()
		spoil(&s)
		if verify(s, 2) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAnOrderShowsItsStage(t *testing.T) {
	t.Parallel()
	at := time.Now()
	line := func(stage order.Stage, job order.JobState, attempt int) store.Line {
		return store.Line{State: order.StateWorking, Stage: stage, Job: job, Attempt: attempt}
	}
	delivered := sandbox.Order{Deliveries: []sandbox.Delivery{{At: at.Add(3 * time.Second), URLs: []string{"u"}}}}
	for _, c := range []struct {
		want string
		records
		alive bool
	}{
		{"placed", records{}, true},
		{"in line", records{line: line(order.StageGenerate, order.JobReady, 0), known: true}, true},
		{"painting", records{line: line(order.StageGenerate, order.JobLeased, 1), known: true}, true},
		{"cut off", records{line: line(order.StageGenerate, order.JobLeased, 1), known: true}, false},
		{"uploading, try 2", records{line: line(order.StageUpload, order.JobReady, 2), known: true}, true},
		{"delivering", records{delivered, line(order.StageDeliver, order.JobLeased, 1), true}, true},
		{"held: no such service", records{line: store.Line{State: order.StateHeld, Code: order.CodeNoService}, known: true}, true},
		{"delivered", records{delivered, store.Line{State: order.StateDelivered}, true}, true},
	} {
		p := newProgress(placed{at: at}, c.records, c.alive, at.Add(9*time.Second))
		if p.stage != c.want {
			t.Errorf("stage %q, want %q", p.stage, c.want)
		}
		if want := map[bool]time.Duration{true: 3 * time.Second, false: 9 * time.Second}[p.accepted > 0]; p.took != want {
			t.Errorf("%s: took %s, want %s", c.want, p.took, want)
		}
	}
}

func TestClippedTextFitsItsColumns(t *testing.T) {
	t.Parallel()
	for _, r := range requests(12) {
		for n := 1; n < 90; n++ {
			got := term.Clip(r.text(), n)
			if term.Columns(got) > n {
				t.Fatalf("%q takes %d columns of %d", got, term.Columns(got), n)
			}
			if term.Columns(r.text()) > n && term.Columns(got) < n-1 {
				t.Fatalf("%q leaves more than one of %d columns empty", got, n)
			}
		}
	}
	if got := term.Clip("日本の花", 5); got != "日本…" {
		t.Errorf("got %q", got)
	}
}

func TestAShellReadsAQuotedWordAsItIs(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"/tmp/plain-1", "/tmp/it's a \"place\"", "$(false)`x`\\;|&", "", "a\nb", "~/x"} {
		got, err := exec.Command("/bin/sh", "-c", "printf %s "+shellWord(s)).Output()
		if err != nil || string(got) != s {
			t.Errorf("%q became %q, %v", s, got, err)
		}
	}
}

func TestADemoFolderWithFilesIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if f, err := makeFolder(dir); err != nil || f.path != dir {
		t.Errorf("an empty folder: %q, %v", f.path, err)
	}
	if _, err := makeFolder(filepath.Join(dir, "new", "one")); err != nil {
		t.Errorf("a new folder: %v", err)
	}
	_, err := makeFolder(dir)
	if why := cli.Explain("demo", err); why.Code != cli.ExitUsage || !strings.Contains(why.Text, "is not empty") {
		t.Errorf("a folder with something in it: %+v", why)
	}
}

func TestThePainterSpeaksTheExecProtocol(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	paint := func(dir, stdin string) (stdout string, code int) {
		var out strings.Builder
		p := &cli.Program{
			Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: io.Discard,
			Getenv: func(name string) string { return map[string]string{"OUTPUT_DIR": dir}[name] },
		}
		if err := (PaintCmd{}).Run(p); err != nil {
			return "", cli.Explain("demo", err).Code
		}
		return out.String(), cli.ExitOK
	}
	if _, code := paint("", "{}"); code != paintMisconfigured {
		t.Errorf("without OUTPUT_DIR it exits with %d", code)
	}
	if _, code := paint(dir, "no order"); code != paintRefused {
		t.Errorf("without an order it exits with %d", code)
	}
	stdout, code := paint(dir, `{"order_id":"ord_1","round":0,"attempt":1,"brief":"","requirement_answers":{"subject":"sea"},"more":[]}`)
	if code != cli.ExitOK {
		t.Fatalf("it exits with %d", code)
	}
	var manifest struct{ Files []string }
	if err := json.Unmarshal([]byte(stdout), &manifest); err != nil || len(manifest.Files) != 1 {
		t.Fatalf("the manifest is %q, %v", stdout, err)
	}
	f, err := os.Open(filepath.Join(dir, manifest.Files[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := png.Decode(f); err != nil {
		t.Errorf("the picture: %v", err)
	}
}
