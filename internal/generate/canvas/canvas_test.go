package canvas

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

func canvas(t testing.TB) *Painter {
	t.Helper()
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func painted(t testing.TB, req generate.Request) []byte {
	t.Helper()
	page, err := canvas(t).paint(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return page.Pix
}

func TestEveryMotifFillsASmallFile(t *testing.T) {
	t.Parallel()
	for _, m := range motifs() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			img, err := canvas(t).paint(t.Context(), generate.Request{OrderID: "o", Brief: m.words[0]})
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), canvasFile)
			if err := writePNG(t.Context(), path, img); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if st, err := f.Stat(); err != nil || st.Size() > 3<<20 {
				t.Errorf("%d bytes, want at most 3 MB", st.Size())
			}
			if c, err := png.DecodeConfig(f); err != nil || c.Width != pageSize || c.Height != pageSize {
				t.Errorf("it is %d x %d, %v", c.Width, c.Height, err)
			}
			colours := make(map[uint32]bool)
			for y := pageMargin; y < pageMargin+artHeight; y += 9 {
				for x := pageMargin; x < pageMargin+artWidth; x += 9 {
					r, g, b, _ := img.At(x, y).RGBA()
					colours[r>>13<<6|g>>13<<3|b>>13] = true
				}
			}
			if len(colours) < 4 {
				t.Errorf("the picture has only %d colours", len(colours))
			}
		})
	}
}

func TestAPictureDependsOnOrderRoundAndBriefOnly(t *testing.T) {
	t.Parallel()
	req := generate.Request{OrderID: "o", Round: 1, Attempt: 1, Brief: "a fox in the hills"}
	first := painted(t, req)
	again := req
	again.Attempt = 2
	if !bytes.Equal(first, painted(t, again)) {
		t.Error("another attempt painted another picture")
	}
	for name, change := range map[string]func(*generate.Request){
		"order": func(r *generate.Request) { r.OrderID = "p" },
		"round": func(r *generate.Request) { r.Round = 2 },
		"brief": func(r *generate.Request) { r.Brief += "!" },
	} {
		other := req
		change(&other)
		if bytes.Equal(first, painted(t, other)) {
			t.Errorf("another %s painted the same picture", name)
		}
	}
}

func TestWordsOfTheBriefChooseMotifAndColours(t *testing.T) {
	t.Parallel()
	r := newRand(1)
	for brief, want := range map[string]string{
		"A lonely island in the OCEAN, please": "hills", "roses in a garden": "bloom", "Bauhaus-poster": "tiles",
	} {
		if got := chooseMotif(wordsOf(brief), r).name; got != want {
			t.Errorf("%q gave %s, want %s", brief, got, want)
		}
	}
	p := choosePalette(wordsOf("navy and honey"), r)
	if p.stops[0] != hex32(0x0b2340) || p.stops[4] != hex32(0xfff8e0) {
		t.Errorf("two colour words gave %v", p.stops)
	}
	for i := range 20 {
		if p := choosePalette(nil, newRand(uint64(i))); p.at(0) == p.at(1) {
			t.Error("a ramp of one colour")
		}
	}
}

func TestACancelledPictureLeavesNoFile(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(order.ErrStopping)
	dir := filepath.Join(t.TempDir(), "out")
	for _, m := range motifs() {
		_, err := canvas(t).Generate(ctx, generate.Request{Brief: m.words[0], OutputDir: dir})
		if f := order.Classify(t.Context(), err); f == nil || f.Class != order.Stopped {
			t.Errorf("%s: got %v, want stopped", m.name, err)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the folder was created")
	}
	page, err := canvas(t).paint(t.Context(), generate.Request{Brief: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := writePNG(ctx, filepath.Join(dir, canvasFile), page); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}

func TestAWriteErrorIsRetried(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := canvas(t).Generate(t.Context(), generate.Request{OutputDir: filepath.Join(file, "out")})
	if f := order.Classify(t.Context(), err); f == nil || f.Class != order.Retry || f.Code != order.CodeOutputDir {
		t.Errorf("got %v, want retry, output_dir", err)
	}
}

func TestACaptionShowsOnlyGlyphsOfTheFont(t *testing.T) {
	t.Parallel()
	c := canvas(t)
	for in, want := range map[string]string{
		"A  fox \U0001F98A\n\tand\x00 a\x1b[31m cub": "A fox and a[31m cub",
		"\U0001F469\u200d\U0001F680 \u732b":          "",
		"Größe naïve Ελλάδα":                         "Größe naïve Ελλάδα",
		"\u202eevil\xff":                             "evil",
	} {
		if got := drawable(c.font, in); got != want {
			t.Errorf("drawable(%q) = %q, want %q", in, got, want)
		}
	}
	if got := drawable(c.font, strings.Repeat("\U0001F98A", 1<<20)); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestACaptionBreaksAtBlanksAndEndsInAnEllipsis(t *testing.T) {
	t.Parallel()
	c := canvas(t)
	face, err := newFace(c.font, captionSize)
	if err != nil {
		t.Fatal(err)
	}
	const width = 300
	check := func(text string, wantLines int, cut bool) {
		t.Helper()
		lines := wrap(face, text, width, 3)
		if len(lines) != wantLines {
			t.Errorf("%.30q gave %q", text, lines)
			return
		}
		for _, l := range lines {
			if !utf8.ValidString(l) || font.MeasureString(face, l) > fixed.I(width) || l != strings.TrimSpace(l) {
				t.Errorf("the line %q does not fit", l)
			}
		}
		joined := strings.Join(lines, " ")
		if wantLines > 0 && strings.HasSuffix(joined, "…") != cut {
			t.Errorf("%.30q gave %q", text, lines)
		}
		if !cut && !strings.ContainsRune(text, 'ß') && joined != text {
			t.Errorf("%q became %q", text, joined)
		}
	}
	check("", 0, false)
	check("short", 1, false)
	check("two lines are needed for this text", 2, false)
	check(strings.Repeat("word ", 60)+"end", 3, true)
	check(strings.Repeat("ß", 200), 3, true)
	check(strings.Repeat("ß", 30), 2, false)
}

func BenchmarkCanvas(b *testing.B) {
	c := canvas(b)
	for _, m := range motifs() {
		b.Run(m.name, func(b *testing.B) {
			req := generate.Request{OrderID: "o", Brief: m.words[0], OutputDir: b.TempDir()}
			for b.Loop() {
				if _, err := c.Generate(b.Context(), req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
