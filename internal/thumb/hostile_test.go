package thumb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"atelierd/internal/order"
)

var errNoSpace = syscall.ENOSPC

// header returns the beginning of a PNG of a size.
func header(w, h uint32, bits, kind, interlace byte) []byte {
	body := []byte("IHDR")
	body = binary.BigEndian.AppendUint32(body, w)
	body = binary.BigEndian.AppendUint32(body, h)
	body = append(body, bits, kind, 0, 0, interlace)
	out := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), body...)
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
	return append(out, "\x00\x00\x00\x00IDAT"...)
}

// frame returns the beginning of a JPEG of a size, whose components have a sampling.
func frame(marker byte, w, h uint16, sampling ...byte) []byte {
	out := []byte{0xff, 0xd8, 0xff, marker, 0, byte(8 + 3*len(sampling)), 8}
	out = binary.BigEndian.AppendUint16(out, h)
	out = binary.BigEndian.AppendUint16(out, w)
	out = append(out, byte(len(sampling)))
	for i, s := range sampling {
		out = append(out, byte(i+1), s, 0)
	}
	return append(out, 0xff, 0xda, 0, 2)
}

// TestAPictureThatTakesTooMuchMemoryIsRefusedByItsHeader guards the memory of the daemon.
// None of these has pixels: one that is not refused fails otherwise.
func TestAPictureThatTakesTooMuchMemoryIsRefusedByItsHeader(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"of 64 megapixels and a row":          {header(8192, 8193, 8, 2, 0), "64 megapixels"},
		"of 4 gigapixels":                     {header(1<<16, 1<<16, 1, 0, 0), "64 megapixels"},
		"of the largest size":                 {header(1<<31-1, 1<<31-1, 8, 6, 0), ""},
		"a JPEG of 64 megapixels and more":    {frame(0xc0, 65535, 65535, 0x11), "64 megapixels"},
		"a GIF of 64 megapixels and more":     {[]byte("GIF89a\xff\xff\xff\xff\x00\x00\x00"), "64 megapixels"},
		"of 16 bits":                          {header(8192, 4097, 16, 6, 0), "MB of memory"},
		"interlaced":                          {header(8192, 5462, 8, 6, 1), "MB of memory"},
		"a progressive JPEG":                  {frame(0xc2, 4600, 4600, 0x11, 0x11, 0x11), "MB of memory"},
		"a progressive JPEG with less colour": {frame(0xc2, 6000, 6000, 0x22, 0x11, 0x11), "MB of memory"},
		"of 64 megapixels, without pixels":    {header(8192, 8192, 8, 6, 0), "EOF"},
		"of 16 bits, half as large":           {header(4096, 4096, 16, 6, 0), "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t)
			a := s.put("bomb", "image/png", c.content)
			_, err := s.Scaled(a, Side, 0)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err := s.make(t.Context(), a); !errors.Is(err, ErrNone) || s.Has(a) {
				t.Errorf("its small picture: %v, want none", err)
			}
		})
	}
}

// TestADamagedPictureIsNoPicture cuts files at each place and changes bytes of them.
func TestADamagedPictureIsNoPicture(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	samples := [][]byte{
		inPNG(t, halves(40, 30)), inJPEG(t, halves(40, 30)), exif(inJPEG(t, halves(40, 30)), 6), moving(t, 40, 30), webpLossless, webpLossy,
		inPNG(t, image.NewNRGBA64(image.Rect(0, 0, 9, 9))), inPNG(t, image.NewGray16(image.Rect(0, 0, 9, 9))),
		frame(0xc2, 40, 30, 0x22, 0x11, 0x11), []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"),
		{0},
		bytes.Repeat([]byte("GIF89a"), 99),
	}
	s := newShelf(t)
	for _, sample := range samples {
		for i := range 60 {
			damaged := bytes.Clone(sample)
			if i%3 == 0 {
				damaged = damaged[:random.IntN(len(damaged))+1]
			}
			for range i % 8 {
				damaged[random.IntN(len(damaged))] = byte(random.Uint32())
			}
			a := s.put("damaged", "image/png", damaged)
			// Some damage is none. What is made has to be a picture of few pixels.
			if b, err := s.Scaled(a, Side, 1<<20); err == nil && (len(b) == 0 || !bytes.HasPrefix(b, []byte("\xff\xd8"))) {
				t.Errorf("made %.20q of % x", b, damaged)
			}
		}
	}
}

func TestASampleOfOddFormIsNoPictureHere(t *testing.T) {
	t.Parallel()
	noted := inPNG(t, halves(30, 20))
	noted = bytes.Join([][]byte{noted[:33], []byte("\x00\x00\x00\x03tEXta\x00b\x00\x00\x00\x00"), noted[33:]}, nil)
	unsized := moving(t, 30, 20)
	copy(unsized[6:], "\x00\x00\x00\x00")
	odd, err := os.ReadFile(filepath.Join("..", "media", "testdata", "sampling-22-11-12.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"a PNG with a bad checksum": noted, "a GIF of no size": unsized, "a JPEG of odd sampling": odd, "a text": []byte("hello"), "an AVIF": []byte("\x00\x00\x00\x1cftypavif\x00\x00\x00\x00mif1miaf"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t)
			a := s.put("odd", "image/png", content)
			if !s.Has(a) {
				t.Error("it is not tried")
			}
			if err := s.make(t.Context(), a); !errors.Is(err, ErrNone) || s.Has(a) {
				t.Errorf("got %v, want none, once and for all", err)
			}
		})
	}
}

// TestOnlyTheFileOfTheLedgerIsOpened guards the key and everything else that is not a file
// of an order.
func TestOnlyTheFileOfTheLedgerIsOpened(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	a := s.put("a.png", "image/png", inPNG(t, halves(60, 60)))
	secret := inPNG(t, halves(60, 60))
	s.write("credentials.json", secret)
	s.write("artifacts/o2/r0/other.png", secret)
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(s.dir, filepath.FromSlash(name))); err != nil {
			t.Fatal(err)
		}
	}
	link("../../../credentials.json", "artifacts/o1/r0/link.png")
	link("a.png", "artifacts/o1/r0/near.png")
	link("../o2/r0", "artifacts/o1/r1")
	link("..", "artifacts/up")
	pipe(t, filepath.Join(s.dir, "artifacts/o1/r0/pipe.png"))
	for _, name := range []string{
		"", "o1/r0/a.png", "credentials.json", "/credentials.json", filepath.Join(s.dir, "credentials.json"), "artifacts", "artifacts/", "artifacts/../credentials.json",
		"artifacts/o1/../../credentials.json", "artifacts/./../credentials.json", "artifacts//credentials.json", "artifacts/o1/r0/link.png",
		"artifacts/o1/r0/near.png", "artifacts/o1/r1/other.png", "artifacts/up/credentials.json", "artifacts/o1/r0", "artifacts/o1/r0/pipe.png",
		"artifacts/o1/r0/a.png\x00.jpg", "artifacts/o1/r0/missing.png", "../artifacts/o1/r0/a.png", `artifacts\o1\r0\a.png`,
	} {
		b := a
		b.Path = name
		if f, err := s.Original(b); err == nil {
			f.Close()
			t.Errorf("%q is opened", name)
		}
	}
	if f, err := s.Original(a); err != nil {
		t.Error(err)
	} else {
		f.Close()
	}
	larger, gone := a, a
	larger.Bytes++
	gone.Removed = time.Now()
	for _, b := range []order.Artifact{larger, gone} {
		if f, err := s.Original(b); err == nil {
			f.Close()
			t.Errorf("a file is opened as %+v", b)
		}
	}
}

// TestAFileThatWasExchangedIsNotShown guards that nobody approves pictures that are not
// those of the ledger.
func TestAFileThatWasExchangedIsNotShown(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	photo, other := inJPEG(t, halves(60, 60)), inJPEG(t, halves(60, 60))
	other[bytes.Index(other, []byte("\xff\xdb"))+10]++ // other colours
	a := s.put("a.jpg", "image/jpeg", photo)
	for _, content := range [][]byte{other, make([]byte, len(photo))} {
		s.write(a.Path, content)
		if err := s.make(t.Context(), a); !errors.Is(err, ErrNone) || s.made(a.SHA256) {
			t.Errorf("got %v, want none", err)
		}
	}
	s.write(a.Path, photo)
	s.picture(a)
	bad := a
	bad.SHA256 = "../../credentials"
	if _, err := s.Open(t.Context(), bad); !errors.Is(err, ErrNone) || s.Has(bad) || Remove(s.dir, bad.SHA256) != nil {
		t.Errorf("a sha256 that is a path: %v, want none", err)
	}
}
