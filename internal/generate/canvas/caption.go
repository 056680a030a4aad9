package canvas

import (
	"image"
	"image/color"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

const (
	captionSize  = 22
	captionLead  = 31
	captionLines = 3
	// captionChars is how much of a brief is read: more than three lines can hold,
	// however narrow the letters.
	captionChars = 600
)

// drawText draws one line of text whose baseline begins at a point.
func drawText(dst *image.RGBA, face font.Face, ink color.Color, at image.Point, text string) {
	d := font.Drawer{Dst: dst, Src: image.NewUniform(ink), Face: face, Dot: fixed.P(at.X, at.Y)}
	d.DrawString(text)
}

func newFace(f *sfnt.Font, size float64) (font.Face, error) {
	return opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
}

// drawable returns the text that the font can show, on one line. It drops controls and
// characters without a glyph, such as emoji, and joins blanks.
func drawable(f *sfnt.Font, text string) string {
	var buf sfnt.Buffer
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > captionChars {
			break
		}
		if unicode.IsSpace(r) {
			b.WriteByte(' ')
			continue
		}
		if glyph, err := f.GlyphIndex(&buf, r); err == nil && glyph != 0 && unicode.IsPrint(r) && r != utf8.RuneError {
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// wrap breaks text into at most lines lines of the given width in pixels. A text that
// does not fit ends in an ellipsis. A word longer than a line is broken.
func wrap(face font.Face, text string, width, lines int) []string {
	fits := func(s string) bool { return font.MeasureString(face, s) <= fixed.I(width) }
	var out []string
	for text != "" && len(out) < lines {
		if fits(text) {
			return append(out, text)
		}
		last := len(out) == lines-1
		end, blank := 0, 0
		for i, r := range text {
			candidate := text[:i]
			if last {
				candidate = strings.TrimRight(candidate, " ,.;:") + "…"
			}
			if i > 0 && !fits(candidate) {
				break
			}
			end = i
			if r == ' ' {
				blank = i
			}
		}
		if blank > 0 {
			end = blank
		}
		if _, first := utf8.DecodeRuneInString(text); end == 0 {
			end = first
		}
		line := text[:end]
		if last {
			line = strings.TrimRight(line, " ,.;:") + "…"
		}
		out = append(out, line)
		text = strings.TrimLeft(text[end:], " ")
	}
	return out
}
