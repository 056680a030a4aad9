package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/order"
)

// handler returns the box that states the kind of a track.
func handler(kind string) []byte {
	return box("hdlr", fields(0, 0), []byte(kind), make([]byte, 12), []byte("Handler\x00"))
}

// samplesOf returns a sample table with the number of samples.
func samplesOf(count uint32) []byte {
	return box("stbl", box("stsd", fields(0, 0)), box("stts", fields(0, 0)), box("stsc", fields(0, 0)), box("stsz", fields(0, 0, count), make([]byte, 4*count)), box("stco", fields(0, 0)))
}

// trackOf returns a track that has a header, so that only the arguments tell its kind.
func trackOf(id uint32, kind string, table ...[]byte) []byte {
	head := box("tkhd", fields(0, 0, 0, id, 0, 90), make([]byte, 52), fields(64<<16, 64<<16))
	return box("trak", head, box("mdia", box("mdhd", fields(0, 0, 0, 100, 0)), handler(kind), box("minf", box("dinf"), join(table...))))
}

// fragmentOf returns samples of the track.
func fragmentOf(id, count uint32) []byte {
	return join(box("moof", box("traf", box("tfhd", fields(0, id)), box("trun", fields(0, count)))), data)
}

// webmTrack returns a track of the type: 1 is video, 2 is sound.
func webmTrack(number, kind byte, more ...[]byte) []byte {
	return element(idTrack, element(idNumber, []byte{number}), element(idType, []byte{kind}), join(more...))
}

// webmBlock returns a block of the track.
func webmBlock(id uint32, number byte) []byte {
	return element(id, []byte{0x80 | number, 0, 0, 0x80}, make([]byte, 20))
}

// filmed is a file of a video format, and whether it has a picture.
type filmed struct {
	content []byte
	seen    bool
}

func testPictures(t *testing.T, cases map[string]filmed) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Inspect(file(t, c.content))
			f, _ := errors.AsType[*order.Failure](err)
			if c.seen && err != nil || !c.seen && (f == nil || f.Code != order.CodeBadFile || !strings.Contains(f.Error(), "has no picture")) {
				t.Errorf("got %v, want a picture: %t", err, c.seen)
			}
		})
	}
}

func TestAMovieHasAPicture(t *testing.T) {
	t.Parallel()
	movie := func(boxes ...[]byte) []byte {
		return join(brand, box("moov", movieHeader(100, 90), join(boxes...)), data)
	}
	sound, film, empty := trackOf(1, "soun", samplesOf(9)), trackOf(2, "vide", samplesOf(9)), trackOf(2, "vide", samplesOf(0))
	started := box("mvex", box("trex", fields(0, 2, 1, 10, 0, 0)))
	location := box("hdlr", fields(0), []byte("dhlralis"), make([]byte, 12))
	testPictures(t, map[string]filmed{
		"media-audio-only":                  {movie(sound, box("udta")), false},
		"sound at the end of the file":      {join(brand, data, box("moov", movieHeader(100, 90), sound)), false},
		"sound and subtitles":               {movie(sound, trackOf(2, "sbtl", samplesOf(2)), trackOf(3, "tmcd", samplesOf(1))), false},
		"sound in a QuickTime":              {join(box("ftyp", []byte("qt  \x00\x00\x02\x00qt  ")), data, box("moov", trackOf(1, "soun", location, samplesOf(9)))), false},
		"sound and bytes after it":          {join(movie(sound), []byte("made by a program")), false},
		"sound and a box past the end":      {join(movie(sound), []byte("\x00\x00\xff\xffudta")), false},
		"sound in fragments":                {join(brand, box("moov", trackOf(2, "soun", samplesOf(0)), started), fragmentOf(2, 3)), false},
		"media-mp4-video-dropped":           {movie(sound, empty), false},
		"a video without samples":           {movie(empty), false},
		"a video without samples, compact":  {movie(trackOf(2, "vide", box("stbl", box("stz2", fields(0, 8, 0))))), false},
		"fragments of sound only":           {join(brand, box("moov", trackOf(1, "soun", samplesOf(0)), trackOf(2, "vide", samplesOf(0)), started), fragmentOf(1, 3)), false},
		"an index for fragments only":       {join(brand, box("moov", trackOf(2, "vide", samplesOf(0)), started), fragmentOf(2, 0)), false},
		"a video":                           {movie(film), true},
		"a video with sound":                {movie(sound, film), true},
		"two videos, one empty":             {movie(empty, trackOf(3, "vide", samplesOf(1))), true},
		"a video in fragments":              {join(brand, box("moov", trackOf(1, "soun", samplesOf(0)), trackOf(2, "vide", samplesOf(0)), started), fragmentOf(1, 3), fragmentOf(2, 3)), true},
		"a video whose defaults come first": {join(brand, box("moov", started, trackOf(2, "vide", samplesOf(0))), fragmentOf(2, 3)), true},
		"a video in a first part":           {join(brand, box("moov", film, started), fragmentOf(1, 3)), true},
		"another kind of picture":           {movie(sound, trackOf(2, "auxv", samplesOf(1))), true},
		"a track of no kind":                {movie(sound, box("trak")), true},
		"a table that cannot be read":       {movie(trackOf(2, "vide", box("stbl", box("stsz", fields(0, 0, 0)), []byte("\x00\x00\x00\x02stco")))), true},
		"a fragment that cannot be read":    {join(brand, box("moov", trackOf(2, "vide", samplesOf(0)), started), box("moof", []byte("\x00\x00\x00\x02traf")), data), true},
		"a box after the handler's box":     {movie(trackOf(2, "vide", location, samplesOf(1))), true},
		"a sample table without a size":     {movie(trackOf(2, "vide", box("stbl"))), true},
	})
}

func TestAWebMHasAPicture(t *testing.T) {
	t.Parallel()
	webm := func(tracks []byte, frames ...[]byte) []byte {
		return join(webmHead, element(idSegment, element(idTracks, tracks), join(frames...)))
	}
	hears, sees := webmTrack(1, 2), webmTrack(2, 1, element(idVideo, element(idWidth, []byte{64}), element(idHeight, []byte{64})))
	hear, see := element(idCluster, webmBlock(idBlock, 1)), element(idCluster, webmBlock(idBlock, 2))
	grouped := element(idCluster, element(idGroup, webmBlock(idFrames, 2)))
	testPictures(t, map[string]filmed{
		"media-webm-audio-only":              {webm(hears, hear), false},
		"sound in a WebM and bytes after it": {join(webm(hears, hear), make([]byte, 30)), false},
		"a WebM of sound and subtitles":      {webm(join(hears, webmTrack(2, 0x11)), hear), false},
		"a WebM whose video has no frames":   {webm(join(hears, sees), hear, hear), false},
		"no frames, and bytes after them":    {join(webm(join(hears, sees), hear), make([]byte, 30)), false},
		"a streamed WebM of sound":           {join(webmHead, live, element(idTracks, hears), liveCluster, webmBlock(idBlock, 1)), false},
		"a WebM with a video":                {webm(join(hears, sees), hear, see), true},
		"a WebM with a video in groups":      {webm(join(hears, sees), hear, grouped), true},
		"a streamed WebM with a video":       {join(webmHead, live, element(idTracks, join(hears, sees)), liveCluster, webmBlock(idBlock, 1), liveCluster, webmBlock(idBlock, 2)), true},
		"a WebM with its video tracks last":  {join(webmHead, element(idSegment, hear, see, element(idTracks, join(hears, sees)))), true},
		"a WebM with a track of no type":     {webm(join(hears, element(idTrack, element(idNumber, []byte{2}))), hear), true},
		"a WebM of several kinds in one":     {webm(webmTrack(2, 3), see), true},
		"a WebM with frames of no track":     {webm(sees, element(idCluster, element(idBlock))), true},
		"a WebM that cannot be read":         {webm(sees, hear, cluster), true},
		"a WebM whose tracks cannot be read": {webm(join(hears, []byte{0}), hear), true},
	})
}

// frame returns a JPEG whose frame has other bytes: its marker, its bits and the
// sampling of its components.
func frame(t *testing.T, marker, bits byte, sampling ...byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, image.NewRGBA(image.Rect(0, 0, 30, 20)), nil); err != nil {
		t.Fatal(err)
	}
	photo := buf.Bytes()
	at := bytes.Index(photo, []byte("\xff\xc0"))
	body := []byte{bits, 0, 20, 0, 30, byte(len(sampling))}
	for i, s := range sampling {
		body = append(body, byte(i+1), s, 0)
	}
	head := binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(body)+2))
	return join(photo[:at], head, body, photo[at+2+17:])
}

func TestEachFormOfAnImageIsAccepted(t *testing.T) {
	t.Parallel()
	noted := chunk("tEXt", []byte("Comment\x00made by \x8f")...)
	noted[len(noted)-1] ^= 1
	picture, drawing, plain := encoded(t, "image/png"), encoded(t, "image/gif"), frame(t, 0xc0, 8, 0x22, 0x11, 0x11)
	unsized := bytes.Clone(drawing)
	copy(unsized[6:], "\x00\x00\x00\x00")
	lossy := "VP8 \x0a\x00\x00\x00\x10\x00\x00\x9d\x01\x2a\x1e\x00\x14\x00"
	first, rest := picture[:33], picture[33:]
	for name, content := range map[string][]byte{
		"media-png-badcrc-palette":           join(first, noted, rest),
		"a PNG with notes of every kind":     join(first, chunk("gAMA", 0, 0, 0, 1), noted, chunk("iCCP", 1), chunk("eXIf", 1), chunk("caBX", 1), rest),
		"a PNG that moves":                   join(first, chunk("acTL", 0, 0, 0, 1, 0, 0, 0, 0), chunk("fcTL", make([]byte, 26)...), rest[:len(rest)-12], chunk("fdAT", 0, 0, 0, 1, 0), chunk("IEND")),
		"media-gif-0x0":                      unsized,
		"a GIF of no size after a note":      join(unsized[:13+colourBytes(unsized)], []byte("!\xfe\x01 \x00"), unsized[13+colourBytes(unsized):]),
		"a JPEG of odd sampling":             frame(t, 0xc0, 8, 0x22, 0x11, 0x12),
		"a progressive JPEG of odd sampling": frame(t, 0xc2, 8, 0x31, 0x11, 0x11),
		"a JPEG of twelve bits":              frame(t, 0xc1, 12, 0x11, 0x11, 0x11),
		"an arithmetic JPEG":                 frame(t, 0xc9, 8, 0x22, 0x11, 0x11),
		"a lossless JPEG":                    frame(t, 0xc3, 16, 0x11),
		"a JPEG of four colours":             frame(t, 0xc0, 8, 0x22, 0x11, 0x11, 0x22),
		"a gray JPEG":                        frame(t, 0xc0, 8, 0x22),
		"a JPEG of two components":           frame(t, 0xc0, 8, 0x11, 0x11),
		"a JPEG with a mark of no length":    join(plain[:2], []byte("\xff\x01"), plain[2:]),
		"a lossy WebP":                       riff(lossy),
		"a lossless WebP":                    encoded(t, "image/webp"),
		"a WebP with alpha":                  riff(vp8x, "ALPH\x02\x00\x00\x00\x00\x00", lossy),
		"a WebP with alpha and no canvas":    riff("ALPH\x01\x00\x00\x00\x00\x00", lossy),
		"a WebP that moves":                  riff(vp8x, "ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00", anmf),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := Inspect(file(t, content)); err != nil || got.Width != 30 || got.Height != 20 {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	for name, sample := range map[string]string{"media-jpg-odd-sampling": "sampling-22-11-12.jpg", "media-jpg-odd-sampling3": "sampling-31-11-11.jpg"} {
		if got, err := Inspect(filepath.Join("testdata", sample)); err != nil || got.MIME != "image/jpeg" || got.Width != 160 || got.Height != 120 {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

// colourBytes returns the length of the first colour table of a GIF.
func colourBytes(content []byte) int { return int(colours(content[10])) }

func TestAnImageWithABrokenHeaderIsRejected(t *testing.T) {
	t.Parallel()
	wide, picture, drawing := bomb(9, 9), encoded(t, "image/png"), encoded(t, "image/gif")
	broken := func(content []byte, at int, b byte) []byte {
		out := bytes.Clone(content)
		out[at] = b
		return out
	}
	header := func(body ...byte) []byte { return join(wide[:8], chunk("IHDR", body...), wide[33:]) }
	frameAt := 13 + colourBytes(drawing)
	vast := broken(broken(broken(broken(drawing, frameAt+5, 0xff), frameAt+6, 0xff), frameAt+7, 0xff), frameAt+8, 0xff)
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"a PNG whose header has a bad checksum":  {broken(wide, 32, wide[32]^1), "header cannot be read"},
		"a PNG whose palette has a bad checksum": {broken(picture, bytes.Index(picture, []byte("PLTE"))+5, 7), "header cannot be read"},
		"a PNG without its palette":              {header(0, 0, 0, 9, 0, 0, 0, 9, 8, 3, 0, 0, 0), "header cannot be read"},
		"a PNG with its palette last":            {join(header(0, 0, 0, 9, 0, 0, 0, 9, 8, 3, 0, 0, 0)[:33], chunk("IDAT", 0), chunk("PLTE", 1, 2, 3), chunk("IEND")), "header cannot be read"},
		"a PNG with half a colour":               {join(header(0, 0, 0, 9, 0, 0, 0, 9, 8, 3, 0, 0, 0)[:33], chunk("PLTE", 1, 2, 3, 4), chunk("PLTE", 1, 2, 3), chunk("IDAT", 0), chunk("IEND")), "header cannot be read"},
		"a PNG of too many colours":              {join(header(0, 0, 0, 9, 0, 0, 0, 9, 8, 3, 0, 0, 0)[:33], chunk("PLTE", make([]byte, 900)...), chunk("IDAT", 0), chunk("IEND")), "header cannot be read"},
		"a PNG of three bits":                    {header(0, 0, 0, 9, 0, 0, 0, 9, 3, 2, 0, 0, 0), "header cannot be read"},
		"a PNG of an unknown kind of colour":     {header(0, 0, 0, 9, 0, 0, 0, 9, 8, 5, 0, 0, 0), "header cannot be read"},
		"a PNG with another method":              {header(0, 0, 0, 9, 0, 0, 0, 9, 8, 2, 0, 0, 2), "header cannot be read"},
		"a PNG whose header is long":             {header(make([]byte, 300)...), "header cannot be read"},
		"a PNG of negative size":                 {header(0x80, 0, 0, 9, 0, 0, 0, 9, 8, 2, 0, 0, 0), "header cannot be read"},
		"a PNG that begins with something else":  {join(wide[:8], chunk("tEXt"), wide[8:]), "header cannot be read"},
		"a JPEG of no components":                {frame(t, 0xc0, 8), "header cannot be read"},
		"a JPEG without sampling":                {frame(t, 0xc0, 8, 0x02), "header cannot be read"},
		"a JPEG with too much sampling":          {frame(t, 0xc0, 8, 0x51), "header cannot be read"},
		"a JPEG of no frame":                     {frame(t, 0xc8, 8, 0x11), "header cannot be read"},
		"a WebP whose picture is something else": {riff("VP8 \x0a\x00\x00\x00\x10\x00\x00\x9d\x01\x2b\x1e\x00\x14\x00"), "header cannot be read"},
		"a WebP that needs an earlier picture":   {riff("VP8 \x0a\x00\x00\x00\x11\x00\x00\x9d\x01\x2a\x1e\x00\x14\x00"), "header cannot be read"},
		"a WebP with a canvas of no size":        {riff("VP8X\x02\x00\x00\x00\x00\x00", anmf), "header cannot be read"},
		"a WebP with a lossless header cut":      {riff("VP8L\x02\x00\x00\x00\x2f\x00", "EXIF\x02\x00\x00\x00\x00\x00"), "header cannot be read"},
		"a GIF with a vast frame":                {vast, "64 megapixels"},
		"an AVIF":                                {join(box("ftyp", []byte("avif\x00\x00\x00\x00mif1miaf")), box("meta"), data), "not one of the accepted types"},
		"an AVIF that moves":                     {join(box("ftyp", []byte("avis\x00\x00\x00\x00isomiso8")), box("moov", trackOf(1, "pict", samplesOf(9))), data), "not one of the accepted types"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Inspect(file(t, c.content))
			if f, ok := errors.AsType[*order.Failure](err); !ok || f.Code != order.CodeBadFile || !strings.Contains(f.Error(), c.want) {
				t.Errorf("got %v, want a bad_file with %q", err, c.want)
			}
		})
	}
}

func TestAHeaderThatCannotBeReadSaysNothingOfTheImage(t *testing.T) {
	t.Parallel()
	for _, mime := range samples[:4] {
		f, err := os.Open(file(t, encoded(t, mime)))
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		var info Info
		info.MIME, info.Media, info.Bytes = mime, Image, 100
		if f, ok := errors.AsType[*order.Failure](info.measure(f, "picture")); !ok || f.Code != order.CodeFileUnreadable {
			t.Errorf("%s: got %v, want unreadable", mime, f)
		}
	}
}

func TestAStillNextToAVideoIsNotWanted(t *testing.T) {
	t.Parallel()
	still, note := file(t, encoded(t, "image/png")), file(t, []byte("seed 7"))
	clip, loop := file(t, encoded(t, "video/mp4")), file(t, encoded(t, "video/webm"))
	missing := filepath.Join(t.TempDir(), "missing")
	for name, c := range map[string]struct {
		kind        string
		files, want []string
	}{
		"a still and a video":           {Video, []string{still, clip}, []string{clip}},
		"a still between two videos":    {Video, []string{clip, still, loop}, []string{clip, loop}},
		"stills only":                   {Video, []string{still, still}, []string{still, still}},
		"something else":                {Video, []string{still, clip, note, missing}, []string{clip, note, missing}},
		"a service of images":           {Image, []string{still, clip}, []string{still, clip}},
		"a service of images or videos": {"", []string{still, clip}, []string{still, clip}},
		"no files":                      {Video, nil, nil},
	} {
		if got := (Rules{Kind: c.kind}).Wanted(c.files); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
