package thumb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
)

func TestEachTypeOfPictureGetsASmallOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mime    string
		content []byte
		w, h    int
	}{
		"wide.png":      {"image/png", inPNG(t, halves(2000, 500)), 512, 128},
		"tall.jpg":      {"image/jpeg", inJPEG(t, halves(300, 3000)), 51, 512},
		"tiny.png":      {"image/png", inPNG(t, halves(40, 30)), 40, 30},
		"line.png":      {"image/png", inPNG(t, halves(4000, 1)), 512, 1},
		"large.png":     {"image/png", inPNG(t, halves(2100, 2100)), 512, 512},
		"moving.gif":    {"image/gif", moving(t, 600, 600), 512, 512},
		"lossless.webp": {"image/webp", webpLossless, 1, 1},
		"lossy.webp":    {"image/webp", webpLossy, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t)
			a := s.put(name, c.mime, c.content)
			img := s.picture(a)
			if b := img.Bounds(); b.Dx() != c.w || b.Dy() != c.h {
				t.Errorf("it has %d x %d pixels, want %d x %d", b.Dx(), b.Dy(), c.w, c.h)
			}
			for _, file := range []string{filepath.Join(s.dir, Dir), s.path(a.SHA256)} {
				if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o077 != 0 {
					t.Errorf("%s is open to others: %v, %v", file, info.Mode(), err)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(s.dir, Dir, "*")); len(left) != 1 {
				t.Errorf("left in the folder: %q", left)
			}
		})
	}
}

func TestWhatIsTransparentIsOnPaper(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	img := s.picture(s.put("clear.png", "image/png", inPNG(t, image.NewNRGBA(image.Rect(0, 0, 600, 600)))))
	if !like(img.At(256, 256), paper.R, paper.G, paper.B) {
		t.Errorf("it is on %v", img.At(256, 256))
	}
	// The first frame of an animation covers a quarter of its canvas.
	img = s.picture(s.put("moving.gif", "image/gif", moving(t, 600, 600)))
	if !like(img.At(100, 100), 220, 20, 20) || !like(img.At(400, 400), paper.R, paper.G, paper.B) {
		t.Errorf("a frame is %v, and around it %v", img.At(100, 100), img.At(400, 400))
	}
}

// exif returns a JPEG whose Exif data have an orientation.
func exif(photo []byte, orientation uint16) []byte {
	body := []byte("Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01")
	body = append(binary.BigEndian.AppendUint16(body, orientation), 0, 0, 0, 0, 0, 0)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2))
	return bytes.Join([][]byte{photo[:2], segment, body, photo[2:]}, nil)
}

func TestAPhotoIsUpright(t *testing.T) {
	t.Parallel()
	// Where red is in the picture that is red on its left and has a green top left corner.
	img := halves(200, 100)
	for y := range 30 {
		for x := range 30 {
			img.SetRGBA(x, y, color.RGBA{20, 200, 20, 255})
		}
	}
	photo := inJPEG(t, img)
	s := newShelf(t)
	for o, corner := range map[uint16]image.Point{
		0: {0, 0}, 1: {0, 0}, 2: {1, 0}, 3: {1, 1}, 4: {0, 1}, 5: {0, 0}, 6: {1, 0}, 7: {1, 1}, 8: {0, 1}, 9: {0, 0},
	} {
		got := s.picture(s.put(fmt.Sprint(o, ".jpg"), "image/jpeg", exif(photo, o)))
		w, h := got.Bounds().Dx(), got.Bounds().Dy()
		if turned := o >= 5 && o <= 8; turned != (h > w) {
			t.Errorf("orientation %d: it has %d x %d pixels", o, w, h)
		}
		if at := got.At(10+corner.X*(w-20), 10+corner.Y*(h-20)); !like(at, 20, 200, 20) {
			t.Errorf("orientation %d: the corner is %v", o, at)
		}
	}
}

func TestAScaledPictureFitsIntoItsLimits(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	noise := image.NewRGBA(image.Rect(0, 0, 400, 300))
	for i := range noise.Pix {
		noise.Pix[i] = byte(i*i>>3 ^ i*7919>>5)
		if i%4 == 3 {
			noise.Pix[i] = 255
		}
	}
	a := s.put("noise.png", "image/png", inPNG(t, noise))
	for _, c := range []struct{ side, bytes, least int }{{256, 1 << 20, 256}, {256, 5_000, 50}, {1024, 0, 400}} {
		b, err := s.Scaled(a, c.side, c.bytes)
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.DecodeConfig(bytes.NewReader(b))
		if err != nil || img.Width < c.least || img.Width > c.side || c.bytes > 0 && len(b) > c.bytes {
			t.Errorf("%+v: %d pixels wide and %d bytes, %v", c, img.Width, len(b), err)
		}
	}
	if _, err := s.Scaled(a, 1024, 100); err == nil {
		t.Error("a picture of 100 bytes")
	}
}

// TestAPictureIsMadeOnceForAllWhoWant guards against a page of many visitors that has the
// same picture decoded again and again.
func TestAPictureIsMadeOnceForAllWhoWant(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	var runs atomic.Int32
	begun, release := make(chan struct{}), make(chan struct{})
	s.o.FFmpeg = func(_ context.Context, dir string, _ ...string) error {
		if runs.Add(1) == 1 {
			close(begun)
		}
		<-release
		return os.WriteFile(filepath.Join(dir, "frame.jpg"), inJPEG(t, halves(64, 64)), 0o600)
	}
	film := s.put("film.mp4", "video/mp4", []byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2 and frames"))
	wish := s.wish(film) // a poster is not waited for by pages, so it is asked for here
	var all sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	all.Go(func() { _ = s.Maker.Run(ctx) })
	<-begun
	for range 20 {
		if again := s.wish(film); again != wish {
			t.Error("another wish for the same picture")
		}
	}
	close(release)
	<-wish.done
	stop()
	all.Wait()
	if wish.err != nil || runs.Load() != 1 || !s.Has(film) {
		t.Errorf("made %d times, %v", runs.Load(), wish.err)
	}
}

func TestAMissingPictureIsMadeOnDemandAndByTheLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t)
		a := s.put("a.png", "image/png", inPNG(t, halves(60, 60)))
		ctx, stop := context.WithCancel(t.Context())
		if _, err := s.Open(limited(t), a); !errors.Is(err, ErrLater) {
			t.Errorf("before the loop runs: %v, want later", err)
		}
		ended := make(chan error, 1)
		go func() { ended <- s.Maker.Run(ctx) }()
		open := func(when string) {
			f, err := s.Open(t.Context(), a)
			if err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			f.Close()
			synctest.Wait() // until the loop sleeps
		}
		open("at first")
		if err := Remove(s.dir, a.SHA256); err != nil {
			t.Fatal(err)
		}
		open("after it was removed")
		if err := Remove(s.dir, a.SHA256); err != nil {
			t.Fatal(err)
		}
		b := s.put("b.png", "image/png", inPNG(t, halves(50, 50)))
		time.Sleep(2 * newEvery)
		synctest.Wait()
		if !s.made(b.SHA256) || s.made(a.SHA256) {
			t.Errorf("after a minute: new %t, old %t; want the new one", s.made(b.SHA256), s.made(a.SHA256))
		}
		time.Sleep(allEvery + newEvery)
		synctest.Wait()
		if !s.made(a.SHA256) {
			t.Error("after a day the old one is missing")
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// limited is a context that has ended.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// TestAFileThatEndsTheProcessIsNotTriedForEver guards against a daemon that starts, decodes
// the same file, and dies again.
func TestAFileThatEndsTheProcessIsNotTriedForEver(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	a := s.put("a.png", "image/png", inPNG(t, halves(60, 60)))
	if err := s.note(a.SHA256, mostTries); err != nil {
		t.Fatal(err)
	}
	if err := s.make(t.Context(), a); !errors.Is(err, ErrNone) || s.Has(a) {
		t.Errorf("after %d deaths: %v, want none", mostTries, err)
	}
	if err := s.note(a.SHA256, 1); err != nil {
		t.Fatal(err)
	}
	s.picture(a)
	film := s.put("film.webm", "video/webm", []byte("\x1aE\xdf\xa3\x9f\x42\x82\x84webm and frames"))
	s.o.FFmpeg = func(context.Context, string, ...string) error { panic("a fault of a decoder") }
	if err := s.make(t.Context(), film); !errors.Is(err, ErrNone) {
		t.Errorf("a panic: %v, want none", err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, Dir, tempPrefix+"*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestWhatAProcessLeftIsCleared(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.write(Dir+"/"+tempPrefix+"1/video", []byte("x"))
	s.write(Dir+"/"+tempPrefix+"2", []byte("x"))
	s.clear()
	if left, _ := os.ReadDir(filepath.Join(s.dir, Dir)); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestASmallPictureGoesWithItsFile guards the disk: a take that is made again replaces its
// rows, and nothing else knows of its small pictures.
func TestASmallPictureGoesWithItsFile(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.o.Wanted = func(_ context.Context, sum string) (bool, error) {
		return slices.ContainsFunc(s.list, func(a order.Artifact) bool { return a.SHA256 == sum }), nil
	}
	a, b := s.put("a.png", "image/png", inPNG(t, halves(60, 60))), s.put("b.png", "image/png", inPNG(t, halves(50, 50)))
	s.picture(a)
	s.picture(b)
	s.list = s.list[:1]
	s.write(Dir+"/a file of somebody", []byte("x"))
	s.sweep(t.Context())
	if _, err := os.Stat(filepath.Join(s.dir, Dir, "a file of somebody")); !s.made(a.SHA256) || s.made(b.SHA256) || err != nil {
		t.Errorf("kept: %t, and %t of a file that is gone; %v", s.made(a.SHA256), s.made(b.SHA256), err)
	}
}

func TestAFullDiskSaysNothingOfTheFile(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	film := s.put("film.webm", "video/webm", []byte("\x1aE\xdf\xa3\x9f\x42\x82\x84webm and frames"))
	for _, fail := range []error{
		&os.PathError{Op: "write", Err: errNoSpace},
		order.Failf(order.Retry, order.CodeTimeout, "it took too long"),
	} {
		s.o.FFmpeg = func(context.Context, string, ...string) error { return fail }
		if err := s.make(t.Context(), film); err == nil || errors.Is(err, ErrNone) || s.tries(film.SHA256) >= mostTries {
			t.Errorf("after %v: %v, and %d tries", fail, err, s.tries(film.SHA256))
		}
	}
}
