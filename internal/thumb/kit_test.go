package thumb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path"
	"path/filepath"
	"sync"
	"testing"

	"atelierd/internal/order"
)

// shelf is a data folder with files of orders.
type shelf struct {
	*testing.T
	*Maker
	dir  string
	mu   sync.Mutex
	list []order.Artifact
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{T: t, dir: t.TempDir()}
	s.Maker = New(Options{Dir: s.dir, FilesDir: "artifacts", Files: s.after})
	return s
}

func (s *shelf) after(_ context.Context, id int64) (list []order.Artifact, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.list {
		if a.ID > id {
			list = append(list, a)
		}
	}
	return list, nil
}

// put stores a file and returns its row.
func (s *shelf) put(name, mime string, content []byte) order.Artifact {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256(content)
	a := order.Artifact{
		ID: int64(len(s.list) + 1), OrderID: "o1", Path: path.Join("artifacts/o1/r0", name), Name: name, MIME: mime,
		Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:]),
	}
	s.write(a.Path, content)
	s.list = append(s.list, a)
	return a
}

func (s *shelf) write(name string, content []byte) {
	s.Helper()
	file := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		s.Fatal(err)
	}
}

// try makes the small picture of a file. On a machine that is busy with other tests a
// program may take too long, which says nothing.
func (s *shelf) try(a order.Artifact) error {
	for s.Context().Err() == nil {
		err := s.make(s.Context(), a)
		if !errors.Is(err, ErrLater) {
			return err
		}
		if err := s.note(a.SHA256, 0); err != nil {
			return err
		}
	}
	return s.Context().Err()
}

// picture makes the small picture of a file and returns it.
func (s *shelf) picture(a order.Artifact) image.Image {
	s.Helper()
	if err := s.try(a); err != nil {
		s.Fatalf("%s: %v", a.Name, err)
	}
	return s.read(a)
}

func (s *shelf) read(a order.Artifact) image.Image {
	s.Helper()
	b, err := os.ReadFile(s.path(a.SHA256))
	if err != nil {
		s.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		s.Fatal(err)
	}
	return img
}

// halves is a picture that is red on the left, and blue on the right.
func halves(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{220, 20, 20, 255}
			if x >= w/2 {
				c = color.RGBA{20, 20, 220, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func inPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func inJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// moving is a GIF of two frames: a red one within a corner of its canvas, then a blue one.
func moving(t testing.TB, w, h int) []byte {
	t.Helper()
	colours := color.Palette{color.RGBA{220, 20, 20, 255}, color.RGBA{20, 20, 220, 255}}
	first, second := image.NewPaletted(image.Rect(0, 0, w/2, h/2), colours), image.NewPaletted(image.Rect(0, 0, w, h), colours)
	for i := range second.Pix {
		second.Pix[i] = 1
	}
	var b bytes.Buffer
	all := &gif.GIF{Image: []*image.Paletted{first, second}, Delay: []int{9, 9}, Config: image.Config{ColorModel: colours, Width: w, Height: h}}
	if err := gif.EncodeAll(&b, all); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The smallest WebP pictures, of one pixel.
var (
	webpLossless = decoded("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	webpLossy    = decoded("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
)

func decoded(text string) []byte {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return b
}

// like reports whether a colour is about another one. A JPEG changes them a little.
func like(c color.Color, r, g, b uint8) bool {
	cr, cg, cb, _ := c.RGBA()
	near := func(have uint32, want uint8) bool {
		d := int(have>>8) - int(want)
		return d > -24 && d < 24
	}
	return near(cr, r) && near(cg, g) && near(cb, b)
}
