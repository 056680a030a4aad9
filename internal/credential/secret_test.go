package credential

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadSecretAcceptsOnePrivateLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, want string
		mode       os.FileMode
	}{
		"one line":  {"whsec_c0ffee\n", "", 0o600},
		"two lines": {"whsec_c0ffee\nwhsec_c0ffee\n", "contains a space, a control character", 0o600},
		"empty":     {"\n", "is empty", 0o600},
		"too long":  {strings.Repeat("c0ffee", 1000), "is too long", 0o600},
		"open":      {"whsec_c0ffee\n", "can be read by other users (mode 0640)", 0o640},
	} {
		path := filepath.Join(t.TempDir(), "hook")
		if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		got, err := ReadSecret(path, "")
		switch {
		case c.want == "" && (err != nil || got.Reveal() != "whsec_c0ffee"):
			t.Errorf("%s: %q, %v", name, got.Reveal(), err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "c0ffee") || !got.Empty()):
			t.Errorf("%s: %q, %v; want an error with %q", name, got.Reveal(), err, c.want)
		}
	}
	if _, err := ReadSecret(filepath.Join(t.TempDir(), "gone"), ""); err == nil || !strings.Contains(err.Error(), "there is no file") {
		t.Errorf("a missing file: %v", err)
	}
}
