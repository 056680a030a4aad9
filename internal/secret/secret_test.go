package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const hidden = "atelier_5ec2e7"

func TestEveryVerbPrintsRedacted(t *testing.T) {
	t.Parallel()
	s := New(hidden)
	for _, verb := range strings.Split("v s q x X d b o O c U t e E f F g G", " ") {
		for _, flag := range []string{"", "+", "#", "-", " ", "0", "40", ".3"} {
			format := "%" + flag + verb
			if got := fmt.Sprintf(format, s); got != Redacted {
				t.Errorf("%s of a secret = %q, want %q", format, got, Redacted)
			}
			if got := fmt.Sprintf(format, &s); got != Redacted {
				t.Errorf("%s of a pointer to a secret = %q, want %q", format, got, Redacted)
			}
		}
	}
	for name, got := range map[string]string{"String": s.String(), "GoString": s.GoString(), "Sprint": fmt.Sprint(s)} {
		if got != Redacted {
			t.Errorf("%s = %q, want %q", name, got, Redacted)
		}
	}
}

func TestASecretInsideOtherValuesIsNotPrinted(t *testing.T) {
	t.Parallel()
	type holder struct {
		Open   Text
		closed Text
		deep   map[string]Text
	}
	h := holder{New(hidden), New(hidden), map[string]Text{"k": New(hidden)}}
	hex := fmt.Sprintf("%x", hidden)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%p", "%w", "%T", "%!", "%z"} {
		for _, value := range []any{h, &h, []holder{h}, h.Open, []Text{h.Open}} {
			got := fmt.Sprintf(format, value)
			if strings.Contains(got, hidden) || strings.Contains(got, hex) {
				t.Errorf("%s of %T reveals the secret: %s", format, value, got)
			}
		}
	}
}

func TestEncodersAndLogsWriteRedacted(t *testing.T) {
	t.Parallel()
	s := New(hidden)
	encoded, err := json.Marshal(map[string]any{"key": s, "list": []Text{s}, "by": map[string]*Text{"p": &s}})
	if want := `{"by":{"p":"[secret]"},"key":"[secret]","list":["[secret]"]}`; err != nil || string(encoded) != want {
		t.Errorf("json = %s, %v; want %s", encoded, err, want)
	}
	if text, err := s.MarshalText(); err != nil || string(text) != Redacted {
		t.Errorf("MarshalText = %q, %v", text, err)
	}
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("line", "key", s, "group", slog.GroupValue(slog.Any("inner", s)), "any", struct{ K Text }{s})
	}
	if strings.Contains(out.String(), hidden) || strings.Count(out.String(), Redacted) < 4 {
		t.Errorf("log = %s", out.String())
	}
}

func TestRevealReturnsTheSecret(t *testing.T) {
	t.Parallel()
	if got := New(hidden).Reveal(); got != hidden {
		t.Errorf("Reveal = %q, want %q", got, hidden)
	}
	var zero Text
	if !zero.Empty() || !New("").Empty() || New(hidden).Empty() || zero.Reveal() != "" {
		t.Error("Empty must be true of the zero value and of New(\"\") only")
	}
}
