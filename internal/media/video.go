package media

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/bits"
	"time"
)

// footage is what the header of a video states. Missing values are zero.
type footage struct {
	duration      time.Duration
	width, height int
}

// Limits for hostile headers: the number of boxes or elements to look at, the bytes
// to read of each, and the longest believable video.
const (
	mostBoxes    = 20_000 // a fragmented movie may have ten for each second
	mostOfOne    = 256
	longestVideo = 1000 * time.Hour
)

var errHeader = errors.New("malformed header")

// measure reads the header of a video with size bytes. It leaves values at zero if the
// header is malformed, because the file may still be good. dark reports whether the
// file certainly has no picture.
func measure(mime string, f io.ReaderAt, size int64) (v footage, dark bool) {
	switch mime {
	case "video/mp4", "video/quicktime":
		w := &boxes{f: f}
		w.begin(0)
		if err := w.walk(&v, 0, size, 0); err == nil { // the sum is right only with all fragments
			v.setDuration(w.fragments())
			dark = w.dark()
		} else if w.appended {
			dark = w.dark()
		}
	case "video/webm":
		w := &elements{f: f, scale: 1_000_000}
		_ = w.walk(&v, 0, size, 0) // it ends at the first frames
		v.duration = seconds(w.ticks * float64(w.scale) / 1e9)
		dark = darkWebM(f, size)
	}
	return v, dark
}

// seconds returns a plausible duration, or 0.
func seconds(s float64) time.Duration {
	if !(s > 0) || s > longestVideo.Seconds() {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}

// boxes walks an MP4 or QuickTime file (ISO/IEC 14496-12).
type boxes struct {
	f        io.ReaderAt
	seen     int
	scale    uint32 // ticks in a second, of the movie
	appended bool   // something else follows the last box of the file
	fragmented
}

func (b *boxes) walk(v *footage, from, to int64, depth int) error {
	for from+8 <= to {
		next, err := b.head(from, to)
		if err == nil && (next.end > to || depth > 5) {
			err = errHeader
		}
		if err != nil {
			b.appended = depth == 0 && errors.Is(err, errHeader) && b.seen <= mostBoxes
			return err
		}
		if err := b.box(v, next, depth); err != nil {
			return err
		}
		from = next.end
	}
	return nil
}

// boxHead is the header of a box. Its content is from start to end.
type boxHead struct {
	name       string
	start, end int64
}

// head reads the header of the box at from. Its end may be past to.
func (b *boxes) head(from, to int64) (boxHead, error) {
	if b.seen++; b.seen > mostBoxes {
		return boxHead{}, errHeader
	}
	var head [16]byte
	if _, err := b.f.ReadAt(head[:8], from); err != nil {
		return boxHead{}, err
	}
	size, start := int64(binary.BigEndian.Uint32(head[:])), from+8
	switch size {
	case 0:
		size = to - from // to the end
	case 1:
		if _, err := b.f.ReadAt(head[8:], from+8); err != nil {
			return boxHead{}, err
		}
		large := binary.BigEndian.Uint64(head[8:])
		if large > math.MaxInt64 {
			return boxHead{}, errHeader
		}
		size, start = int64(large), from+16
	}
	if size < start-from {
		return boxHead{}, errHeader
	}
	return boxHead{string(head[4:8]), start, from + min(size, math.MaxInt64-from)}, nil
}

func (b *boxes) box(v *footage, h boxHead, depth int) error {
	switch h.name {
	case "trak":
		b.open()
		return b.walk(v, h.start, h.end, depth+1)
	case "moov", "mdia", "mvex", "moof", "traf":
		return b.walk(v, h.start, h.end, depth+1)
	case "minf", "stbl":
		if err := b.walk(v, h.start, h.end, depth+1); err != nil {
			b.track.counted = false // the size and the duration are stated elsewhere
		}
		return nil
	case "hdlr", "stsz", "stz2", "mvhd", "mehd", "tkhd", "mdhd", "trex", "tfhd", "tfdt", "trun":
	default:
		return nil
	}
	body := make([]byte, min(h.end-h.start, mostOfOne))
	if _, err := b.f.ReadAt(body, h.start); err != nil {
		return err
	}
	long, by := isLong(body), 0
	if long { // version 1 has 64-bit times, which shift the fields after them
		by = 8
	}
	switch h.name {
	case "mvhd":
		b.scale = field(body, 12+by)
		v.setDuration(ratio(moment(body, 16+by), b.scale))
	case "mehd": // all of a fragmented movie, while mvhd has at most the first part
		v.setDuration(ratio(moment(body, 4), b.scale))
	case "tkhd":
		b.identify(field(body, 12+by))
		if long {
			by = 12
		}
		w, h := field(body, 76+by)>>16, field(body, 80+by)>>16
		if turned(body, 40+by) {
			w, h = h, w
		}
		b.track.picture = w > 0 && h > 0
		v.setSize(w, h)
	case "mdhd":
		b.track.scale = field(body, 12+by)
	case "hdlr", "stsz", "stz2":
		b.track.describe(h.name, body)
	default:
		return b.fragment(b.f, h, body)
	}
	return nil
}

// field returns a 32-bit number, or 0 if the box is too short.
func field(body []byte, at int) uint32 {
	if at+4 > len(body) {
		return 0
	}
	return binary.BigEndian.Uint32(body[at:])
}

// isLong reports whether the times of a box have 64 bits.
func isLong(body []byte) bool { return len(body) > 0 && body[0] == 1 }

// moment returns a time of 64 or 32 bits.
func moment(body []byte, at int) uint64 {
	if isLong(body) {
		return uint64(field(body, at))<<32 | uint64(field(body, at+4))
	}
	return uint64(field(body, at))
}

// turned reports whether the matrix at the position turns the picture by 90 or 270
// degrees, so that each axis depends only on the other.
func turned(body []byte, at int) bool {
	return field(body, at) == 0 && field(body, at+16) == 0 && field(body, at+4) != 0 && field(body, at+12) != 0
}

func ratio(n uint64, scale uint32) time.Duration {
	if scale == 0 || n == math.MaxUint64 || n == math.MaxUint32 {
		return 0
	}
	return seconds(float64(n) / float64(scale))
}

// setDuration keeps the longest duration, because some boxes state only a part.
func (v *footage) setDuration(d time.Duration) { v.duration = max(v.duration, d) }

// setSize keeps the size of the first track that has one. Sound has none.
func (v *footage) setSize(w, h uint32) {
	if v.width == 0 && w > 0 && h > 0 && w <= math.MaxUint16 && h <= math.MaxUint16 {
		v.width, v.height = int(w), int(h)
	}
}

// elements walks a WebM file (EBML, RFC 8794; Matroska, RFC 9559).
type elements struct {
	f     io.ReaderAt
	seen  int
	scale uint64 // nanoseconds in a tick
	ticks float64
}

// The ids of the elements that matter.
const (
	idSegment = 0x18538067
	idInfo    = 0x1549A966
	idScale   = 0x2AD7B1
	idLength  = 0x4489
	idTracks  = 0x1654AE6B
	idTrack   = 0xAE
	idVideo   = 0xE0
	idWidth   = 0xB0
	idHeight  = 0xBA
	idCluster = 0x1F43B675
	idGroup   = 0xA0
	idBlock   = 0xA3
)

func (e *elements) walk(v *footage, from, to int64, depth int) error {
	var w, h uint64
	for from < to {
		next, err := e.head(from)
		if err != nil {
			return err
		}
		id, start, end := next.id, next.start, next.start+next.size
		if next.size < 0 { // unknown; live muxers write it
			end = to
		}
		if end > to || end < start || id == idCluster || depth > 5 {
			return errHeader // the header ends at the first frames
		}
		switch id {
		case idSegment, idInfo, idTracks, idTrack, idVideo:
			if err := e.walk(v, start, end, depth+1); err != nil {
				return err
			}
		case idScale, idWidth, idHeight, idLength:
			value, length, err := e.value(start, end)
			if err != nil {
				return err
			}
			switch {
			case id == idScale:
				e.scale = value
			case id == idWidth:
				w = value
			case id == idHeight:
				h = value
			case length == 4:
				e.ticks = float64(math.Float32frombits(uint32(value)))
			case length == 8:
				e.ticks = math.Float64frombits(value)
			}
		}
		from = end
	}
	if w <= math.MaxUint16 && h <= math.MaxUint16 {
		v.setSize(uint32(w), uint32(h))
	}
	return nil
}

// elementHead is the header of an element: its id, the start of its content and the
// size of the content, which is -1 if unknown.
type elementHead struct{ id, start, size int64 }

// head reads the header of the element at from.
func (e *elements) head(from int64) (elementHead, error) {
	if e.seen++; e.seen > mostBoxes {
		return elementHead{}, errHeader
	}
	id, n, err := e.number(from, false)
	if err != nil {
		return elementHead{}, err
	}
	size, m, err := e.number(from+n, true)
	return elementHead{id, from + n + m, size}, err
}

// number reads a number of variable length: an id with its marker, or a size without
// it. An unknown size is -1.
func (e *elements) number(at int64, size bool) (value, length int64, err error) {
	var buf [8]byte
	if _, err := e.f.ReadAt(buf[:1], at); err != nil {
		return 0, 0, err
	}
	n := bits.LeadingZeros8(buf[0]) + 1
	if n > 8 || !size && n > 4 {
		return 0, 0, errHeader
	}
	if _, err := e.f.ReadAt(buf[:n], at); err != nil {
		return 0, 0, err
	}
	first := buf[0]
	if size {
		first &= 0xff >> n
	}
	value = int64(first)
	ones := size && first == 0xff>>n
	for _, b := range buf[1:n] {
		value = value<<8 | int64(b)
		ones = ones && b == 0xff
	}
	if ones {
		value = -1
	}
	return value, int64(n), nil
}

func (e *elements) value(from, to int64) (value uint64, length int, err error) {
	if to-from < 1 || to-from > 8 {
		return 0, 0, errHeader
	}
	buf := make([]byte, to-from)
	if _, err := e.f.ReadAt(buf, from); err != nil {
		return 0, 0, err
	}
	for _, b := range buf {
		value = value<<8 | uint64(b)
	}
	return value, len(buf), nil
}
