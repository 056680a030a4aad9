//go:build unix

package exec

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/order"
)

func TestWithoutAManifestVisibleFilesCountInNameOrder(t *testing.T) {
	t.Parallel()
	req := request(t)
	res, err := script(t, `cd "$OUTPUT_DIR"; echo 2 > b.png; echo 1 > a.png; echo h > .hidden; mkdir scratch; echo s > scratch/s.png
		echo "I made two pictures"`).Generate(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(req.OutputDir, "a.png"), filepath.Join(req.OutputDir, "b.png")}
	if !slices.Equal(res.Files, want) {
		t.Errorf("got %q, want %q", res.Files, want)
	}
}

func TestAManifestNamesFilesCostAndMessage(t *testing.T) {
	t.Parallel()
	req := request(t)
	res, err := script(t, `cd "$OUTPUT_DIR"; mkdir -p d; echo 1 > d/z.png; echo 2 > a.png; echo 3 > unnamed.png
		cat <<END
 {"files":["d/z.png","$(pwd -P)/a.png"],"media_type":"image","cost_usd":"0.045","message":"done\n\u001b[31m\u202ewell"}
END`).Generate(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(req.OutputDir, "d/z.png"), filepath.Join(req.OutputDir, "a.png")}
	if !slices.Equal(res.Files, want) || res.MediaType != "image" || res.Cost != 45_000 || res.Message != "done\n\\x1b[31m\\u202ewell" {
		t.Errorf("got %+v", res)
	}
}

func TestAManifestMayNameALinkOrOnlyTheCost(t *testing.T) {
	t.Parallel()
	res, err := script(t, `echo '{"url":"https://x.example/a","media_type":"link"}'`).Generate(t.Context(), request(t))
	if err != nil || res.URL != "https://x.example/a" || len(res.Files) != 0 {
		t.Errorf("got %+v, %v", res, err)
	}
	res, err = script(t, `echo x > "$OUTPUT_DIR/x"; echo '{"cost_usd":0.30000000000000004}'`).Generate(t.Context(), request(t))
	if err != nil || res.Cost != 300_000 || len(res.Files) != 1 {
		t.Errorf("got %+v, %v", res, err)
	}
}

func TestBadOutputIsRejectedWithAReason(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret.png")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		script string
		code   order.Code
		want   string
	}{
		{`:`, order.CodeNoOutput, "made nothing"},
		{`mkdir only-a-folder`, order.CodeNoOutput, "made nothing"},
		{`echo x > a; echo '{"files":[]}'`, order.CodeNoOutput, "made nothing"},
		{`: > empty.png`, order.CodeBadOutput, `"empty.png" is empty`},
		{`truncate -s 60M big.png`, order.CodeBadOutput, "has 62914560 bytes"},
		{`ln -s "$SECRET_FILE" l.png`, order.CodeBadOutput, "is a symbolic link"},
		{`echo x > a; ln -s a l.png; echo '{"files":["l.png"]}'`, order.CodeBadOutput, "is a symbolic link"},
		{`mkdir d; echo x > d/a; ln -s d e; echo '{"files":["e/a"]}'`, order.CodeBadOutput, "not made of folders"},
		{`ln -s "${SECRET_FILE%/*}" e; echo '{"files":["e/secret.png"]}'`, order.CodeBadOutput, "not made of folders"},
		{`mkfifo p.png`, order.CodeBadOutput, "is a named pipe"},
		{`mkdir d; echo '{"files":["d"]}'`, order.CodeBadOutput, "is a folder"},
		{`echo '{"files":["."]}'`, order.CodeBadOutput, "is a folder"},
		{`echo x > ../x; echo '{"files":["../x"]}'`, order.CodeBadOutput, "outside the output folder"},
		{`echo "{\"files\":[\"$SECRET_FILE\"]}"`, order.CodeBadOutput, "outside the output folder"},
		{`echo '{"files":["/etc/passwd"]}'`, order.CodeBadOutput, "outside the output folder"},
		{`echo '{"files":["a\u0000b"]}'`, order.CodeBadOutput, "outside the output folder"},
		{`echo '{"files":[""]}'`, order.CodeBadOutput, "outside the output folder"},
		{`echo '{"files":["nothing.png"]}'`, order.CodeBadOutput, "does not exist"},
		{`for i in $(seq 21); do echo x > $i.png; done`, order.CodeBadOutput, "21 files"},
		{`echo '{"files":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17","18","19","20","21"]}'`, order.CodeBadOutput, "21 files"},
		{`seq 1001 | xargs touch`, order.CodeBadOutput, "more than 1000"},
		{`echo '{"url":"file:///etc/passwd"}'`, order.CodeBadOutput, "not an http"},
		{`echo '{"url":"javascript:alert(1)"}'`, order.CodeBadOutput, "not an http"},
		{`echo '{"url":"https://user:pass@x.example/"}'`, order.CodeBadOutput, "not an http"},
		{`echo '{"url":"http://127.0.0.1/admin"}'`, order.CodeBadOutput, "not public"},
		{`echo '{"url":"http://169.254.169.254/latest/meta-data"}'`, order.CodeBadOutput, "not public"},
		{`echo '{"url":"https://[::1]/"}'`, order.CodeBadOutput, "not public"},
		{`echo '{"url":"http://2130706433/"}'`, order.CodeBadOutput, "number as its host"},
		{`echo '{"url":"http://localhost:8080/"}'`, order.CodeBadOutput, "local network"},
		{`echo '{"url":"https://NAS.local./picture"}'`, order.CodeBadOutput, "local network"},
		{`cd ..; rm -r "$OUTPUT_DIR"`, order.CodeOutputDir, "gone"},
	} {
		t.Run(tc.want+" "+tc.script[:min(len(tc.script), 20)], func(t *testing.T) {
			t.Parallel()
			e := script(t, `cd "$OUTPUT_DIR"; `+tc.script, func(o *Options) { o.Env = []string{"SECRET_FILE=" + secret} })
			_, err := e.Generate(t.Context(), request(t))
			class := order.Retry
			if tc.code == order.CodeNoOutput { // a good exit without a file is the program's way
				class = order.Hold
			}
			wantFailure(t, err, class, tc.code, tc.want)
		})
	}
}

// A flaw in what is said about a file does not lose the file: another run would be
// charged and most likely have it too.
func TestAFlawInTheManifestKeepsTheFile(t *testing.T) {
	t.Parallel()
	for name, stdout := range map[string]string{
		"exec-cost-comma": `{"cost_usd":"0,04"}`, "exec-cost-dollar": `{"cost_usd":"$0.04"}`,
		"exec-cost-nan": `{"cost_usd":NaN,"files":["a.png"]}`, "a cost below 0": `{"cost_usd":"-1"}`, "a huge cost": `{"cost_usd":1e300}`,
		"a cost that is a list": `{"cost_usd":[1]}`, "exec-extra-fields": `{"files":["a.png"],"seed":7,"model":{"x":1}}`,
		"no field that is known": `{"file":["a.png"]}`, "a file twice": `{"files":["a.png","./a.png"]}`, "one file as a text": `{"files":"a.png"}`,
		"files with a path": `{"files":[{"path":"a.png","bytes":2}]}`, "files of another form": `{"files":[7]}`,
		"a cut": `{"files":["a.png"`, "another language": `{'files': ['a.png']}`, "a message that is a list": `{"message":["made"]}`,
		"an unknown media type": `{"media_type":"hologram"}`, "a link that is of no use": `{"url":"file:///a.png"}`,
		"a useless link next to a file": `{"files":["a.png"],"url":"file:///a.png"}`, "a BOM": "\xef\xbb\xbf" + `{"files":["a.png"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lines []string
			req := request(t)
			log := slog.New(slog.NewTextHandler(writer(func(s string) { lines = append(lines, s) }), nil))
			e := script(t, `echo x > "$OUTPUT_DIR/a.png"; cat <<'END'`+"\n"+stdout+"\nEND", func(o *Options) { o.Log = log })
			res, err := e.Generate(t.Context(), req)
			if err != nil || !slices.Equal(res.Files, []string{filepath.Join(req.OutputDir, "a.png")}) || res.Cost != 0 || res.URL != "" {
				t.Errorf("got %+v, %v", res, err)
			}
			fine := strings.Contains(name, "twice") || strings.Contains(name, "one file") || strings.Contains(name, "path") || strings.Contains(name, "BOM") || strings.Contains(name, "nan")
			if noted := strings.Contains(strings.Join(lines, ""), "has a flaw"); !noted && !fine {
				t.Errorf("the log says nothing: %q", lines)
			}
		})
	}
}

type writer func(string)

func (w writer) Write(p []byte) (int, error) {
	w(string(p))
	return len(p), nil
}

func TestLinesAroundAManifestAreLogged(t *testing.T) {
	t.Parallel()
	const manifest = `{"files":["d/a.png"],"cost_usd":"0.04",` + "\n" + `"message":"made"}`
	for name, stdout := range map[string]string{
		"exec-trailing-log": manifest + "\ndone in 3s", "text after the brace": manifest + " done in 3s", "lines before": "loading\ndone in 3s\n" + manifest,
		"lines of JSON":             `{"level":"info","message":"done in 3s"}` + "\n" + manifest + "\n" + `{"level":"info","message":"bye"}`,
		"lines of another notation": "{'step': 1}\n{step 2 of 3}\n" + manifest + "\n{'end': 'done in 3s'}",
		"an earlier one":            `{"cost_usd":"9"}` + "\ndone in 3s, NaN\n" + manifest + "\nNaN",
	} {
		var lines []string
		req := request(t)
		e := script(t, `cd "$OUTPUT_DIR"; mkdir d; echo x > d/a.png; echo x > scratch.png; cat <<'END'`+"\n"+stdout+"\nEND", onLine(func(s string) { lines = append(lines, s) }))
		res, err := e.Generate(t.Context(), req)
		if err != nil || !slices.Equal(res.Files, []string{filepath.Join(req.OutputDir, "d/a.png")}) || res.Cost != 40_000 || res.Message != "made" {
			t.Errorf("%s: got %+v, %v", name, res, err)
		}
		all := strings.Join(lines, "|")
		if !strings.Contains(all, "done in 3s") || strings.Contains(all, "d/a.png") {
			t.Errorf("%s: logged %q", name, all)
		}
	}
}

// TestAReplacedOutputFolderIsRefused guards that a program cannot have files of other
// orders delivered by putting a link, or another folder, in place of its own.
func TestAReplacedOutputFolderIsRefused(t *testing.T) {
	t.Parallel()
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "another-client.txt"), []byte("private"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ script, want string }{
		"by a link":           {`rm -r "$OUTPUT_DIR"; ln -s "$OTHER_DIR" "$OUTPUT_DIR"`, "is a symbolic link, not a folder"},
		"by another folder":   {`rm -r "$OUTPUT_DIR"; cp -r "$OTHER_DIR" "$OUTPUT_DIR"`, "replaced by another"},
		"by a link above it":  {`up=$(dirname "$OUTPUT_DIR"); mv "$up" "$up.old"; mkdir "$up.new"; cp -r "$OTHER_DIR" "$up.new/out"; ln -s "$up.new" "$up"`, "replaced by another"},
		"by a link, manifest": {`rm -r "$OUTPUT_DIR"; ln -s "$OTHER_DIR" "$OUTPUT_DIR"; echo '{"files":["another-client.txt"]}'`, "is a symbolic link, not a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := request(t)
			req.OutputDir = filepath.Join(t.TempDir(), "order", "out")
			e := script(t, tc.script, func(o *Options) { o.Env = []string{"OTHER_DIR=" + other} })
			_, err := e.Generate(t.Context(), req)
			wantFailure(t, err, order.Hold, order.CodeBadOutput, tc.want)
		})
	}
	t.Run("before the run", func(t *testing.T) {
		t.Parallel()
		req := request(t)
		req.OutputDir = filepath.Join(t.TempDir(), "out")
		if err := os.Symlink(other, req.OutputDir); err != nil {
			t.Fatal(err)
		}
		_, err := script(t, `echo x > "$OUTPUT_DIR/x"`).Generate(t.Context(), req)
		wantFailure(t, err, order.Hold, order.CodeBadOutput, "is a symbolic link, not a folder")
		if _, err := os.Lstat(filepath.Join(other, "x")); err == nil {
			t.Error("the program ran")
		}
	})
}

func TestBadOutputKeepsItsCost(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"files":["gone.png"],"cost_usd":"0.04"}`,
		`{"cost_usd":"0.04","url":"file:///x"}`,
		`{"cost_usd":0.04,"files":["../x"],"url":5}`,
	} {
		_, err := script(t, `echo said >&2; echo '`+text+`'`).Generate(t.Context(), request(t))
		f := wantFailure(t, err, order.Retry, order.CodeBadOutput, "")
		if f.Cost != 40_000 || f.Log != "said\n" {
			t.Errorf("%s: cost %s, log %q", text, f.Cost, f.Log)
		}
	}
}

func TestAnUnreadableFileIsRejected(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	_, err := script(t, `cd "$OUTPUT_DIR"; echo x > a; chmod 000 a`).Generate(t.Context(), request(t))
	wantFailure(t, err, order.Retry, order.CodeBadOutput, "cannot be read")
}

// A program may name its file wrongly. What it made counts.
func TestWrongNamesDoNotLoseTheFiles(t *testing.T) {
	t.Parallel()
	for _, names := range []string{`"picture.PNG"`, `"/work/out/picture.png"`, `"../picture.png"`, `""`, `"picture.png","none.png"`} {
		req := request(t)
		e := script(t, `echo x > "$OUTPUT_DIR/picture.png"; echo '{"files":[`+names+`],"cost_usd":"0.04"}'`)
		res, err := e.Generate(t.Context(), req)
		if strings.Contains(names, "none") { // one of two would not be what the client ordered
			wantFailure(t, err, order.Retry, order.CodeBadOutput, "does not exist")
			continue
		}
		if err != nil || !slices.Equal(res.Files, []string{filepath.Join(req.OutputDir, "picture.png")}) || res.Cost != 40_000 {
			t.Errorf("%s: got %+v, %v", names, res, err)
		}
	}
}

// FuzzManifest checks that no file outside the output folder is ever accepted,
// whatever a program prints.
func FuzzManifest(f *testing.F) {
	base := f.TempDir()
	dir := filepath.Join(base, "out")
	err := errors.Join(
		os.MkdirAll(filepath.Join(dir, "sub"), 0o700),
		os.WriteFile(filepath.Join(dir, "a.png"), []byte("x"), 0o600),
		os.WriteFile(filepath.Join(dir, "sub", "b.png"), []byte("x"), 0o600),
		os.WriteFile(filepath.Join(base, "outside.png"), []byte("x"), 0o600),
		os.WriteFile(filepath.Join(base, "out.pid"), []byte("x"), 0o600),
		os.Symlink(filepath.Join(base, "outside.png"), filepath.Join(dir, "link.png")),
		os.Symlink("..", filepath.Join(dir, "up")),
	)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		`{"files":["a.png","sub/b.png"],"cost_usd":"0.04"}`, `{"files":["../outside.png"]}`, `{"files":["up/outside.png"]}`,
		`{"files":["link.png"]}`, `{"files":["` + dir + `/a.png"]}`, `{"files":["` + base + `/outside.png"]}`,
		`{"files":["sub/../../out.pid"]}`, `{"files":["sub/../a.png"]}`, `{"files":["up/out/a.png"]}`,
		`{"url":"https://x.example/","media_type":"link"}`, `{"files":null,"cost_usd":1e-7}`, `{}`, `text`, ` {"files":["a.png","a.png"]}`, "a\n{\"files\":[\"../outside.png\"]}\nb", `{"files":["a.png"`, `{"cost_usd":NaN} NaN`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stdout []byte) {
		object, text := splitManifest(stdout)
		if len(object)+len(text) != len(stdout) {
			t.Fatalf("%q was separated into %q and %q", stdout, object, text)
		}
		m, err := parseManifest(object, newRedactor(nil))
		if err != nil {
			return
		}
		if m.Cost < 0 {
			t.Fatalf("a cost of %s", m.Cost)
		}
		files, err := collect(dir, m, newRedactor(nil))
		if err != nil {
			return
		}
		for _, path := range files {
			real, err := filepath.EvalSymlinks(path)
			if err != nil {
				t.Fatal(err)
			}
			st, err := os.Lstat(path)
			if err != nil || !st.Mode().IsRegular() || !strings.HasPrefix(real, resolved(dir)+"/") || !strings.HasPrefix(path, dir+"/") {
				t.Fatalf("%q accepted %q (%q), %v", stdout, path, real, err)
			}
		}
	})
}
