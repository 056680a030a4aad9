//go:build unix

package exec

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestTheOutputOfAProgramIsLoggedWithoutSecrets(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var lines []string
	e := script(t, `echo "Authorization: Bearer $OPENAI_API_KEY" >&2; printf '10%%\r50%%\r100%%\r\n' >&2
		echo "on stdout"; printf '\033[31mred\n' >&2; echo x > "$OUTPUT_DIR/x"`,
		func(o *Options) { o.Env = []string{"OPENAI_API_KEY=sk-verysecret"} },
		onLine(func(s string) { mu.Lock(); defer mu.Unlock(); lines = append(lines, s) }))
	res, err := e.Generate(t.Context(), request(t))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Authorization: Bearer [OPENAI_API_KEY]", "100%", `\x1b[31mred`, "on stdout"}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
	if res.Log != strings.Join(want[:3], "\n")+"\n" {
		t.Errorf("log %q", res.Log)
	}
}

func TestAFloodOnStderrIsCountedAndCut(t *testing.T) {
	t.Parallel()
	var lines int
	e := script(t, `yes "a line" | head -n 50000 >&2; head -c 1000000 /dev/zero | tr '\0' 'é' >&2; echo the end >&2; echo x > "$OUTPUT_DIR/x"`,
		onLine(func(string) { lines++ }))
	res, err := e.Generate(t.Context(), request(t))
	if err != nil {
		t.Fatal(err)
	}
	if lines != shownLines {
		t.Errorf("%d lines in the log, want %d", lines, shownLines)
	}
	if len(res.Log) > maxTail || len(res.Log) < maxTail/2 {
		t.Errorf("the tail has %d bytes", len(res.Log))
	}
}
