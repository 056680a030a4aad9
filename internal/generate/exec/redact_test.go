//go:build unix

package exec

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

// The keys of these tests. No escaping changes the first, and every escaping changes
// the second.
const (
	plainKey = "sk-veryhidden-0123456789-abcdef"
	oddKey   = `p"q\r/s<t>&u é+v=w:x@y z`
)

// keyed returns a script that has both keys in its environment.
func keyed(t testing.TB, text string, options ...func(*Options)) *Program {
	t.Helper()
	return script(t, text, append(options, func(o *Options) {
		o.Env = append(o.Env, "OPENAI_API_KEY="+plainKey, "ODD_PASSWORD="+oddKey)
	})...)
}

// wantNoPart fails if five bytes in a row of the secret are in what is shown.
func wantNoPart(t testing.TB, secret string, shown ...string) {
	t.Helper()
	for _, text := range shown {
		for i := range len(secret) - 4 {
			if strings.Contains(text, secret[i:i+5]) {
				t.Fatalf("%q of the secret is left in %q", secret[i:i+5], text[max(0, len(text)-300):])
			}
		}
	}
}

// shown returns all that is stored and shown of a failure.
func shown(t testing.TB, err error) []string {
	t.Helper()
	f, ok := errors.AsType[*order.Failure](err)
	if !ok {
		t.Fatalf("got %v, want a failure", err)
	}
	return []string{f.Error(), f.Hint, f.Log}
}

// logged returns a lineLog with the given secrets, and the lines that it logs.
func logged(env ...string) (*lineLog, *[]string) {
	var lines []string
	log := slog.New(lineHandler{slog.DiscardHandler, func(s string) { lines = append(lines, s) }})
	return newLineLog(log, newRedactor(env)), &lines
}

func TestACutLineHoldsNoPartOfASecret(t *testing.T) {
	t.Parallel()
	for from := maxLine - len(plainKey) - 2; from <= maxLine+2; from++ {
		// A line gets shorter when secrets are removed, so its cut moves.
		for _, line := range []string{
			strings.Repeat("x", from) + plainKey + " and more",
			strings.Repeat(plainKey+" ", 50) + strings.Repeat("x", from-50*(len(plainKey)+1)) + plainKey,
		} {
			log, lines := logged("API_KEY=" + plainKey)
			fmt.Fprintln(log, line)
			reason := log.finish([]byte("on stdout: " + line))
			if len(*lines) != 2 || len((*lines)[0]) > maxLine || len((*lines)[1]) > maxLine {
				t.Fatalf("%d lines", len(*lines))
			}
			wantNoPart(t, plainKey, append(*lines, reason, log.tail())...)
		}
	}
}

func TestTheTailOfTheLogHoldsNoPartOfASecret(t *testing.T) {
	t.Parallel()
	for after := maxTail - len(plainKey) - 2; after <= maxTail+2; after++ {
		log, _ := logged("API_KEY=" + plainKey)
		fmt.Fprintln(log, "Bearer "+plainKey)
		for left := after; left > 0; left -= 100 {
			fmt.Fprintln(log, strings.Repeat("x", min(left, 100)-1))
		}
		log.finish(nil)
		wantNoPart(t, plainKey, log.tail())
	}
}

func TestASecretSplitBetweenWritesIsRemoved(t *testing.T) {
	t.Parallel()
	text := "Bearer " + plainKey + ", sk-very well\n"
	for i := range len(text) {
		log, lines := logged("API_KEY=" + plainKey)
		fmt.Fprint(log, text[:i])
		fmt.Fprint(log, text[i:])
		if want := []string{"Bearer [API_KEY], sk-very well"}; !slices.Equal(*lines, want) {
			t.Fatalf("split at %d: got %q", i, *lines)
		}
	}
	log, lines := logged("API_KEY=" + plainKey)
	for i := range len(text) {
		fmt.Fprint(log, text[i:i+1])
	}
	if want := []string{"Bearer [API_KEY], sk-very well"}; !slices.Equal(*lines, want) {
		t.Errorf("byte by byte: got %q", *lines)
	}

	half := len(plainKey) / 2
	_, err := keyed(t, `printf 'Bearer `+plainKey[:half]+`' >&2; sleep 0.2; echo '`+plainKey[half:]+`' >&2; exit 1`).Generate(t.Context(), request(t))
	wantFailure(t, err, order.Retry, order.CodeExit, "Bearer [OPENAI_API_KEY]")
	wantNoPart(t, plainKey, shown(t, err)...)
}

func TestTheBeginningOfASecretAtTheEndIsRemoved(t *testing.T) {
	t.Parallel()
	log, lines := logged("API_KEY=" + plainKey)
	fmt.Fprint(log, "Bearer "+plainKey[:20]) // killed in the middle of a write
	log.finish([]byte("Bearer " + plainKey[:20]))
	if want := []string{"Bearer [API_KEY]", "Bearer [API_KEY]"}; !slices.Equal(*lines, want) {
		t.Errorf("got %q", *lines)
	}
	log, lines = logged("API_KEY=" + plainKey)
	fmt.Fprint(log, "what does it as")
	log.finish([]byte("what does it as")) // "s" could have become a secret
	if want := []string{"what does it as", "what does it as"}; !slices.Equal(*lines, want) {
		t.Errorf("got %q", *lines)
	}
}

func TestALineWithoutASecretIsLoggedAtOnce(t *testing.T) {
	t.Parallel()
	log, lines := logged("API_KEY=" + plainKey)
	fmt.Fprint(log, "sk-very\n")
	if len(*lines) != 1 {
		t.Errorf("got %q", *lines)
	}
}

func TestARunShowsNoPartOfASecret(t *testing.T) {
	t.Parallel()
	// The cut of each text goes through the key.
	long := func(cut int) string { return strings.Repeat("x", cut-10) + plainKey }
	texts := filepath.Join(t.TempDir(), "texts")
	if err := os.WriteFile(texts, []byte(long(maxLine)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	manifest := `echo '{"message":"` + long(maxMessage) + `"}'`
	for _, end := range []string{"exit 0", "exit 1", "exit 65", "exit 75", "exit 78", "kill -9 $$", "sleep 60"} {
		for _, print := range []string{"cat " + texts + " >&2", "cat " + texts, "cat " + texts + " >&2; " + manifest} {
			var lines []string
			e := keyed(t, `echo x > "$OUTPUT_DIR/x"; `+print+"; "+end, onLine(func(s string) { lines = append(lines, s) }),
				func(o *Options) {
					if end == "sleep 60" {
						o.Timeout = 300 * time.Millisecond
					}
				})
			res, err := e.Generate(t.Context(), request(t))
			all := append(lines, res.Message, res.Log)
			if end != "exit 0" {
				all = append(all, shown(t, err)...)
			} else if err != nil {
				t.Fatal(err)
			}
			if len(lines) == 0 {
				t.Fatalf("%s: nothing was logged", print)
			}
			wantNoPart(t, plainKey, all...)
		}
	}
}

func TestTheSelfCheckShowsNoSecret(t *testing.T) {
	t.Parallel()
	said := strings.Repeat("x", maxLine-10) + plainKey
	e := keyed(t, "", func(o *Options) {
		o.SelfCheck = []string{"sh", "-c", "printf '%05000d\n' 1 | tr 0 x >&2; echo '" + said + "' >&2; exit 1"}
	})
	err := e.Check(t.Context())
	wantFailure(t, err, order.Hold, order.CodeSelfCheck, "exited with 1")
	wantNoPart(t, plainKey, shown(t, err)...)

	e = keyed(t, "", func(o *Options) { o.SelfCheck = []string{"false", strings.Repeat("x", 180) + plainKey} })
	wantNoPart(t, plainKey, shown(t, e.Check(t.Context()))...)
}
