package media

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"atelierd/internal/order"
	"atelierd/internal/testdir"
)

func encoded(t testing.TB, mime string) []byte {
	t.Helper()
	picture := image.NewPaletted(image.Rect(0, 0, 30, 20), color.Palette{color.White, color.Black})
	var buf bytes.Buffer
	var err error
	switch mime {
	case "image/png":
		err = png.Encode(&buf, picture)
	case "image/jpeg":
		err = jpeg.Encode(&buf, picture, nil)
	case "image/gif":
		err = gif.Encode(&buf, picture, nil)
	case "image/webp": // a lossless header: 14 bits of width-1, 14 of height-1
		buf.WriteString("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f")
		buf.Write(binary.LittleEndian.AppendUint32(nil, 29|19<<14))
		buf.Write(make([]byte, 8+1)) // the last one is padding
	case "video/mp4":
		buf.Write(join(brand, box("moov", box("trak")), data))
	case "video/quicktime":
		buf.Write(join(box("ftyp", []byte("qt  \x00\x00\x02\x00qt  ")), box("wide"), data, box("moov", box("trak"))))
	case "video/webm":
		buf.Write(join(webmHead, element(idSegment, element(idTracks), cluster)))
	case "application/pdf":
		buf.WriteString("%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\nstartxref\n9\n%%EOF")
	case "application/zip":
		w := zip.NewWriter(&buf)
		_, err = w.Create("empty.txt")
		err = errors.Join(err, w.Close())
	default:
		t.Fatalf("no sample of %s", mime)
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func file(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sample.bin")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInspectDetectsTypesByContent(t *testing.T) {
	t.Parallel()
	for mime, media := range map[string]string{
		"image/jpeg": Image, "image/png": Image, "image/webp": Image, "image/gif": Image,
		"video/mp4": Video, "video/webm": Video, "video/quicktime": Video,
		"application/pdf": Document, "application/zip": Document,
	} {
		t.Run(mime, func(t *testing.T) {
			t.Parallel()
			content := encoded(t, mime)
			got, err := Inspect(file(t, content))
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(content)
			want := Info{MIME: mime, Media: media, Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
			if media == Image {
				want.Width, want.Height = 30, 20
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// chunk returns a chunk of a PNG.
func chunk(name string, body ...byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(append(out, name...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// bomb returns a complete PNG that claims a size but has almost no data.
func bomb(width, height uint32) []byte {
	size := append(fields(width, height), 8, 2, 0, 0, 0)
	return join([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", size...), chunk("IDAT", 0), chunk("IEND"))
}

func TestInspectRejectsWhatTheMarketplaceRejects(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		content []byte
		want    string
	}{
		"empty":            {nil, "is empty"},
		"text":             {[]byte("this is not a picture at all"), "not one of the accepted types"},
		"html":             {[]byte("<html><img src=x></html>"), "not one of the accepted types"},
		"one byte":         {[]byte{0xff}, "not one of the accepted types"},
		"no width":         {bomb(0, 9), "without pixels"},
		"heic":             {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1isom"), "not one of the accepted types"},
		"audio":            {[]byte("\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00isommp42"), "not one of the accepted types"},
		"matroska":         {[]byte("\x1aE\xdf\xa3\x93B\x82\x88matroska"), "not one of the accepted types"},
		"a wild box size":  {[]byte("\xff\xff\xff\xffftypisom\x00\x00\x00\x00"), "not one of the accepted types"},
		"too many pixels":  {bomb(8193, 8192), "64 megapixels"},
		"a product beyond": {bomb(1<<31-1, 1<<31-1), "64 megapixels"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Inspect(file(t, tc.content))
			f, ok := errors.AsType[*order.Failure](err)
			if !ok || f.Class != order.Retry || f.Code != order.CodeBadFile || !strings.Contains(f.Error(), tc.want) {
				t.Errorf("got %v, want a bad_file with %q", err, tc.want)
			}
		})
	}
}

func TestInspectAcceptsExactlySixtyFourMegapixels(t *testing.T) {
	t.Parallel()
	if _, err := Inspect(file(t, bomb(8192, 8192))); err != nil {
		t.Error(err)
	}
}

func TestInspectRejectsWhatIsNotARegularFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target := file(t, encoded(t, "image/png"))
	link, fifo := filepath.Join(dir, "link"), filepath.Join(dir, "fifo")
	testdir.Pipe(t, fifo)
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, fifo, dir, os.DevNull} {
		f, ok := errors.AsType[*order.Failure](second(Inspect(path)))
		if !ok || f.Code != order.CodeBadFile {
			t.Errorf("%s: got %v, want bad_file", path, f)
		}
	}
	f, ok := errors.AsType[*order.Failure](second(Inspect(filepath.Join(dir, "missing"))))
	if !ok || f.Code != order.CodeFileUnreadable || !errors.Is(f, os.ErrNotExist) {
		t.Errorf("missing file: got %v, want unreadable", f)
	}
}

func second[T any](_ T, err error) error { return err }

//nolint:paralleltest // it counts the allocations of the whole process
func TestInspectMeasuresFiftyMegabytesInConstantMemory(t *testing.T) {
	path := file(t, encoded(t, "video/mp4"))
	if err := os.Truncate(path, MaxBytes); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	info, err := Inspect(path)
	runtime.ReadMemStats(&after)
	if err != nil || info.Bytes != MaxBytes {
		t.Fatalf("got %+v, %v", info, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("inspecting 50 MB allocated %d bytes", used)
	}
	if err := os.Truncate(path, MaxBytes+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Inspect(path); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("one byte too many: got %v", err)
	}
}

func TestAHostileFileNameIsQuotedAndCut(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "\x1b[31m"+strings.Repeat("x", 200))
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Inspect(path)
	if err == nil || strings.ContainsRune(err.Error(), 0x1b) || len(err.Error()) > 200 {
		t.Errorf("got %q", err)
	}
}

func TestNameIsSafeAndHasTheRightExtension(t *testing.T) {
	t.Parallel()
	for _, tc := range [][3]string{
		{"ord_123-r0", "image/png", "ord-123-r0.png"},
		{"../../etc/passwd", "video/mp4", "etc-passwd.mp4"},
		{"", "image/jpeg", "file.jpg"},
		{"\x00 ✨ \n", "video/quicktime", "file.mov"},
		{"Ünïcode Name", "image/webp", "n-code-name.webp"},
		{strings.Repeat("a", 300), "audio/mpeg", strings.Repeat("a", 60) + ".bin"},
		{"poem", "text/markdown", "poem.md"},
	} {
		if got := Name(tc[0], tc[1]); got != tc[2] {
			t.Errorf("Name(%q, %q) = %q, want %q", tc[0], tc[1], got, tc[2])
		}
	}
}

func FuzzInspectNeverAcceptsAnUnknownType(f *testing.F) {
	for _, mime := range []string{"image/jpeg", "image/png", "image/webp", "image/gif", "video/mp4", "video/webm", "video/quicktime", "application/pdf", "application/zip"} {
		f.Add(encoded(f, mime))
	}
	f.Add(bomb(8193, 8192))
	path := filepath.Join(f.TempDir(), "fuzz")
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := Inspect(path)
		if err != nil {
			if _, ok := errors.AsType[*order.Failure](err); !ok {
				t.Fatalf("%T is not a failure", err)
			}
			return
		}
		if extension(info.MIME) == ".bin" || info.Bytes != int64(len(content)) || len(content) == 0 {
			t.Fatalf("accepted %+v", info)
		}
		if info.Media == Image && (info.Width <= 0 || info.Height <= 0 || info.Width*info.Height > MaxPixels) {
			t.Fatalf("accepted %+v", info)
		}
	})
}
