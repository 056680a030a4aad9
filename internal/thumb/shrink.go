package thumb

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"runtime/debug"

	"atelierd/internal/media"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
)

const (
	// mostMemory is what a decoded picture may take: an image of media.MaxPixels with four
	// bytes for each.
	mostMemory = 4 * media.MaxPixels
	// largePicture is how much memory is given back to the system after its use.
	largePicture = 32 << 20
	// coarse is the side to which a picture is brought first, by looking at some of its
	// pixels only. To bring all of a large one to a small one takes long, and memory.
	coarse = 4 * Side
)

// paper is what shows through where a picture is transparent.
var paper = color.RGBA{0xf6, 0xf4, 0xf0, 0xff}

// format is how files of a type are decoded.
type format struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	memory func(f io.ReaderAt, size int64, c image.Config) (perPixel float64, err error)
}

// The types that have decoders.
var formats = map[string]format{
	"image/png":  {png.DecodeConfig, png.Decode, memoryPNG},
	"image/jpeg": {jpeg.DecodeConfig, jpeg.Decode, memoryJPEG},
	"image/gif":  {gif.DecodeConfig, gif.Decode, func(io.ReaderAt, int64, image.Config) (float64, error) { return 1, nil }},
	"image/webp": {webp.DecodeConfig, webp.Decode, memoryWebP},
}

// shrink returns the image in f with at most side pixels at each side, upright and on
// paper. It is never enlarged. large reports that much memory was used.
func shrink(f *os.File, size int64, side int) (small *image.RGBA, large bool, err error) {
	mime, err := media.Sniff(f)
	if err != nil {
		return nil, false, err
	}
	how, known := formats[mime]
	if !known {
		return nil, false, fmt.Errorf("it is no image of a known type, %q", mime)
	}
	c, err := how.config(io.NewSectionReader(f, 0, size))
	if err != nil {
		return nil, false, err
	}
	pixels := int64(c.Width) * int64(c.Height)
	switch {
	case c.Width <= 0 || c.Height <= 0:
		return nil, false, errors.New("it has no pixels")
	case pixels > media.MaxPixels:
		return nil, false, fmt.Errorf("it has %d x %d pixels, more than 64 megapixels", c.Width, c.Height)
	}
	perPixel, err := how.memory(f, size, c)
	if err != nil {
		return nil, false, err
	}
	memory := perPixel * float64(pixels)
	if memory > mostMemory {
		return nil, false, fmt.Errorf("to decode its %d x %d pixels takes %.0f MB of memory", c.Width, c.Height, memory/1e6)
	}
	img, err := how.decode(io.NewSectionReader(f, 0, size))
	if err != nil {
		return nil, memory > largePicture, err
	}
	small = fitted(img, image.Rect(0, 0, c.Width, c.Height), side)
	if mime == "image/jpeg" {
		small = upright(small, media.Orientation(f, size))
	}
	return small, memory > largePicture, nil
}

// memoryPNG is four bytes at most, eight for colours of 16 bits, and half as much again
// for an interlaced image, whose passes are decoded one by one.
func memoryPNG(f io.ReaderAt, _ int64, c image.Config) (float64, error) {
	perPixel := 4.0
	if c.ColorModel == color.RGBA64Model || c.ColorModel == color.NRGBA64Model {
		perPixel = 8
	}
	var interlace [1]byte
	if _, err := f.ReadAt(interlace[:], 28); err != nil {
		return 0, err
	}
	if interlace[0] != 0 {
		perPixel *= 1.5
	}
	return perPixel, nil
}

// memoryJPEG is a byte for each sample, and four more for its coefficient in a progressive
// image. What is not in the usual colours is converted.
func memoryJPEG(f io.ReaderAt, size int64, c image.Config) (float64, error) {
	frame, err := media.FrameOf(f, size)
	if err != nil {
		return 0, err
	}
	perPixel := frame.Samples
	if frame.Progressive {
		perPixel *= 5
	}
	if c.ColorModel != color.YCbCrModel && c.ColorModel != color.GrayModel {
		perPixel += 4
	}
	return perPixel, nil
}

// memoryWebP is that of a lossy picture, or of one whose pixels or alpha are decoded in
// one piece.
func memoryWebP(_ io.ReaderAt, _ int64, c image.Config) (float64, error) {
	if c.ColorModel == color.YCbCrModel {
		return 1.5, nil
	}
	return 8, nil
}

// fitted brings an image to the size. A frame of an animation may be smaller than its
// canvas.
func fitted(img image.Image, canvas image.Rectangle, side int) *image.RGBA {
	if max(canvas.Dx(), canvas.Dy()) > coarse && side < coarse {
		w, h := Fit(canvas.Dx(), canvas.Dy(), coarse)
		less := image.NewRGBA(image.Rect(0, 0, w, h))
		draw.ApproxBiLinear.Scale(less, placed(img.Bounds(), canvas, less.Rect), img, img.Bounds(), draw.Src, nil)
		img, canvas = less, less.Rect
		debug.FreeOSMemory() // the large one is not needed any more
	}
	w, h := Fit(canvas.Dx(), canvas.Dy(), side)
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(small, small.Rect, image.NewUniform(paper), image.Point{}, draw.Src)
	draw.CatmullRom.Scale(small, placed(img.Bounds(), canvas, small.Rect), img, img.Bounds(), draw.Over, nil)
	return small
}

// placed returns where a part of the canvas is in one of another size.
func placed(part, canvas, in image.Rectangle) image.Rectangle {
	x := func(v int) int { return v * in.Dx() / canvas.Dx() }
	y := func(v int) int { return v * in.Dy() / canvas.Dy() }
	r := image.Rect(x(part.Min.X), y(part.Min.Y), x(part.Max.X), y(part.Max.Y))
	return image.Rect(r.Min.X, r.Min.Y, max(r.Max.X, r.Min.X+1), max(r.Max.Y, r.Min.Y+1))
}

// Fit returns the size of a picture that is brought to at most side pixels at each side.
func Fit(width, height, side int) (w, h int) {
	longest := max(width, height)
	if longest <= side {
		return width, height
	}
	return max(1, (width*side+longest/2)/longest), max(1, (height*side+longest/2)/longest)
}

// upright turns and mirrors a picture by its orientation in Exif.
func upright(img *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 || orientation > 8 {
		return img
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			to := [...]image.Point{
				2: {w - 1 - x, y}, 3: {w - 1 - x, h - 1 - y}, 4: {x, h - 1 - y},
				5: {y, x}, 6: {h - 1 - y, x}, 7: {h - 1 - y, w - 1 - x}, 8: {y, w - 1 - x},
			}[orientation]
			out.SetRGBA(to.X, to.Y, img.RGBAAt(x, y))
		}
	}
	return out
}

// encode returns a picture as a JPEG of at most the bytes; 0 is any number. Where a lower
// quality does not suffice it gets smaller.
func encode(img *image.RGBA, most int) ([]byte, error) {
	for {
		for _, quality := range []int{82, 65, 45} {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
				return nil, err
			}
			if most == 0 || b.Len() <= most {
				return b.Bytes(), nil
			}
		}
		longest := max(img.Rect.Dx(), img.Rect.Dy())
		if longest < 16 {
			return nil, fmt.Errorf("it does not fit into %d bytes", most)
		}
		img = fitted(img, img.Rect, longest*3/4)
	}
}
