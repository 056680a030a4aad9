//go:build unix

package exec

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// Not parallel: it sets variables of the process.
func TestTheEnvironmentIsCleanWithoutTheKey(t *testing.T) {
	t.Setenv("ATELIER_API_KEY", "atelier_0123456789")
	t.Setenv("PASSED_ON", "yes")
	t.Setenv("NOT_LISTED", "no")
	t.Setenv("PATH", "/usr/bin:/bin")
	t.Setenv("HOME", "/home/somebody")
	t.Setenv("LANG", "de_DE.UTF-8")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(Options{
		Command: []string{self},
		Env:     []string{"GENERATE_TEST_ROLE=print environment", "STYLE=a=b c", "PASSED_ON", "IS_NOT_SET"},
	})
	if err != nil {
		t.Fatal(err)
	}
	req := request(t)
	res, err := e.Generate(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(res.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(string(content), "\n")
	slices.Sort(got)
	want := []string{
		"ATELIER_ORDER_ID=ord_1", "ATTEMPT=3", "GENERATE_TEST_ROLE=print environment", "HOME=/home/somebody",
		"LANG=de_DE.UTF-8", "OUTPUT_DIR=" + req.OutputDir, "PASSED_ON=yes", "PATH=/usr/bin:/bin", "ROUND=2", "STYLE=a=b c",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Files may contain the value of a setting, such as AUTH_MODE=disabled.
func TestKeysOfTheEnvironmentAreThoseThatAreLong(t *testing.T) {
	t.Parallel()
	list, err := Secrets([]string{"AUTH_MODE=password-only", "API_KEY=sk-0123456789abc", "STYLE=a-very-long-word-of-no-use"})
	if err != nil || len(list) != 1 || list[0].Name != "the variable API_KEY" || list[0].Text.Reveal() != "sk-0123456789abc" {
		t.Errorf("got %+v, %v", list, err)
	}
}

func TestNewRejectsBadOptionsWithoutShowingSecrets(t *testing.T) {
	t.Parallel()
	ok := []string{"./x"}
	for name, opts := range map[string]Options{
		"command is empty":             {},
		"self_check begins":            {Command: ok, SelfCheck: []string{""}},
		"NUL byte":                     {Command: []string{"a\x00b"}},
		"must not be negative":         {Command: ok, Timeout: -1},
		"ATELIER_API_KEY":              {Command: ok, Env: []string{"ATELIER_API_KEY"}},
		"which no generator may see":   {Command: ok, Env: []string{"ATELIER_API_KEY=atelier_s3cret"}},
		"which the daemon sets itself": {Command: ok, Env: []string{"OUTPUT_DIR=/tmp"}},
		"env entry 2 does not begin":   {Command: ok, Env: []string{"A=1", "atelier_s3cret and more"}},
		"sets A to a value with a NUL": {Command: ok, Env: []string{"A=s3cret\x00"}},
	} {
		_, err := New(opts)
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("got %v, want an error with %q", err, name)
		}
	}
}

func TestAProgramThatCannotRunIsHeld(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"plain": 0o600, "no-interpreter": 0o700, "no-program": 0o700} {
		text := map[string]string{"no-interpreter": "#!/nowhere/at/all\n", "no-program": "\x01\x02"}[name]
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, checkFinds := range map[string]bool{
		"./missing": true, "not-in-path": true, "./plain": true, "./folder": true, "./no-interpreter": false, "./no-program": false,
	} {
		e, err := New(Options{Command: []string{name}, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Generate(t.Context(), request(t))
		if f := wantFailure(t, err, order.Hold, order.CodeMisconfigured, name); f.Hint == "" {
			t.Errorf("%s: no hint", name)
		}
		if checkFinds {
			wantFailure(t, e.Check(t.Context()), order.Hold, order.CodeMisconfigured, name)
		}
	}
	e, err := New(Options{Command: []string{"true"}, Dir: filepath.Join(dir, "gone")})
	if err != nil {
		t.Fatal(err)
	}
	wantFailure(t, e.Check(t.Context()), order.Hold, order.CodeMisconfigured, "does not exist")
}

func TestAProgramThatDidNotStartCostNothing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, o := range map[string]Options{
		"it is missing":  {Command: []string{"./nobody"}},
		"it is a folder": {Command: []string{folder}},
	} {
		e, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Generate(t.Context(), generate.Request{OrderID: "o1", OutputDir: filepath.Join(t.TempDir(), "out")})
		f, ok := errors.AsType[*order.Failure](err)
		if !ok || f.Class != order.Hold || f.Charge != order.ChargeNone || f.Health() != order.GeneratorBroken {
			t.Errorf("%s: got %+v", name, f)
		}
	}
}
