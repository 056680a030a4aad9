package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

// box returns a box of ISO/IEC 14496-12.
func box(name string, body ...[]byte) []byte {
	whole := bytes.Join(body, nil)
	out := binary.BigEndian.AppendUint32(nil, uint32(8+len(whole)))
	return append(append(out, name...), whole...)
}

// fields returns 32-bit numbers.
func fields(n ...uint32) []byte {
	var out []byte
	for _, v := range n {
		out = binary.BigEndian.AppendUint32(out, v)
	}
	return out
}

func movieHeader(scale, duration uint32) []byte {
	return box("mvhd", fields(0, 0, 0, scale, duration), make([]byte, 80))
}

// trackHeader returns the header of the first track, with a matrix that turns it.
func trackHeader(w, h uint32, matrix ...uint32) []byte {
	matrix = append(matrix, make([]uint32, 9-len(matrix))...)
	return box("tkhd", fields(0, 0, 0, 1, 0, 90), make([]byte, 16), fields(matrix...), fields(w<<16, h<<16))
}

var (
	brand   = box("ftyp", []byte("isom\x00\x00\x02\x00isommp42"))
	data    = box("mdat", make([]byte, 50))
	cluster = element(idCluster, make([]byte, 50))
)

// element returns an EBML element. Its size has one byte, or eight from 127 bytes on.
func element(id uint32, body ...[]byte) []byte {
	whole := bytes.Join(body, nil)
	var out []byte
	for shift := 24; shift >= 0; shift -= 8 {
		if b := byte(id >> shift); b != 0 || out != nil {
			out = append(out, b)
		}
	}
	if len(whole) < 127 {
		return append(append(out, 0x80|byte(len(whole))), whole...)
	}
	out = append(out, 0x01)
	return append(append(out, binary.BigEndian.AppendUint64(nil, uint64(len(whole)))[1:]...), whole...)
}

var webmHead = []byte("\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webmB\x87\x81\x04B\x85\x81\x02")

func TestInspectMeasuresVideos(t *testing.T) {
	t.Parallel()
	info := element(idInfo, element(idScale, []byte{0x0f, 0x42, 0x40}), element(idLength, binary.BigEndian.AppendUint64(nil, math.Float64bits(4500))))
	info32 := element(idInfo, element(idLength, binary.BigEndian.AppendUint32(nil, math.Float32bits(4500))))
	tracks := element(idTracks, element(idTrack, element(0xE1)), element(idTrack, element(idVideo, element(idWidth, []byte{0x05, 0x00}), element(idHeight, []byte{0x02, 0xd0}))))
	long := box("mvhd", []byte{1, 0, 0, 0}, make([]byte, 16), fields(1000), fields(0, 4500), make([]byte, 80))
	longTrack := box("tkhd", []byte{1, 0, 0, 0}, make([]byte, 84), fields(1280<<16, 720<<16))
	longTurned := box("tkhd", []byte{1, 0, 0, 0}, make([]byte, 48), fields(0, 1<<16, 0, 1<<16, 0, 0, 0, 0, 0), fields(1280<<16, 720<<16))
	picture, sound := box("trak", trackHeader(1280, 720)), box("trak", trackHeader(0, 0))
	open := append([]byte{0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, join(info, tracks, cluster)...)
	whole := footage{4500 * time.Millisecond, 1280, 720}
	upright := footage{4500 * time.Millisecond, 720, 1280}
	turned := func(matrix ...uint32) []byte {
		return join(brand, box("moov", movieHeader(1000, 4500), box("trak", trackHeader(1280, 720, matrix...))), data)
	}
	const one, minus = 1 << 16, 0xffff << 16
	for name, c := range map[string]struct {
		file []byte
		want footage
	}{
		"mp4":                   {join(brand, box("moov", movieHeader(1000, 4500), sound, picture), data), whole},
		"header at the end":     {join(brand, data, box("moov", movieHeader(1000, 4500), picture)), whole},
		"times of 64 bits":      {join(brand, box("moov", long, box("trak", longTrack)), data), whole},
		"turned by 0 degrees":   {turned(one, 0, 0, 0, one), whole},
		"turned by 45 degrees":  {turned(one, one, 0, minus, one), whole},
		"turned by 90 degrees":  {turned(0, one, 0, minus, 0), upright},
		"turned by 180 degrees": {turned(minus, 0, 0, 0, minus), whole},
		"turned by 270 degrees": {turned(0, minus, 0, one, 0), upright},
		"turned, 64 bits":       {join(brand, box("moov", long, box("trak", longTurned)), data), upright},
		"unknown duration":      {join(brand, box("moov", movieHeader(1000, math.MaxUint32), sound), data), footage{}},
		"no scale":              {join(brand, box("moov", movieHeader(0, 10), sound), data), footage{}},
		"empty boxes":           {join(brand, box("moov", box("mvhd"), box("trak", box("tkhd")), box("mvex", box("mehd"))), data), footage{}},
		"a box beyond the file": {join(brand, box("moov", movieHeader(1000, 4500), picture, []byte("\x7f\xff\xff\xffudta")), data), whole},
		"a box of no size":      {join(brand, box("moov", movieHeader(1000, 4500), picture, []byte("\x00\x00\x00\x04udta")), data), whole},
		"webm":                  {join(webmHead, element(idSegment, info, tracks, cluster)), whole},
		"webm with short times": {join(webmHead, element(idSegment, info32, tracks, cluster)), whole},
		"webm of unknown size":  {join(webmHead, open), whole},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Inspect(file(t, c.file))
			if err != nil {
				t.Fatal(err)
			}
			if (footage{got.Duration, got.Width, got.Height}) != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestTheDurationOfAFragmentedMovieIsTheSumOfItsFragments(t *testing.T) {
	t.Parallel()
	start := func(scale, id, w uint32) []byte {
		return box("trak", box("tkhd", fields(0, 0, 0, id, 0, 0), make([]byte, 52), fields(w<<16, w<<16)), box("mdia", box("mdhd", fields(0, 0, 0, scale, 0))))
	}
	longStart := box("trak", box("tkhd", []byte{1, 0, 0, 0}, make([]byte, 16), fields(1), make([]byte, 64), fields(64<<16, 64<<16)),
		box("mdia", box("mdhd", []byte{1, 0, 0, 0}, make([]byte, 16), fields(100), make([]byte, 12))))
	defaults := func(id, ticks uint32) []byte { return box("trex", fields(0, id, 1, ticks, 0, 0)) }
	part := func(boxes ...[]byte) []byte { return join(box("moof", box("traf", boxes...)), data) }
	first, second := box("tfhd", fields(0, 1)), box("tfhd", fields(0, 2))
	three := box("trun", fields(0, 3))
	rows := box("trun", fields(0x305, 2, 77, 77, 30, 5000, 40, 5000)) // two fields before the rows, and sizes in them
	for name, c := range map[string]struct {
		header, parts []byte
		want          time.Duration
	}{
		"stated":                           {join(movieHeader(1000, 0), start(100, 1, 64), box("mvex", box("mehd", fields(0, 4500)))), nil, 4500 * time.Millisecond},
		"stated in 64 bits":                {join(movieHeader(1000, 0), start(100, 1, 64), box("mvex", box("mehd", fields(1<<24, 0, 4500)))), nil, 4500 * time.Millisecond},
		"stated, and that of a first part": {join(movieHeader(1000, 1000), start(100, 1, 64), box("mvex", box("mehd", fields(0, 4500)))), nil, 4500 * time.Millisecond},
		"the track's samples":              {join(start(100, 1, 64), box("mvex", defaults(1, 50))), join(part(first, three), part(first, three)), 3 * time.Second},
		"defaults before the track":        {join(box("mvex", defaults(1, 50)), start(100, 1, 64)), part(first, three), 1500 * time.Millisecond},
		"64 bits":                          {join(longStart, box("mvex", defaults(1, 50))), part(first, three), 1500 * time.Millisecond},
		"the fragment's samples":           {join(start(100, 1, 64), box("mvex", defaults(1, 50))), part(box("tfhd", fields(0xb, 1, 77, 77, 77, 20)), three), 600 * time.Millisecond},
		"each sample":                      {join(start(100, 1, 64), box("mvex", defaults(1, 50))), part(first, rows, rows), 1400 * time.Millisecond},
		"a start time":                     {join(movieHeader(1000, 2000), start(100, 1, 64), box("mvex", defaults(1, 50))), part(first, box("tfdt", fields(0, 200)), three), 3500 * time.Millisecond},
		"a start time in 64 bits":          {join(start(100, 1, 64), box("mvex", defaults(1, 50))), part(first, box("tfdt", fields(1<<24, 0, 200)), three), 3500 * time.Millisecond},
		"longer sound":                     {join(start(100, 1, 64), start(100, 2, 0), box("mvex", defaults(1, 50), defaults(2, 60))), join(part(first, three), part(second, three)), 1500 * time.Millisecond},
		"a cut table":                      {join(start(100, 1, 64)), part(first, rows, box("trun", fields(0x100, 2, 30))), 0},
		"no track":                         {start(100, 1, 64), part(three), 0},
		"not stated":                       {start(100, 1, 64), nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Inspect(file(t, join(brand, box("moov", c.header), c.parts, data)))
			if err != nil || got.Duration != c.want || got.Width != 64 {
				t.Errorf("%+v, %v, want %s", got, err, c.want)
			}
		})
	}
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// counting counts the reads of a file.
type counting struct {
	bytes.Reader
	read, calls int
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	c.calls++
	n, err := c.Reader.ReadAt(p, off)
	c.read += n
	return n, err
}

func TestAHostileHeaderTakesLimitedReads(t *testing.T) {
	t.Parallel()
	many := append(brand, bytes.Repeat(box("free"), 1<<20)...)
	deep := box("moov", bytes.Repeat(box("trak", bytes.Repeat(box("trak"), 3)), 1<<16))
	for _, content := range [][]byte{many, append(brand, deep...)} {
		c := &counting{Reader: *bytes.NewReader(content)}
		measure("video/mp4", c, int64(len(content)))
		if c.calls > 2*mostBoxes+10 || c.read > 1<<20 {
			t.Errorf("%d reads of %d bytes", c.calls, c.read)
		}
	}
	c := &counting{Reader: *bytes.NewReader(bytes.Repeat([]byte{0xAE, 0x80}, 1<<20))}
	measure("video/webm", c, 2<<20)
	if c.calls > 10*mostBoxes {
		t.Errorf("%d reads", c.calls)
	}
}

func FuzzMeasureReturnsPlausibleValues(f *testing.F) {
	f.Add(true, join(brand, box("moov", movieHeader(1000, 4500), box("trak", trackHeader(1280, 720)))))
	f.Add(true, join(box("moov", box("trak", trackHeader(9, 9), box("mdia", box("mdhd", fields(0, 0, 0, 100, 0)))), box("mvex", box("trex", fields(0, 1, 1, 50)))),
		box("moof", box("traf", box("tfhd", fields(8, 1, 20)), box("tfdt", fields(0, 9)), box("trun", fields(0x100, 2, 30, 40))))))
	f.Add(true, join(box("mdia", box("mdhd")), box("traf", box("trun", fields(0, 1))))) // no track
	f.Add(false, join(webmHead, element(idSegment, element(idInfo, element(idLength, make([]byte, 4))))))
	f.Fuzz(func(t *testing.T, mp4 bool, content []byte) {
		mime := map[bool]string{true: "video/mp4", false: "video/webm"}[mp4]
		v, _ := measure(mime, bytes.NewReader(content), int64(len(content)))
		if v.duration < 0 || v.duration > longestVideo || v.width < 0 || v.width > math.MaxUint16 || v.height > math.MaxUint16 {
			t.Errorf("%+v", v)
		}
	})
}

func TestRulesStateWhatIsRequiredAndWhatWasMade(t *testing.T) {
	t.Parallel()
	picture := Info{MIME: "image/png", Media: Image, Width: 1024, Height: 1024}
	film := Info{MIME: "video/mp4", Media: Video, Width: 1280, Height: 720, Duration: 5 * time.Second}
	dark := Info{MIME: "video/mp4", Media: Video}
	text := Info{MIME: "text/plain", Media: Text}
	for name, c := range map[string]struct {
		rules Rules
		info  Info
		want  string
	}{
		"anything":       {Rules{}, picture, ""},
		"no text":        {Rules{}, text, "made text/plain, but the service requires an image or a video"},
		"a kind":         {Rules{Kind: Image}, picture, ""},
		"another kind":   {Rules{Kind: Video}, picture, "made image/png, but the service requires video"},
		"text":           {Rules{Kind: Text, MinWidth: 5}, text, ""},
		"large enough":   {Rules{MinWidth: 1024, MinHeight: 1024}, picture, ""},
		"too narrow":     {Rules{MinWidth: 1025}, picture, "1024 x 1024 pixels, but the service requires a width of at least 1025"},
		"too low":        {Rules{MinHeight: 1080}, film, "1280 x 720 pixels, but the service requires a height of at least 1080"},
		"aspect":         {Rules{AspectW: 16, AspectH: 9}, film, ""},
		"near an aspect": {Rules{AspectW: 16, AspectH: 9}, Info{Media: Image, Width: 1280, Height: 728}, ""},
		"another aspect": {Rules{AspectW: 1, AspectH: 1}, film, "the service requires 1:1"},
		"no size":        {Rules{MinWidth: 1}, dark, "does not state its size"},
		"in time":        {Rules{MinDuration: 5 * time.Second, MaxDuration: 5 * time.Second}, film, ""},
		"too short":      {Rules{MinDuration: 6 * time.Second}, film, "lasts 5s, but the service requires at least 6s"},
		"too long":       {Rules{MaxDuration: 4 * time.Second}, film, "at most 4s"},
		"with its sound": {Rules{MaxDuration: 4950 * time.Millisecond}, film, ""},
		"no duration":    {Rules{MaxDuration: 4 * time.Second}, dark, "does not state its duration"},
		"no film":        {Rules{MinDuration: 4 * time.Second}, picture, ""},
	} {
		err := c.rules.Check(c.info)
		f, ok := errors.AsType[*order.Failure](err)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (!ok || f.Class != order.Retry || f.Code != order.CodeBadFile || !strings.Contains(f.Error(), c.want)):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestParseAspect(t *testing.T) {
	t.Parallel()
	if w, h, err := ParseAspect("16:9"); w != 16 || h != 9 || err != nil {
		t.Errorf("%d %d %v", w, h, err)
	}
	for _, s := range []string{"", "16", "16:", ":9", "0:1", "16:-9", "a:b", "10001:1"} {
		if _, _, err := ParseAspect(s); err == nil {
			t.Errorf("%q is a ratio", s)
		}
	}
}
