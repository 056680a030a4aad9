package media

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/webp"

	"atelierd/internal/order"
)

var samples = []string{
	"image/jpeg", "image/png", "image/webp", "image/gif",
	"video/mp4", "video/quicktime", "video/webm", "application/pdf", "application/zip",
}

func TestAFileThatEndsEarlyIsCut(t *testing.T) {
	t.Parallel()
	// A GIF without its trailer is complete, and so is a WebP without its padding byte.
	spare := map[string]int{"image/gif": 1, "image/webp": 1}
	for _, mime := range samples {
		content := encoded(t, mime)
		for n := range content {
			err := whole(mime, bytes.NewReader(content), int64(n))
			if _, ok := errors.AsType[defect](err); ok != (len(content)-n > spare[mime]) {
				t.Errorf("%s of %d bytes, cut to %d: %v", mime, len(content), n, err)
			}
		}
	}
}

// unreadableTail is a file that cannot be read after its first bytes.
type unreadableTail struct{ bytes.Reader }

func (r *unreadableTail) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > 20 {
		return 0, os.ErrPermission
	}
	return r.Reader.ReadAt(p, off)
}

func TestAReadErrorIsNotADefect(t *testing.T) {
	t.Parallel()
	for _, mime := range samples {
		content := encoded(t, mime)
		if err := whole(mime, &unreadableTail{*bytes.NewReader(content)}, int64(len(content))); !errors.Is(err, os.ErrPermission) {
			t.Errorf("%s: %v", mime, err)
		}
	}
}

func TestAppendedBytesAreIgnored(t *testing.T) {
	t.Parallel()
	for _, mime := range samples {
		for _, junk := range []string{"\x00", strings.Repeat("\x00", 5000), "\n", "<!-- made by a program -->", "\xa3\x88", strings.Repeat("\xff\xfe", 1500), string(box("free"))} {
			path := file(t, append(encoded(t, mime), junk...))
			if got, err := Inspect(path); err != nil || got.MIME != mime {
				t.Errorf("%s and %.9q: %+v, %v", mime, junk, got, err)
			}
		}
	}
	path := file(t, append(encoded(t, "image/jpeg"), make([]byte, 1<<20)...))
	if _, err := Inspect(path); err != nil {
		t.Errorf("a JPEG with a megabyte after it: %v", err)
	}
}

const (
	vp8x = "VP8X\x0a\x00\x00\x00\x10\x00\x00\x00\x1d\x00\x00\x13\x00\x00"
	anmf = "ANMF\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
)

// live is the head of a segment of unknown size, liveCluster that of a cluster.
var (
	live        = []byte("\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff")
	liveCluster = []byte("\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff")
)

// riff returns a WebP of the chunks.
func riff(chunks ...string) []byte {
	body := "WEBP" + strings.Join(chunks, "")
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func TestAnIncompleteFileIsRejected(t *testing.T) {
	t.Parallel()
	photo, directory := encoded(t, "image/jpeg"), encoded(t, "application/zip")
	preview := join([]byte("\xff\xd8\xff\xe1\x00\x08\xff\xd8\x00\x00\xff\xd9"), photo[2:])
	scan := bytes.Index(preview, []byte("\xff\xda"))
	fast := join(brand, box("moov", box("trak", trackHeader(9, 9))), box("mdat", make([]byte, 500)))
	open := join(webmHead, live, element(idTracks))
	fragments := join(brand, box("moov", box("trak")), box("moof"), data)
	between := join(webmHead, element(idSegment, element(idTracks), cluster, cluster))
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"a PNG with only its first chunk":           {bomb(9, 9)[:33], "cut off"},
		"half a PNG":                                {encoded(t, "image/png")[:60], "cut off"},
		"a PNG without pixels":                      {join(bomb(9, 9)[:33], chunk("IDAT"), chunk("IEND")), "no picture"},
		"a PNG with an endless chunk":               {join(bomb(9, 9)[:33], []byte("\xff\xff\xff\xffIDAT")), "cut off"},
		"a JPEG with only its header":               {photo[:bytes.Index(photo, []byte("\xff\xda"))], "cut off"},
		"a JPEG with only its header and a preview": {preview[:scan], "cut off"},
		"a JPEG that ends before its scan":          {join(preview[:scan], []byte("\xff\xd9")), "no picture"},
		"a JPEG with a cut segment":                 {join(preview[:scan], []byte("\xff\xe2\x00\x01"), preview[scan:]), "no picture"},
		"a GIF with only its header":                {[]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"), "no picture"},
		"a GIF that ends before a picture":          {[]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), "no picture"},
		"a GIF with half a second picture":          {join(encoded(t, "image/gif")[:len(encoded(t, "image/gif"))-1], []byte(",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x09\x00")), "cut off"},
		"a WebP with only its header":               {riff(vp8x), "no picture"},
		"a WebP with only notes":                    {riff(vp8x, "EXIF\x01\x00\x00\x00\x00\x00"), "no picture"},
		"a WebP with an empty picture":              {riff(vp8x, "VP8L\x00\x00\x00\x00"), "no picture"},
		"a WebP whose picture is cut":               {riff(vp8x, "VP8L\x40\x00\x00\x00\x2f"), "cut off"},
		"a WebP with half a second picture":         {riff(vp8x, anmf, anmf)[:60], "cut off"},
		"a WebP with an endless chunk":              {riff(vp8x, "EXIF\xff\xff\xff\xff"), "cut off"},
		"an MP4 with only its first box":            {brand, "cut off"},
		"an MP4 without its index":                  {join(brand, data), "cut off"},
		"an MP4 with half an index":                 {join(brand, data, fast[len(brand):len(brand)+50]), "cut off"},
		"an MP4 with half its data":                 {fast[:len(fast)-250], "cut off"},
		"an MP4 with half its second data":          {join(fast, fast[len(fast)-508:len(fast)-250]), "cut off"},
		"half a second fragment":                    {join(fragments, box("moof", make([]byte, 50))[:40]), "cut off"},
		"half a type of a second fragment":          {join(fragments, box("styp", make([]byte, 50))[:40]), "cut off"},
		"half an index of a second fragment":        {join(fragments, box("sidx", make([]byte, 50))[:40]), "cut off"},
		"an MP4 with an empty index":                {join(brand, box("moov"), data), "cut off"},
		"an MP4 with an index of broken boxes":      {join(brand, box("moov", box("mvhd"), []byte("\x00\x00\x00\x02trak")), data), "cut off"},
		"an MP4 with a track past its end":          {join(brand, box("moov", []byte("\x00\x00\xff\xfftrak")), data), "cut off"},
		"an MP4 with only an index":                 {join(brand, box("moov", box("trak"))), "no picture"},
		"an MP4 that is cut in a gap":               {join(brand, box("moov", box("trak")), []byte("\x00\x00\xff\xfffree")), "no picture"},
		"a WebM with only its header":               {webmHead, "cut off"},
		"a WebM without tracks":                     {join(webmHead, element(idSegment, cluster)), "cut off"},
		"a WebM without frames":                     {join(webmHead, element(idSegment, element(idTracks))), "no picture"},
		"a WebM that is cut between frames":         {between[:len(between)-len(cluster)], "cut off"},
		"half a WebM of unknown size":               {join(open, cluster, cluster[:20]), "cut off"},
		"half a WebM that was streamed":             {join(open, liveCluster, element(idBlock, make([]byte, 20))[:12]), "cut off"},
		"half a WebM of groups":                     {join(open, liveCluster, element(idGroup, make([]byte, 20))[:12]), "cut off"},
		"a ZIP without its directory":               {directory[:len(directory)-22], "cut off"},
		"a ZIP with a cut end":                      {directory[:len(directory)-1], "cut off"},
		"a PDF with only its header":                {[]byte("%PDF-1.7\n"), "cut off"},
	} {
		_, err := Inspect(file(t, c.content))
		if f, ok := errors.AsType[*order.Failure](err); !ok || f.Class != order.Retry || f.Code != order.CodeBadFile || !strings.Contains(f.Error(), c.want) {
			t.Errorf("%s: got %v, want a bad_file with %q", name, err, c.want)
		}
	}
}

func TestRareButCompleteFilesAreAccepted(t *testing.T) {
	t.Parallel()
	track := box("moov", box("trak"))
	open := join(webmHead, live, element(idTracks))
	block := element(idBlock, make([]byte, 20))
	drawing, photo := encoded(t, "image/gif"), encoded(t, "image/jpeg")
	scan := bytes.Index(photo, []byte("\xff\xda"))
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"a JPEG with stray bytes":         {join(photo[:scan], []byte("\x07\xff\x00\xff\xd0\xff"), photo[scan:]), "image/jpeg"},
		"a GIF of two pictures":           {join(drawing[:len(drawing)-1], []byte("!\xfe\x01 \x00,\x00\x00\x00\x00\x01\x00\x01\x00\x80\x01\x02\x03\x04\x05\x06\x02\x01\x09\x00;")), "image/gif"},
		"a WebP of a longer kind":         {riff(vp8x, "ALPH\x01\x00\x00\x00\x00\x00", "VP8 \x04\x00\x00\x00\x00\x00\x00\x00"), "image/webp"},
		"a WebP of many pictures":         {riff(vp8x, "ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00", anmf), "image/webp"},
		"an MP4 whose data go to the end": {join(brand, track, []byte("\x00\x00\x00\x00mdat"), make([]byte, 30)), "video/mp4"},
		"an MP4 with a large size":        {join(brand, track, []byte("\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x18"), make([]byte, 8)), "video/mp4"},
		"an MP4 in fragments":             {join(brand, box("moov", box("mvex")), box("moof"), data), "video/mp4"},
		"an MP4 with very many boxes":     {join(brand, track, data, bytes.Repeat(box("free"), mostBoxes+1)), "video/mp4"},
		"an MP4 with numbered data":       {join(brand, track, box("imda", make([]byte, 9))), "video/mp4"},
		"an MP4 cut after its data":       {join(brand, track, data, box("free", make([]byte, 50))[:20]), "video/mp4"},
		"a QuickTime that is compressed":  {join(box("wide"), data, box("moov", box("cmov"))), "video/quicktime"},
		"a QuickTime that starts at once": {join(data, track), "video/quicktime"},
		"a QuickTime with a large size":   {join([]byte("\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x18"), make([]byte, 8), track), "video/quicktime"},
		"a QuickTime after a gap":         {join(box("free", make([]byte, 9)), box("skip"), track, data), "video/quicktime"},
		"a WebM that was streamed":        {join(open, liveCluster, block, liveCluster, block), "video/webm"},
		"a WebM whose index is cut":       {join(open, liveCluster, block, []byte("\x1c\x53\xbb\x6b\xe0")), "video/webm"},
		"a WebM that was filled up":       {join(open, liveCluster, block, make([]byte, 9)), "video/webm"},
		"a WebM with its tracks last":     {join(webmHead, element(idSegment, cluster, element(idTracks))), "video/webm"},
	} {
		if got, err := Inspect(file(t, c.content)); err != nil || got.MIME != c.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestATextMayBeginLikeAnotherType(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, content, want string }{
		{"river.txt", "The wide river runs to the sea.", "text/plain"},
		{"river.md", "Any free seat will do for him.", "text/markdown"},
		{"format.md", "GIF89a is a format of pictures.", "text/markdown"},
		{"notes.TXT", "%PDF-1.7 is how such a file begins.", "text/plain"},
		{"notes.txt", "RIFF and WEBP stand in its beginning.", "text/plain"},
		{"notes.txt", string(encoded(t, "application/pdf")), "application/pdf"},
		{"notes.txt", string(encoded(t, "image/gif")), "image/gif"},
		{"notes.txt", string(encoded(t, "image/gif")[:40]), ""},
		{"notes.bin", "The wide river runs to the sea.", ""},
		{"notes", "GIF89a is a format of pictures.", ""},
	} {
		path := filepath.Join(t.TempDir(), c.name)
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := Inspect(path); got.MIME != c.want || (c.want == "") != (err != nil) {
			t.Errorf("%s of %.20q: %+v, %v", c.name, c.content, got, err)
		}
	}
	if got := sniff([]byte("The wide river")); got != "" {
		t.Errorf("the type of a text is %s", got)
	}
}

func TestAnImageIsMeasuredAsShown(t *testing.T) {
	t.Parallel()
	plain := encoded(t, "image/jpeg")
	segment := func(body ...[]byte) []byte {
		whole := join(body...)
		return join([]byte{0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(whole)+2)), whole)
	}
	// One other entry comes first.
	exif := func(bo binary.AppendByteOrder, mark string, kind, turn uint16) []byte {
		out := bo.AppendUint32([]byte("Exif\x00\x00"+mark), 8)
		for _, n := range []uint16{2, 0x0100, 3, 1, 0, 6, 0, 0x0112, kind, 1, 0, turn, 0} {
			out = bo.AppendUint16(out, n)
		}
		return segment(out)
	}
	little, big := "II*\x00", "MM\x00*"
	turned := exif(binary.LittleEndian, little, 3, 6)
	for name, c := range map[string]struct {
		before []byte
		wide   bool
	}{
		"no orientation":       {nil, true},
		"upright":              {exif(binary.LittleEndian, little, 3, 1), true},
		"upside down":          {exif(binary.BigEndian, big, 3, 4), true},
		"mirrored, turned":     {exif(binary.LittleEndian, little, 3, 5), false},
		"turned":               {turned, false},
		"turned the other way": {exif(binary.BigEndian, big, 3, 8), false},
		"after the last":       {exif(binary.BigEndian, big, 3, 9), true},
		"no such type":         {exif(binary.BigEndian, big, 2, 6), true},
		"after other data":     {join(segment([]byte("http://ns.adobe.com/xap/1.0/\x00")), turned), false},
		"stated twice":         {join(exif(binary.LittleEndian, little, 3, 1), turned), true},
		"a cut table":          {segment([]byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x05\x00\x0f\x01")), true},
		"a table far away":     {segment([]byte("Exif\x00\x00II*\x00\xff\xff\xff\xff\x05\x00")), true},
		"almost empty":         {segment([]byte("Exif\x00\x00II*")), true},
		"the largest segment":  {segment(turned[4:], make([]byte, math.MaxUint16-2-len(turned[4:]))), false},
	} {
		got, err := Inspect(file(t, join(plain[:2], c.before, plain[2:])))
		if err != nil || (got.Width == 30 && got.Height == 20) != c.wide || (got.Width == 20 && got.Height == 30) == c.wide {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, content := range map[string][]byte{
		"stated after the end": join(plain, turned),
		"stated in a PNG":      join(bomb(30, 20)[:33], chunk("teXt", turned...), bomb(30, 20)[33:]),
	} {
		if got, err := Inspect(file(t, content)); err != nil || got.Width != 30 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestAMarkIsFoundAcrossBuffers(t *testing.T) {
	t.Parallel()
	for n := range 60 {
		r := bufio.NewReaderSize(strings.NewReader(strings.Repeat("%", n)+"%%EOF"), 16)
		if err := find(r, "%%EOF"); err != nil {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

// decoders of Go, which know fewer forms than browsers do.
var decoders = map[string]struct {
	size    func(io.Reader) (image.Config, error)
	picture func(io.Reader) (image.Image, error)
}{
	"image/jpeg": {jpeg.DecodeConfig, jpeg.Decode},
	"image/png":  {png.DecodeConfig, png.Decode},
	"image/gif":  {gif.DecodeConfig, decodeAll},
	"image/webp": {webp.DecodeConfig, webp.Decode},
}

func decodeAll(r io.Reader) (image.Image, error) { return nil, second(gif.DecodeAll(r)) }

func FuzzAnImageThatDecodesIsAccepted(f *testing.F) {
	for i, mime := range samples {
		f.Add(uint8(i), encoded(f, mime))
	}
	f.Fuzz(func(t *testing.T, i uint8, content []byte) {
		mime := samples[int(i)%len(samples)]
		r, size := bytes.NewReader(content), int64(len(content))
		err := whole(mime, r, size)
		if _, ok := errors.AsType[defect](err); !ok && err != nil {
			t.Fatalf("%v is not a defect", err)
		}
		sideways(r, size)
		w, h, flaw := dimensions(mime, r, size)
		d := decoders[mime]
		if d.size == nil || mime == "image/webp" && err != nil {
			return
		}
		cfg, bad := d.size(bytes.NewReader(content))
		if bad != nil || cfg.Width*cfg.Height == 0 || cfg.Width*cfg.Height > 1<<16 {
			return
		}
		if flaw != nil || w != cfg.Width || h != cfg.Height {
			t.Errorf("%s: got %d x %d, %v, want %d x %d", mime, w, h, flaw, cfg.Width, cfg.Height)
		}
		if _, bad = d.picture(bytes.NewReader(content)); bad == nil && err != nil {
			t.Errorf("%s decodes, but %v", mime, err)
		}
	})
}
