package media

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/bits"
	"time"
)

// footage is what the header of a video tells; zero where it does not.
type footage struct {
	duration      time.Duration
	width, height int
}

// Hostile headers end here: so many boxes or elements are looked at, and no more
// than so many bytes of one are read.
const (
	mostBoxes    = 2000
	mostOfOne    = 256
	longestVideo = 1000 * time.Hour
)

var errHeader = errors.New("the header cannot be followed")

// measure reads the header of a video of so many bytes. What cannot be followed
// is left at zero: the file may be good all the same.
func measure(mime string, f io.ReaderAt, size int64) (v footage) {
	var err error
	switch mime {
	case "video/mp4", "video/quicktime":
		w := &boxes{f: f}
		err = w.walk(&v, 0, size, 0)
	case "video/webm":
		w := &elements{f: f, scale: 1_000_000}
		err = w.walk(&v, 0, size, 0)
		v.duration = seconds(w.ticks * float64(w.scale) / 1e9)
	}
	if err != nil && v == (footage{}) {
		return footage{}
	}
	return v
}

// seconds is a duration that is sane, or 0.
func seconds(s float64) time.Duration {
	if !(s > 0) || s > longestVideo.Seconds() {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}

// boxes walks an MP4 or QuickTime file (ISO/IEC 14496-12).
type boxes struct {
	f    io.ReaderAt
	seen int
}

func (b *boxes) walk(v *footage, from, to int64, depth int) error {
	for from+8 <= to {
		if b.seen++; b.seen > mostBoxes || depth > 4 {
			return errHeader
		}
		var head [16]byte
		if _, err := b.f.ReadAt(head[:8], from); err != nil {
			return err
		}
		size, start := int64(binary.BigEndian.Uint32(head[:])), from+8
		switch size {
		case 0:
			size = to - from // to the end
		case 1:
			if _, err := b.f.ReadAt(head[8:], from+8); err != nil {
				return err
			}
			large := binary.BigEndian.Uint64(head[8:])
			if large > math.MaxInt64 {
				return errHeader
			}
			size, start = int64(large), from+16
		}
		if size < start-from || size > to-from {
			return errHeader
		}
		if err := b.box(v, string(head[4:8]), start, from+size, depth); err != nil {
			return err
		}
		from += size
	}
	return nil
}

func (b *boxes) box(v *footage, name string, from, to int64, depth int) error {
	switch name {
	case "moov", "trak", "mvex":
		return b.walk(v, from, to, depth+1)
	case "mvhd", "mehd", "tkhd":
	default:
		return nil
	}
	body := make([]byte, min(to-from, mostOfOne))
	if _, err := b.f.ReadAt(body, from); err != nil {
		return err
	}
	long := len(body) > 0 && body[0] == 1 // version 1 has times of 64 bits
	switch {
	case name == "mvhd" && long && len(body) >= 32:
		v.setDuration(ratio(binary.BigEndian.Uint64(body[24:]), binary.BigEndian.Uint32(body[20:])))
	case name == "mvhd" && !long && len(body) >= 20:
		v.setDuration(ratio(uint64(binary.BigEndian.Uint32(body[16:])), binary.BigEndian.Uint32(body[12:])))
	case name == "tkhd" && long && len(body) >= 96:
		v.setSize(binary.BigEndian.Uint32(body[88:])>>16, binary.BigEndian.Uint32(body[92:])>>16)
	case name == "tkhd" && !long && len(body) >= 84:
		v.setSize(binary.BigEndian.Uint32(body[76:])>>16, binary.BigEndian.Uint32(body[80:])>>16)
	}
	return nil
}

func ratio(n uint64, scale uint32) time.Duration {
	if scale == 0 || n == math.MaxUint64 || n == math.MaxUint32 {
		return 0
	}
	return seconds(float64(n) / float64(scale))
}

func (v *footage) setDuration(d time.Duration) {
	if v.duration == 0 {
		v.duration = d
	}
}

// setSize takes the size of the first track that has one: sound has none.
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

// The elements that matter, by their ids.
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
)

func (e *elements) walk(v *footage, from, to int64, depth int) error {
	var w, h uint64
	for from < to {
		if e.seen++; e.seen > mostBoxes || depth > 5 {
			return errHeader
		}
		id, n, err := e.number(from, false)
		if err != nil {
			return err
		}
		size, m, err := e.number(from+n, true)
		if err != nil {
			return err
		}
		start := from + n + m
		end := start + size
		if size < 0 { // unknown, as live muxers write it
			end = to
		}
		if end > to || end < start || id == idCluster {
			return errHeader // frames: the header is over
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

// number reads a number of variable length: an id with its marker, or a size
// without it, of which -1 is unknown.
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
