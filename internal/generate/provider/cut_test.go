package provider

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"atelierd/internal/generate"
)

// film returns a file of more than leastCut bytes that needs every letter of base64.
func film(name string) string {
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	for i := 0; b.Len() < 4*leastCut; i++ {
		fmt.Fprintf(&b, "%s %d \xfb\xff\xfe", name, i)
	}
	for b.Len()%3 != 1 { // its base64 needs padding
		b.WriteByte('.')
	}
	return b.String()
}

func inBase64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func jsonAnswer(body string) []said {
	return []said{{status: 200, body: body, header: map[string]string{"Content-Type": "application/json"}}}
}

func TestLargeFilesInBase64GoToTheDisk(t *testing.T) {
	t.Parallel()
	coded := inBase64(film("a"))
	for name, form := range map[string]string{
		"plain": coded, "URL-safe": strings.NewReplacer("+", "-", "/", "_").Replace(coded), "without padding": strings.TrimRight(coded, "="),
		"with line ends": strings.ReplaceAll(coded, "AA", `A\r\nA`), "with escapes": strings.NewReplacer("/", `\/`, "+", `\u002b`, "=", `\u003d`).Replace(coded),
		"a data address": "data:image/png;base64," + coded, "odd in every way": `DATA:image\/png;charset=x;BASE64, ` + coded + `\n`,
	} {
		for source, reader := range map[string]func(io.Reader) io.Reader{"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader} {
			s := &spool{dir: t.TempDir()}
			body, n, err := s.cut(reader(strings.NewReader(`{"a\"":"x","data":["` + form + `"],"b":"\\"}`)))
			if err != nil || n < int64(len(form)) || len(body) > 2*keptLetters {
				t.Fatalf("%s %s: %d of %d bytes in memory, %v", name, source, len(body), n, err)
			}
			list := resultsIn(anyOf(body))
			if len(list) != 1 {
				t.Fatalf("%s: found %d files in %.200s", name, len(list), body)
			}
			b := list[0]
			if strings.HasPrefix(b.link, "data:") {
				if b, err = fromBase64(b.link); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(s.whole(b).file)
			if err != nil || string(got) != film("a") {
				t.Errorf("%s %s: got %d bytes, %v", name, source, len(got), err)
			}
		}
	}
}

// Each back end whose answers may hold base64 finds files that went to the disk.
func TestEveryProviderFindsLargeFilesInBase64(t *testing.T) {
	t.Parallel()
	a, b := inBase64(film("a")), inBase64(film("b"))
	for name, c := range map[string]struct {
		spec Spec
		says map[string][]said
	}{
		"openai": {Spec{Type: "openai", Model: "m"}, map[string][]said{
			"POST /images/generations": jsonAnswer(`{"data":[{"b64_json":"` + a + `"},{"b64_json":"` + b + `"}]}`),
		}},
		"gemini": {Spec{Type: "gemini", Model: "gemini-image"}, map[string][]said{
			"POST " + geminiPath + ":generateContent": jsonAnswer(`{"candidates":[{"content":{"parts":[{"text":"draft","thought":true},{"inlineData":{"data":"` +
				a + `"}},{"inline_data":{"data":"` + b + `"}}]}}]}`),
		}},
		"a1111": {Spec{Type: "a1111", Params: map[string]any{"batch_size": 2}}, map[string][]said{
			"POST /sdapi/v1/txt2img": jsonAnswer(`{"images":["` + a + `","` + b + `","` + inBase64("a map") + `"],"info":{"all_seeds":[1,2]}}`),
		}},
		"http": {Spec{Type: "http"}, map[string][]said{
			"POST /": jsonAnswer(`{"urls":["data:image/png;base64,` + a + `","data:image/png;base64,` + b + `"]}`),
		}},
		"fal": {Spec{Type: "fal", Model: "a/b"}, map[string][]said{
			"POST /a/b": jsonAnswer(`{"request_id":"r1"}`), "GET /a/b/requests/r1/status?logs=1": jsonAnswer(`{"status":"COMPLETED"}`),
			"GET /a/b/requests/r1": jsonAnswer(`{"images":[{"url":"data:image/png;base64,` + a + `"},{"url":"data:image/png;base64,` + b + `"}]}`),
		}},
	} {
		s := script(t, c.says)
		dir := t.TempDir()
		made, err := s.provider(t, c.spec).Generate(t.Context(), generate.Request{Prompt: "a lighthouse", OutputDir: dir})
		if err != nil || len(made.Files) != 2 {
			t.Fatalf("%s: %v, %v", name, made.Files, err)
		}
		for i, want := range []string{film("a"), film("b")} {
			if got, err := os.ReadFile(made.Files[i]); err != nil || string(got) != want {
				t.Errorf("%s: got %d bytes, %v", name, len(got), err)
			}
		}
		if left, _ := os.ReadDir(dir); len(left) != 2 {
			t.Errorf("%s left %v", name, left)
		}
	}
}

func TestALargeTextThatIsNoBase64StaysWhatItIs(t *testing.T) {
	t.Parallel()
	coded := inBase64(film("a"))
	for name, text := range map[string]string{
		"a text": strings.Repeat("to be or not to be, ", leastCut/10), "spaces": strings.Repeat(" ", 2*leastCut),
		"percent signs": "data:image/png;base64,%2B" + coded, "not as base64": "data:text/plain," + coded,
	} {
		s := &spool{dir: t.TempDir()}
		body, _, err := s.cut(strings.NewReader(`{"a":"` + text + `"}`))
		if left, _ := os.ReadDir(s.dir); err != nil || string(body) != `{"a":"`+text+`"}` || len(left) > 0 {
			t.Errorf("%s: got %d bytes and %v, %v", name, len(body), left, err)
		}
	}
	for name, odd := range map[string]string{"a letter": "*", "an escape": `\u00e9`, "a broken escape": `\x`, "after the padding": "=A", "one letter more": "AAA"} {
		s := &spool{dir: t.TempDir()}
		body, _, err := s.cut(strings.NewReader(`{"a":"` + strings.TrimRight(coded, "=") + odd + `"}`))
		if err != nil || !json.Valid(body) {
			t.Fatalf("%s: %v, %.100q", name, err, body)
		}
		if _, err := pictureIn(anyOf(body).(map[string]any)["a"]); err == nil {
			t.Errorf("%s is base64", name)
		}
		s.clear()
		if left, _ := os.ReadDir(s.dir); len(left) > 0 {
			t.Errorf("%s left %v", name, left)
		}
	}
}

// A file that only looks like JSON is delivered as it is.
func TestAFileOfJSONIsNotCut(t *testing.T) {
	t.Parallel()
	body := `{"buffers":"` + inBase64(film("a")) + `"}`
	s := script(t, map[string][]said{"POST /": {{status: 200, body: body, header: map[string]string{"Content-Type": "text/plain"}}}})
	if files, f := s.generate(t, Spec{Type: "http"}, generate.Request{}); f != nil || len(files) != 1 || files[0] != body {
		t.Errorf("got %d files, %v", len(files), f)
	}
}

// A disk that takes no file while the answer is read does not lose what is paid for.
func TestAnAnswerStaysInMemoryIfTheDiskDoesNotTakeIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, ".answer-1.tmp", "x"), 0o700); err != nil { // no file can be there
		t.Fatal(err)
	}
	s := script(t, map[string][]said{"POST /sdapi/v1/txt2img": jsonAnswer(`{"images":["` + inBase64(film("a")) + `"]}`)})
	made, err := s.provider(t, Spec{Type: "a1111"}).Generate(t.Context(), generate.Request{Prompt: "a lighthouse", OutputDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(made.Files[0]); err != nil || string(got) != film("a") {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// A file that is moved stays where it is when the result is stored once more.
func TestAResultIsStoredAgainAfterAPartOfItFailed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := script(t, map[string][]said{
		"POST /images/generations": jsonAnswer(`{"data":[{"b64_json":"` + inBase64(film("a")) + `"},{"url":"{{base}}/f"}]}`),
		"GET /f":                   {{status: http.StatusBadGateway}, {status: 200, body: "made"}},
	})
	made, err := s.provider(t, Spec{Type: "openai", Model: "m"}).Generate(t.Context(), generate.Request{Prompt: "a lighthouse", OutputDir: dir})
	if err != nil || len(made.Files) != 2 {
		t.Fatalf("%v, %v", made.Files, err)
	}
	if got, err := os.ReadFile(made.Files[0]); err != nil || string(got) != film("a") {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// A job is asked about many times, and each answer may hold a preview.
func TestOnlyTheLastAnswerTakesRoom(t *testing.T) {
	t.Parallel()
	s := &spool{dir: t.TempDir()}
	whole := `{"preview":"` + inBase64(film("a")) + `","state":"running"}`
	read := func(body io.Reader, want error) {
		resp := reading(body)
		resp.Header = http.Header{"Content-Type": {"application/json; charset=utf-8"}}
		if body, _, err := s.read(resp, maxAnswer); err != want || len(body) == 0 || len(body) > 2*keptLetters { //nolint:errorlint // nothing wraps it
			t.Errorf("%d bytes in memory, %v", len(body), err)
		}
		if left, err := os.ReadDir(s.dir); err != nil || len(left) != 1 {
			t.Errorf("on the disk are %v, %v", left, err)
		}
	}
	read(strings.NewReader(whole), nil)
	read(strings.NewReader(whole), nil)
	read(torn{strings.NewReader(whole[:3*leastCut])}, io.ErrUnexpectedEOF)
	s.clear()
	if left, err := os.ReadDir(s.dir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
