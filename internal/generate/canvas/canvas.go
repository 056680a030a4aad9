// Package canvas paints pictures by itself, to try the daemon out: generative art
// whose motif and colours follow single words of the brief, with the brief as its
// caption. It understands nothing else of a brief, so its pictures are not to sell.
//
// It must not know anything but the request.
package canvas

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

const (
	pageSize   = 1024
	pageMargin = 72
	artWidth   = pageSize - 2*pageMargin
	artHeight  = 770
	canvasFile = "canvas.png"
)

// Painter is a generate.Generator. The same order, round and brief give the same
// bytes on the same kind of machine.
type Painter struct{ font *sfnt.Font }

// New returns a painter.
func New() (*Painter, error) {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("cannot read the font of the caption: %w", err)
	}
	return &Painter{font: f}, nil
}

// Check implements generate.Generator. It always succeeds.
func (c *Painter) Check(context.Context) error { return nil }

// Repeats implements generate.Repeater. The same picture is painted again at no cost.
func (c *Painter) Repeats() bool { return true }

// Generate implements generate.Generator. It paints one PNG of 1024 x 1024 pixels.
func (c *Painter) Generate(ctx context.Context, req generate.Request) (generate.Result, error) {
	if !filepath.IsAbs(req.OutputDir) {
		return generate.Result{}, order.Failf(order.Hold, order.CodeBadRequest, "the output folder must be an absolute path")
	}
	page, err := c.paint(ctx, req)
	if err != nil {
		return generate.Result{}, err
	}
	path := filepath.Join(req.OutputDir, canvasFile)
	if err := writePNG(ctx, path, page); err != nil {
		if ctx.Err() != nil {
			return generate.Result{}, generate.Stopped(ctx)
		}
		return generate.Result{}, order.Failf(order.Retry, order.CodeOutputDir, "cannot write the picture: %w", err)
	}
	return generate.Result{Files: []string{path}, MediaType: "image"}, nil
}

// paint returns the page: the picture on paper with the caption below.
func (c *Painter) paint(ctx context.Context, req generate.Request) (*image.RGBA, error) {
	text := fmt.Appendf(nil, "%q %d %q", req.OrderID, req.Round+req.Piece, req.Wish())
	if len(req.PreviousTakes) > 0 {
		text = fmt.Appendf(text, " %d %q", len(req.PreviousTakes), req.Instructions)
	}
	seed := sha256.Sum256(text)
	r := rand.New(rand.NewPCG(binary.BigEndian.Uint64(seed[:]), binary.BigEndian.Uint64(seed[8:])))
	words := wordsOf(req.Wish())
	p := choosePalette(coloursOf(req, words), r)
	m := chooseMotif(words, r)

	art := newSurface(artWidth, artHeight)
	m.paint(&brush{
		surface: art, palette: p, rand: r, noise: newNoise(r), words: words,
		stopped: func() bool { return ctx.Err() != nil },
	})
	if ctx.Err() != nil {
		return nil, generate.Stopped(ctx)
	}
	paper := mix(hex32(0xfbf9f4), p.at(1), 0.25)
	page := image.NewRGBA(image.Rect(0, 0, pageSize, pageSize))
	expose(page, art, paper, seed[16])
	if err := c.caption(page, req.Wish(), p, hex.EncodeToString(seed[:3])); err != nil {
		return nil, order.Failf(order.Hold, order.CodeMisconfigured, "cannot set the caption: %w", err)
	}
	return page, nil
}

// coloursOf returns the words that choose the colours: those of what the owner wants
// changed, else of what the client wants changed, else of the brief.
func coloursOf(req generate.Request, brief []string) []string {
	changes := []string{req.Instructions}
	for i := len(req.Messages) - 1; i >= 0 && req.Round > 0; i-- {
		if req.Messages[i].From == "client" {
			changes = append(changes, req.Messages[i].Text)
			break
		}
	}
	for _, text := range changes {
		words := wordsOf(text)
		if slices.ContainsFunc(words, func(w string) bool { return swatchOf(w) >= 0 }) {
			return words
		}
	}
	return brief
}

// expose copies the picture onto the paper, with a fine grain that hides the steps of
// soft gradients.
func expose(page *image.RGBA, art *surface, paper rgb, salt byte) {
	flat := to8(paper, 0)
	for i := 0; i < len(page.Pix); i += 4 {
		page.Pix[i], page.Pix[i+1], page.Pix[i+2], page.Pix[i+3] = flat.R, flat.G, flat.B, 255
	}
	art.shade(func(x, y int, c rgb) rgb {
		// A hash of the position. Two small numbers add up to a triangular distribution.
		n := (uint32(x)*0x9e3779b1 ^ uint32(y)*0x85ebca6b) + uint32(salt)
		n = (n ^ n>>15) * 0x2c1b3c6d
		n = (n ^ n>>12) * 0x297a2d39
		n ^= n >> 15
		grain := (float32(n&0xffff)+float32(n>>16))/65536 - 1
		v := to8(c, grain*1.6)
		at := page.PixOffset(x+pageMargin, y+pageMargin)
		page.Pix[at], page.Pix[at+1], page.Pix[at+2] = v.R, v.G, v.B
		return c
	})
}

func to8(c rgb, grain float32) color.RGBA {
	part := func(v float32) uint8 { return uint8(min(255, max(0, v*255+0.5+grain))) }
	return color.RGBA{part(c.r), part(c.g), part(c.b), 255}
}

func (c *Painter) caption(page *image.RGBA, brief string, p *palette, number string) error {
	face, err := newFace(c.font, captionSize)
	if err != nil {
		return err
	}
	defer face.Close()
	small, err := newFace(c.font, 13)
	if err != nil {
		return err
	}
	defer small.Close()
	ink := to8(mix(p.stops[0], hex32(0x222222), 0.5), 0)
	faint := to8(mix(p.stops[0], hex32(0xfbf9f4), 0.5), 0)

	text := drawable(c.font, brief)
	if text == "" {
		text = "Untitled"
	}
	y := pageMargin + artHeight + 48
	for _, line := range wrap(face, text, artWidth-170, captionLines) {
		drawText(page, face, ink, image.Pt(pageMargin, y), line)
		y += captionLead
	}
	sign := "canvas sketch " + number
	width := font.MeasureString(small, sign).Ceil()
	drawText(page, small, faint, image.Pt(pageMargin+artWidth-width, pageMargin+artHeight+48), sign)
	return nil
}

// wordsOf returns the words of a text in lower case, without the s of a plural.
func wordsOf(text string) []string {
	text = strings.ToLower(text[:min(len(text), 4000)])
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
	for i, w := range words {
		if len(w) > 3 && !strings.HasSuffix(w, "ss") {
			words[i] = strings.TrimSuffix(w, "s")
		}
	}
	return words
}

// writePNG writes a temporary file and renames it, so that no partial picture is ever
// seen.
func writePNG(ctx context.Context, path string, page *image.RGBA) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".canvas-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // after the rename there is nothing to remove
	defer f.Close()
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := enc.Encode(stoppable{ctx, f}, page); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// stoppable fails to write once ctx has ended.
type stoppable struct {
	ctx context.Context
	w   io.Writer
}

func (s stoppable) Write(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.w.Write(p)
}
